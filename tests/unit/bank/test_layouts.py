from datetime import date

import pytest

from migration.bank.layouts import LAYOUTS, _layout, layout
from migration.domain.values import FileLimits

PUBLISHED = {
    "APPZX": 433,
    "APPZXRES": 364,
    "BIDIN": 416,
    "BIDINRESP": 473,
    "BID": 230,
    "BIDRESP": 282,
    "SIGTRAN": 288,
    "SIGRES": 290,
    "EVE": 139,
    "ALEVE": 371,
    "REPAY": 234,
    "REPAYRESP": 296,
}
DAY = date(2017, 11, 18)


@pytest.mark.parametrize("shape", LAYOUTS, ids=lambda shape: shape.name)
def test_fields_fill_the_published_width_without_a_gap(shape):
    end = 0
    for field in shape.fields:
        assert field.start == end
        end = field.stop
    assert end == shape.width == PUBLISHED[shape.name]


def test_every_published_record_type_is_there():
    assert {shape.name for shape in LAYOUTS} == set(PUBLISHED)


def test_published_byte_positions():
    assert (layout("BIDINRESP", DAY)["RSPCODE"].start + 1, layout("BIDINRESP", DAY)["RSPCODE"].stop) == (272, 273)
    assert (layout("BIDRESP", DAY)["RSPCODE"].start + 1, layout("BIDRESP", DAY)["RSPCODE"].stop) == (161, 162)
    assert (layout("BIDRESP", DAY)["AUTHCODE"].start + 1, layout("BIDRESP", DAY)["AUTHCODE"].stop) == (163, 182)


def test_a_slip_in_a_width_fails_at_once():
    with pytest.raises(ValueError, match="fields sum to 9 bytes, published 10"):
        _layout("X", 10, "A 4 · B 5")


def test_versions_follow_the_effective_date():
    assert layout("EVE", date(2017, 9, 21)).width == 139
    with pytest.raises(LookupError):
        layout("EVE", date(2017, 9, 20))


def test_the_limits_the_domain_decides_by_are_those_of_the_layouts():
    limits, account, listing, debt = FileLimits(), layout("APPZX", DAY), layout("BIDIN", DAY), layout("BID", DAY)
    assert limits.name_bytes == account["NAME"].width
    assert limits.email_bytes == account["EMAIL"].width
    assert limits.id_bytes == account["IDNO"].width
    assert limits.user_id_chars == account["APPID"].width
    assert limits.corporate_account_bytes == account["CACCOUNT"].width
    assert limits.title_bytes == listing["BID-DESC"].width
    assert limits.listing_id_pattern == f"[0-9A-Za-z]{{1,{listing['BIDNBR'].width}}}"
    assert limits.debt_id_pattern == f"[0-9A-Za-z]{{1,{debt['SERI-NO'].width - 10}}}"
    assert limits.term_max == 10 ** listing["LOANTERM"].width - 1
    assert limits.rate_e5_max == 10 ** listing["YIELD"].width - 1
    assert limits.amount_fen_max == 10 ** debt["AMOUNT"].width - 1
