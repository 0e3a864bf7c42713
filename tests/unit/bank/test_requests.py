from datetime import date

import pytest

from migration.bank import codec
from migration.bank.layouts import layout
from migration.domain.errors import ConfigurationError
from tests.unit.bank.samples import BATCH_NO, CONTENT, DAY, GOLDEN, LISTINGS, PERSONS, names, profile, request, rows


@pytest.mark.parametrize("kind", CONTENT)
def test_golden_request(kind):
    assert profile().encode(kind, rows(kind), BATCH_NO[kind], DAY) == request(kind)


def test_crlf_is_a_setting_and_ends_the_last_record_too():
    unix, dos = request("debt"), profile(line_ending="crlf").encode("debt", rows("debt"), "000004", DAY)
    assert dos == unix.replace(b"\n", b"\r\n")
    assert dos.endswith(b"\r\n")


@pytest.mark.parametrize(
    ("file", "type_", "expected"),
    [
        ("3005-MP-SIGTRAN-000005-20171118", "SIGTRAN", {"SIG-DATE": "20170105", "RESERVED": "备注"}),
        ("3005-MP-SIGRES-000005-20171118", "SIGRES", {"SERI-NO": "S20170001", "RSPCODE": "00"}),
        ("3005-EVE0110-20171118", "EVE", {"AMOUNT": 10_050, "MSGTYPE": "0420", "TRANSTYPE": "2616"}),
        ("3005-ALEVE0110-20171118", "ALEVE", {"CURR_BAL": 20_100, "DESLINE": "投标放款", "ORI_NUM": "000000"}),
    ],
)
def test_golden_files_of_the_other_record_types_are_read(file, type_, expected):
    records = codec.cut(layout(type_, DAY), (GOLDEN / file).read_bytes(), b"\n")
    (row,) = codec.decode(records).to_pylist()
    assert {name: row[name] for name in expected} == expected


def test_names():
    assert names("person") == ("3005-APPZX0110-000001-20171118", "3005-APPZX0110RES-000001-20171118")
    assert names("company") == ("3005-APPZX0110-000002-20171118", "3005-APPZX0110RES-000002-20171118")
    assert names("listing") == ("3005-BIDIN-000187-000003-20171118", "3005-BIDINRESP-000187-000003-20171118")
    assert names("debt") == ("3005-BID-000004-20171118", "3005-BIDRESP-000004-20171118")
    assert profile().names("authorisation", "000005", DAY)[0] == "3005-MP-SIGTRAN-000005-20171118"


@pytest.mark.parametrize("number", ["1", "0000001", "00000a", "００００００"])
def test_a_batch_number_has_six_digits(number):
    with pytest.raises(ValueError, match="six digits"):
        profile().names("debt", number, DAY)
    with pytest.raises(ValueError, match="six digits"):
        profile().encode("debt", rows("debt"), number, DAY)


@pytest.mark.parametrize(
    ("kind", "change", "field"),
    [
        ("person", {"name": "䶮"}, "NAME"),
        ("person", {"name": "字" * 31}, "NAME"),
        ("person", {"name": None}, "NAME"),
        ("person", {"name": "  "}, "NAME"),
        ("person", {"sex": None}, "GEN"),
        ("person", {"id_type": "uscc"}, "IDTYPE"),
        ("person", {"id_no": "1" * 19}, "IDNO"),
        ("person", {"key": "用户"}, "APPID"),
        ("person", {"key": "x" * 61}, "APPID"),
        ("person", {"email": "x" * 41}, "EMAIL"),
        ("person", {"phone": "１３８"}, "MOPHONE"),
        ("person", {"kind": "company"}, "ACCTYPE"),
        ("company", {"corporate_account": None}, "CACCOUNT"),
        ("company", {"id_type": "id_card"}, "IDTYPE"),
        ("listing", {"title": "字" * 31}, "BID-DESC"),
        ("listing", {"amount_fen": 10**13}, "AMOUNT"),
        ("listing", {"amount_fen": -1}, "AMOUNT"),
        ("listing", {"amount_fen": None}, "AMOUNT"),
        ("listing", {"term_days": 10_000}, "LOANTERM"),
        ("listing", {"rate_e5": 10**8}, "YIELD"),
        ("listing", {"interest_day": 0}, "INTPAYDAY"),
        ("listing", {"interest_day": 32}, "INTPAYDAY"),
        ("listing", {"borrower_account": None}, "CARDNBR"),
        ("listing", {"key": "L" * 41}, "BIDNBR"),
        ("debt", {"key": "D" * 31}, "SERI-NO"),
        ("debt", {"end_date": None}, "ENDDATE"),
        ("debt", {"holder_account": ""}, "CARDNBR"),
        ("debt", {"listing_id": None}, "BIDIF"),
    ],
)
def test_what_does_not_fit_names_record_and_field_never_the_value(kind, change, field):
    content = [*CONTENT[kind], CONTENT[kind][0] | change]
    with pytest.raises(ValueError, match=rf"^record {len(content)} field {field}: ") as caught:
        profile().encode(kind, rows(kind, content), BATCH_NO[kind], DAY)
    value = next(iter(change.values()))
    assert not isinstance(value, str) or not value.strip() or value not in str(caught.value).partition(": ")[2]


def test_a_person_s_corporate_account_is_not_sent():
    content = [PERSONS[0] | {"corporate_account": "123"}, *PERSONS[1:]]
    assert profile().encode("person", rows("person", content), "000001", DAY) == request("person")


def test_rows_of_another_shape_too_many_or_none():
    with pytest.raises(ValueError, match="columns of ROWS"):
        profile().encode("listing", rows("debt"), "000001", DAY)
    with pytest.raises(ValueError, match="1 to 2 rows, not 3"):
        profile(rows_per_file=2).encode("listing", rows("listing"), "000001", DAY)
    with pytest.raises(ValueError, match="not 0"):
        profile().encode("listing", rows("listing").slice(0, 0), "000001", DAY)


def test_rows_in_several_chunks_are_written_the_same():
    import pyarrow as pa

    parts = pa.concat_tables([rows("listing", LISTINGS[:1]), rows("listing", LISTINGS[1:])])
    assert profile().encode("listing", parts, "000003", DAY) == request("listing")


def test_dates_before_1970_and_leap_days():
    content = [CONTENT["debt"][0] | {"acquired_on": date(1969, 12, 31), "value_date": date(2016, 2, 29)}]
    raw = profile().encode("debt", rows("debt", content), "000004", DAY)
    assert raw[92:108] == b"1969123120160229"


@pytest.mark.parametrize(
    "change",
    [{"product": "11"}, {"institution": "18７000"}, {"issuer": "M"}, {"line_ending": "cr"}, {"rows_per_file": 0}],
)
def test_profile_parameters_are_checked(change):
    with pytest.raises(ConfigurationError, match=f"CONFIG_VALUE bank.{next(iter(change))}"):
        profile(**change)
