-- Small functions that the measures share. Written here anew, from the clauses, and not taken from the movers' code:
-- what is judged and what judges must not share a mistake.

-- macro: half
-- Full-width forms (全角) to half-width, U+FF01..U+FF5E.
CREATE MACRO half(x) AS translate(x,
  '！＂＃＄％＆＇（）＊＋，－．／０１２３４５６７８９：；＜＝＞？＠ＡＢＣＤＥＦＧＨＩＪＫＬＭＮＯＰＱＲＳＴＵＶＷＸＹＺ［＼］＾＿｀ａｂｃｄｅｆｇｈｉｊｋｌｍｎｏｐｑｒｓｔｕｖｗｘｙｚ｛｜｝～',
  '!"#$%&''()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\]^_`abcdefghijklmnopqrstuvwxyz{|}~');

-- macro: bare
-- NFC, half-width, and no blanks or invisible characters: how names and numbers are compared. Plain ones are quick.
CREATE MACRO bare(x) AS CASE WHEN regexp_full_match(x, '[0-9A-Za-z\x{4E00}-\x{9FFF}]*') THEN x
  ELSE regexp_replace(half(nfc_normalize(x)), '[\s\p{Z}\p{C}]', '', 'g') END;

-- macro: check_digit
-- GB 11643: the 18th character of an ID number from its first 17 digits.
CREATE MACRO check_digit(d) AS substr('10X98765432', 1 + CAST(list_sum(list_transform(range(1, 18),
  lambda i: TRY_CAST(substr(d, i, 1) AS INTEGER) * [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2][i])) % 11 AS INTEGER), 1);

-- macro: century
-- The first 17 digits of an 18-digit number, from a 15-digit one (domain.md, Merging identities).
CREATE MACRO century(d) AS left(d, 6) || '19' || substr(d, 7, 9);

-- macro: person_id
-- The bare ID number as it is compared: 15 digits expanded to 18, x written X.
CREATE MACRO person_id(kind, x) AS
  CASE WHEN kind = 'person' AND length(x) = 15 AND regexp_full_match(x, '[0-9]*')
       THEN century(x) || check_digit(century(x)) ELSE upper(x) END;

-- macro: luhn_rest
-- 0 for a number whose last digit is right by Luhn; NULL when a character is no digit.
CREATE MACRO luhn_rest(x) AS list_sum(list_transform(range(1, length(x) + 1),
  lambda i: CASE WHEN (length(x) - i) % 2 = 1
                 THEN [0, 2, 4, 6, 8, 1, 3, 5, 7, 9][1 + TRY_CAST(substr(x, i, 1) AS INTEGER)]
                 ELSE TRY_CAST(substr(x, i, 1) AS INTEGER) END)) % 10;
