-- The sandbox bank's own books. One transaction a request file; nothing here is shared with the product.

CREATE TABLE IF NOT EXISTS files (
  name        TEXT PRIMARY KEY,
  sha256      TEXT NOT NULL,
  kind        TEXT NOT NULL,
  sort        TEXT NOT NULL,              -- accounts: person | company; else the kind again
  records     INTEGER NOT NULL,
  result_name TEXT NOT NULL,
  accepted_at REAL NOT NULL,              -- seconds since 1970, for held results only
  result      BLOB NOT NULL               -- the clean answer, zlib; last, so that looking at the rest is cheap
) STRICT;

CREATE TABLE IF NOT EXISTS incidents (
  id     INTEGER PRIMARY KEY,
  name   TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  reason TEXT NOT NULL,                   -- record numbers and codes, no personal data
  UNIQUE (name, sha256, reason)
) STRICT;

CREATE TABLE IF NOT EXISTS customers (
  account_no TEXT PRIMARY KEY,
  app_id     TEXT UNIQUE,                 -- NULL: a customer of another channel, not linked to the platform
  identity   TEXT NOT NULL UNIQUE,        -- the ID number in its one form
  id_no      TEXT NOT NULL,
  id_type    TEXT NOT NULL,
  name       TEXT NOT NULL,
  phone      TEXT NOT NULL UNIQUE,
  kind       TEXT NOT NULL CHECK (kind IN ('person', 'company')),
  flag       TEXT NOT NULL CHECK (flag IN ('S', 'N')),   -- N: opened through another channel, activated
  file       TEXT NOT NULL,
  record     INTEGER NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS listings (
  listing_id         TEXT PRIMARY KEY COLLATE NOCASE,
  title              TEXT NOT NULL,
  borrower_account   TEXT NOT NULL,
  amount_fen         INTEGER NOT NULL,
  int_type           TEXT NOT NULL,
  pay_day            TEXT NOT NULL,
  term_days          INTEGER NOT NULL,
  rate_e5            INTEGER NOT NULL,    -- percent a year times 100,000
  guarantor_account  TEXT NOT NULL,
  nominal_account    TEXT NOT NULL,
  payee_account      TEXT NOT NULL,
  file               TEXT NOT NULL,
  record             INTEGER NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS debts (
  serial     TEXT PRIMARY KEY,
  debt_id    TEXT NOT NULL,
  account_no TEXT NOT NULL,
  listing_id TEXT NOT NULL,
  amount_fen INTEGER NOT NULL,
  buy_date   TEXT NOT NULL,
  int_date   TEXT NOT NULL,
  end_date   TEXT NOT NULL,
  rate_e5    INTEGER NOT NULL,
  authcode   TEXT NOT NULL,
  file       TEXT NOT NULL,
  record     INTEGER NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS authorisations (
  serial     TEXT PRIMARY KEY,
  account_no TEXT NOT NULL,
  sig_type   TEXT NOT NULL,
  file       TEXT NOT NULL,
  record     INTEGER NOT NULL,
  UNIQUE (account_no, sig_type)
) STRICT;

-- Append-only: one row whenever something was done for a key, so that a second effect would show.
CREATE TABLE IF NOT EXISTS effects (
  entity TEXT NOT NULL,
  key    TEXT NOT NULL,
  file   TEXT NOT NULL,
  record INTEGER NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS refusals (      -- how often a planned fault has struck, and what it struck first
  fault       TEXT NOT NULL,
  key         TEXT NOT NULL,
  times       INTEGER NOT NULL,
  fingerprint TEXT NOT NULL,
  PRIMARY KEY (fault, key)
) STRICT;

CREATE TABLE IF NOT EXISTS emissions (     -- every writing of a result; done = 0 while under way
  id     INTEGER PRIMARY KEY,
  name   TEXT NOT NULL,                    -- of the request
  fault  TEXT NOT NULL,                    -- the corruption's id, empty for the clean result
  slow   TEXT NOT NULL,                    -- the slow_write's id, or empty
  sha256 TEXT NOT NULL,
  done   INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS emissions_of ON emissions (name);

CREATE TABLE IF NOT EXISTS movements (     -- entries of the days after the cutover, invented by seed
  day      TEXT NOT NULL,                  -- YYYYMMDD
  tranno   TEXT NOT NULL,
  account  TEXT NOT NULL,
  kind     TEXT NOT NULL,
  fen      INTEGER NOT NULL,               -- signed
  balance  INTEGER NOT NULL,               -- of the account after it
  reverses TEXT NOT NULL,                  -- number of the withdrawal taken back, or empty
  order_no TEXT NOT NULL,
  other    TEXT NOT NULL,
  PRIMARY KEY (day, tranno)
) STRICT;

CREATE INDEX IF NOT EXISTS debts_by_code ON debts (authcode);
CREATE INDEX IF NOT EXISTS debts_of_listing ON debts (listing_id);

-- Settlement drills: a ledger beside the books, one drill from the next apart. Nothing of it is written into the books.
CREATE TABLE IF NOT EXISTS repayments (
  drill      TEXT NOT NULL,
  authcode   TEXT NOT NULL,
  listing_id TEXT NOT NULL,
  payer      TEXT NOT NULL,
  payee      TEXT NOT NULL,
  principal  INTEGER NOT NULL,
  interest   INTEGER NOT NULL,
  file       TEXT NOT NULL,
  record     INTEGER NOT NULL,
  PRIMARY KEY (drill, authcode)            -- a code pays once
) STRICT;

CREATE TABLE IF NOT EXISTS drilled (       -- running totals of a drill
  drill TEXT NOT NULL,
  what  TEXT NOT NULL CHECK (what IN ('received', 'paid', 'listing')),
  key   TEXT NOT NULL,                     -- account, or listing
  fen   INTEGER NOT NULL,
  PRIMARY KEY (drill, what, key)
) STRICT;
