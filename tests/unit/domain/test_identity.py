"""ID numbers, names, phones: normalised and validated (domain.md hazards H3-H9, H14)."""

from __future__ import annotations

import string
from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from migration.domain import checksums, identity
from tests.unit.domain.people import DAY, ORG_CODE, USCC, check_character, id_card, id_card_15


def column(*values: str | None) -> pa.Array:
    return pa.array(values, pa.string())


@pytest.mark.parametrize(
    ("stored", "id_type", "normalised"),
    [
        ("11010519491231002x", "id_card", "11010519491231002X"),
        (" 110105 19491231\t002X ", "id_card", "11010519491231002X"),
        ("１１０１０５１９４９１２３１００２ｘ", "id_card", "11010519491231002X"),
        ("110105\u00a019491231\u3000002X", "id_card", "11010519491231002X"),
        ("110105491231002", "id_card_15", "11010519491231002X"),
        ("110105491231002", "id_card", "11010519491231002X"),
        ("110105491231002", "permit", "110105491231002"),
        ("110105491231002", None, "110105491231002"),
        ("91350100m000100y43", "uscc", "91350100m000100y43"),  # only x is folded
        ("   ", "id_card", None),
        ("", "id_card", None),
        (None, "id_card", None),
    ],
)
def test_an_id_number_has_one_normal_form(stored, id_type, normalised):
    assert identity.normalise_ids(column(stored), column(id_type)).to_pylist() == [normalised]


def test_the_standards_own_examples_are_valid():
    cards = checksums.check_id_cards(column("11010519491231002X", "440524188001010014"))
    assert cards.valid.tolist() == [True, True]
    assert cards.born.tolist() == [19491231, 18800101]
    assert cards.male.tolist() == [False, True]
    assert checksums.valid_usccs(column(USCC)).tolist() == [True]
    assert checksums.valid_org_codes(column(ORG_CODE)).tolist() == [True]


@pytest.mark.parametrize(
    "number",
    [
        None,
        "",
        "110105194912310020",  # wrong check character
        "11010519491231002x",  # not normalised
        "1101051949123100２X",
        "11010519491231002",
        *(
            digits + check_character(digits)
            for digits in (
                "11010519491331002",
                "11010519490229002",
                "11010519000229002",
                "11010500000101002",
                "11010519490100002",
            )
        ),
    ],
)
def test_no_valid_id_card(number):
    cards = checksums.check_id_cards(column(number))
    assert (cards.valid.tolist(), cards.born.tolist()) == ([False], [0])


def test_a_leap_day_is_a_date():
    assert checksums.check_id_cards(column(id_card(1, "20000229"), id_card(1, "19960229"))).valid.all()


@given(
    st.dates(date(1900, 1, 1), date(2099, 12, 31)),
    st.integers(0, 999),
    st.integers(0, 17),
    st.sampled_from(string.digits),
)
def test_any_date_is_valid_and_any_single_wrong_digit_is_seen(born, number, place, digit):
    good = id_card(number, f"{born:%Y%m%d}")
    wrong = good[:place] + digit + good[place + 1 :]
    assert checksums.check_id_cards(column(good, wrong)).valid.tolist() == [True, wrong == good]


@given(st.integers(0, 16), st.sampled_from("0123456789ABCDEFGHJKLMNPQRTUWXY"))
def test_any_single_wrong_character_of_a_credit_code_is_seen(place, character):
    wrong = USCC[:place] + character + USCC[place + 1 :]
    assert checksums.valid_usccs(column(wrong)).tolist() == [wrong == USCC]


@pytest.mark.parametrize("code", [None, "D21435690", "D2143569-X", "d2143569X", USCC])
def test_no_valid_organisation_code(code):
    assert checksums.valid_org_codes(column(code)).tolist() == [False]


@pytest.mark.parametrize("code", [None, "", "91350100M000100Y44", "91350100I000100Y43", USCC + "0"])
def test_no_valid_credit_code(code):
    assert checksums.valid_usccs(column(code)).tolist() == [False]


@pytest.mark.parametrize(
    ("born", "day", "young"),
    [
        ("19991118", date(2017, 11, 18), False),  # his 18th birthday
        ("19991119", date(2017, 11, 18), True),
        ("20000229", date(2018, 2, 28), True),
        ("20000229", date(2018, 3, 1), False),
    ],
)
def test_under_18_by_the_exact_date(born, day, young):
    assert checksums.check_id_cards(column(id_card(1, born))).under_18(day).tolist() == [young]


def test_who_is_not_born_yet_is_seen():
    cards = checksums.check_id_cards(column(id_card(1, "20171118"), id_card(1, "20171119")))
    assert cards.born_after(DAY).tolist() == [False, True]


def test_15_digits_and_18_digits_of_one_person_agree():
    numbers = identity.normalise_ids(column(id_card_15(7), id_card(7)), column("id_card_15", "id_card"))
    assert numbers[0] == numbers[1]


@pytest.mark.parametrize(
    ("name", "lost"),
    [
        ("张三", False),
        ("买买提·吐尔逊", False),
        ("买买提•吐尔逊", True),
        ("张㛃", True),
        ("张䶮", True),
        ("朱镕基", False),
        ("中" * 30, False),
        ("中" * 31, True),
        ("a" * 60, False),
        ("a" * 61, True),
        ("中\u00a0文", True),
        ("中国（北京）有限公司", False),
        (None, False),
    ],
)
def test_a_name_the_file_cannot_carry(name, lost):
    assert identity.unencodable(column(name), "gbk", 60).tolist() == [lost]


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("张三", False),
        (None, True),
        ("", True),
        (" ", True),
        ("\u3000", True),
        ("张三 ", True),
        (" 张三", False),
        ("张\n三", True),
        ("张\x7f", True),
        ("\uf9e4", True),  # a compatibility ideograph: NFC changes it
        ("e\u0301", True),
        ("\ufa0e", False),  # unified, although it stands in that block
    ],
)
def test_a_name_that_could_not_come_back_as_sent(name, bad):
    assert identity.malformed(column(name), "gbk", 60).tolist() == [bad]


@given(st.text(max_size=40))
def test_the_short_cut_for_common_names_decides_as_python_does(name):
    try:
        lost = len(name.encode("gbk")) > 60
    except UnicodeEncodeError:
        lost = True
    assert identity.unencodable(column(name), "gbk", 60).tolist() == [lost]


@pytest.mark.parametrize(
    ("one", "other", "agree"),
    [
        ("张 三", "张三", True),
        ("张\u3000三", "张三", True),
        ("ＡＢＣ（北京）", "ABC(北京)", True),
        ("买买提·吐尔逊", "买买提•吐尔逊", False),
        ("Li Lei", "li lei", False),
        ("\uf9e4", "理", True),
    ],
)
def test_names_agree_after_folding_and_nothing_fuzzy(one, other, agree):
    assert (identity.fold_name(one) == identity.fold_name(other)) is agree


@pytest.mark.parametrize(
    ("stored", "normalised", "valid"),
    [
        ("13800138000", "13800138000", True),
        (" 138 0013 8000 ", "13800138000", True),
        ("+8613800138000", "13800138000", True),
        ("+86 138-00138000", "138-00138000", False),
        ("008613800138000", "13800138000", True),
        ("8613800138000", "8613800138000", False),
        ("12800138000", "12800138000", False),
        ("1380013800", "1380013800", False),
        ("138００138000", "138００138000", False),
        ("13800138000\n", "13800138000", True),
        (None, None, False),
    ],
)
def test_phones(stored, normalised, valid):
    phones = identity.normalise_phones(column(stored))
    assert (phones.to_pylist(), identity.valid_phones(phones).tolist()) == ([normalised], [valid])


@pytest.mark.parametrize(
    ("stored", "carried", "dropped"),
    [
        ("a@b.cn", "a@b.cn", False),
        ("a" * 40, "a" * 40, False),
        ("a" * 41, None, True),
        ("张@b.cn", "张@b.cn", False),
        ("é@b.cn", "é@b.cn", False),
        ("ü•@b.cn", None, True),
        ("a@b.cn\n", None, True),
        ("", None, False),
        ("  ", None, False),
        (None, None, False),
    ],
)
def test_emails_are_kept_or_dropped_never_changed(stored, carried, dropped):
    emails, lost = identity.carried_emails(column(stored), "gbk", 40)
    assert (emails.to_pylist(), lost.tolist()) == ([carried], [dropped])


@pytest.mark.parametrize(
    ("user_id", "valid"),
    [
        ("000123", True),
        ("a b", True),
        ("a" * 60, True),
        ("a" * 61, False),
        (" a", False),
        ("a ", False),
        ("用户", False),
        ("", False),
    ],
)
def test_user_ids(user_id, valid):
    assert identity.valid_user_ids(column(user_id), 60).tolist() == [valid]


def test_characters_outside_gb2312():
    assert identity.outside_gb2312(column("张三", "朱镕基", "Li Lei", None)).tolist() == [False, True, False, False]


def test_empty_columns_are_no_special_case():
    nothing = column()
    assert len(checksums.check_id_cards(nothing).valid) == 0
    assert len(identity.normalise_ids(nothing, nothing)) == 0
    assert identity.unencodable(nothing, "gbk", 60).dtype == np.bool_


def test_provinces_that_never_were_are_only_marked():
    cards = checksums.check_id_cards(column(id_card(1, region="990101"), id_card(1, region="110105")))
    assert (cards.valid.tolist(), cards.region_known.tolist()) == ([True, True], [False, True])
