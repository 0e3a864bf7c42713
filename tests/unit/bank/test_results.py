import pytest

from migration.bank.layouts import layout
from migration.bank.profile import RECORD_TYPES
from migration.domain.errors import CouldNotCheck
from migration.domain.tables import ANSWERS
from migration.domain.values import ResultRefused
from tests.unit.bank.samples import (
    DAY,
    DEBTS,
    FIRST,
    SAMPLED,
    SECOND,
    THIRD,
    batch,
    changed,
    check,
    context,
    names,
    profile,
    records,
    request,
    result,
)
from tests.unit.bank.samples import rows as rows_of

NAMES = [(FIRST, "张三丰"), (SECOND, "阿依古丽·亅乗")]


def refused(kind: str, content: bytes, **facts) -> ResultRefused:
    with pytest.raises(ResultRefused) as caught:
        check(kind, content, **facts)
    return caught.value


def codes(kind: str, content: bytes, **facts) -> set[tuple[str, int]]:
    """Code and record number of every finding."""
    return {(each.code, int(each.subject.partition("#")[2] or 0)) for each in refused(kind, content, **facts).reasons}


def answers(table) -> list[tuple]:
    return [tuple(row.values()) for row in table.to_pylist()]


# --- good files


def test_accounts_in_another_order():
    table = check("person", result("person"))
    assert table.schema == ANSWERS
    assert answers(table) == [
        (1, 2, "000017", "ok", "000", FIRST, False, None),
        (2, 3, "U-2", "ok", "000", SECOND, True, None),
        (3, 1, "U-3", "refused", "106", None, None, None),
    ]


def test_company():
    assert answers(check("company", result("company"))) == [(1, 1, "C-1", "ok", "000", THIRD, False, None)]


def test_listings_and_an_existing_one_of_ours():
    expected = [
        (1, 1, "L001", "ok", "00", None, None, None),
        (2, 2, "L002", "refused", "13", None, None, None),
        (3, 3, "L003", "unknown", "22", None, None, None),
    ]
    assert answers(check("listing", result("listing"), names=NAMES)) == expected
    expected[2] = (3, 3, "L003", "ok", "22", None, None, None)
    assert answers(check("listing", result("listing"), confirmed=["L003"])) == expected


def test_debts():
    assert answers(check("debt", result("debt"), names=NAMES)) == [
        (1, 1, "D0000001", "ok", "00", None, None, "A20171118000000001XY"),
        (2, 2, "D0000002", "refused", "99", None, None, None),
    ]


@pytest.mark.parametrize("kind", SAMPLED)
def test_order_and_line_ending_do_not_matter(kind):
    plain = check(kind, result(kind)).drop(["result_record"])
    assert check(kind, b"".join(reversed(records(kind)))).drop(["result_record"]).equals(plain)
    assert check(kind, result(kind).replace(b"\n", b"\r\n")).drop(["result_record"]).equals(plain)


def test_a_request_written_with_crlf_is_judged_the_same():
    other = profile(line_ending="lf").check(
        batch("debt"), request("debt").replace(b"\n", b"\r\n"), result("debt"), context()
    )
    assert other.equals(check("debt", result("debt")))


# --- the frame


@pytest.mark.parametrize("kind", SAMPLED)
@pytest.mark.parametrize("line_ending", [b"\n", b"\r\n"])
def test_cut_at_every_byte_it_is_refused(kind, line_ending):
    whole = result(kind).replace(b"\n", line_ending)
    unit = layout(RECORD_TYPES[kind].result, DAY).width + len(line_ending)
    for length in range(len(whole)):
        verdict = refused(kind, whole[:length])
        assert verdict.incomplete == (length % unit != 0 or length == 0), length
        assert verdict.reasons[0].code == ("RESULT_TRUNCATED" if verdict.incomplete else "RESULT_ROW_MISSING")


@pytest.mark.parametrize("kind", SAMPLED)
def test_line_endings_of_two_kinds_or_none(kind):
    first, *rest = records(kind)
    assert refused(kind, first.replace(b"\n", b"\r\n") + b"".join(rest))
    assert refused(kind, first + b"".join(rest).replace(b"\n", b"\r\n"))
    assert codes(kind, result(kind).replace(b"\n", b"\r")) == {("RESULT_FORMAT", 1)}
    assert codes(kind, first + b"".join(rest).replace(b"\n", b" ")) == {("RESULT_FORMAT", 2)}
    assert refused(kind, result(kind)[:-1]).incomplete


@pytest.mark.parametrize("mark", [b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"])
def test_a_byte_order_mark(mark):
    verdict = refused("person", mark + result("person"))
    assert [each.code for each in verdict.reasons] == ["RESULT_ENCODING"]
    assert not verdict.incomplete
    assert codes("person", mark + result("person")[len(mark) :]) == {("RESULT_ENCODING", 0)}


@pytest.mark.parametrize(
    ("kind", "field", "value", "code"),
    [
        ("person", "NAME", b"\x00", "RESULT_ENCODING"),
        ("person", "INFO", b"\r", "RESULT_ENCODING"),
        ("person", "REVERS", b"\x81" * 1, "RESULT_ENCODING"),
        ("person", "NAME", b" " * 59 + b"\xd5", "RESULT_ENCODING"),
        ("person", "REVERS", b" " * 87 + b"\xd5", "RESULT_ENCODING"),
        ("person", "MOPHONE", "１３８", "RESULT_ENCODING"),
        ("person", "CARDNBR", "６２", "RESULT_ENCODING"),
        ("listing", "AMOUNT", "１２３", "RESULT_FORMAT"),
        ("listing", "AMOUNT", "      1200000", "RESULT_FORMAT"),
        ("listing", "LOANTERM", "", "RESULT_FORMAT"),
        ("listing", "INPDATE", "20170229", "RESULT_FORMAT"),
        ("listing", "INPDATE", "00000000", "RESULT_FORMAT"),
        ("listing", "INPDATE", "2017111", "RESULT_FORMAT"),
        ("debt", "DEALDATE", "2017-1-1", "RESULT_FORMAT"),
        ("debt", "AMOUNT", "+000000108309", "RESULT_FORMAT"),
        ("debt", "AUTHCODE", "授权", "RESULT_ENCODING"),
    ],
)
def test_unreadable_fields(kind, field, value, code):
    assert codes(kind, changed(kind, 2, field, value)) == {(code, 2)}


@pytest.mark.parametrize("field", ["BANK", "BATCH"])
@pytest.mark.parametrize("kind", ["listing", "debt"])
def test_another_batch_s_header(kind, field):
    assert codes(kind, changed(kind, 2, field, "9")) == {("RESULT_HEADER", 2)}


# --- every row once


@pytest.mark.parametrize("kind", SAMPLED)
def test_rows_unknown_missing_doubled(kind):
    lines = records(kind)
    key = RECORD_TYPES[kind].key
    missing = {each.code: each.subject for each in refused(kind, b"".join(lines[1:])).reasons}
    assert missing == {"RESULT_ROW_MISSING": f"{names(kind)[0]}#{3 if kind == 'person' else 1}"}
    assert codes(kind, b"".join([*lines, lines[0]])) == {
        ("RESULT_ROW_DOUBLED", 1),
        ("RESULT_ROW_DOUBLED", len(lines) + 1),
    }
    assert ("RESULT_ROW_UNKNOWN", 1) in codes(kind, changed(kind, 1, key, "nobody"))
    assert ("RESULT_ROW_UNKNOWN", 1) in codes(kind, changed(kind, 1, key, ""))


def test_persons_answered_with_the_companies_file():
    assert {code for code, _ in codes("person", result("company"))} == {"RESULT_ROW_UNKNOWN", "RESULT_ROW_MISSING"}


def test_a_listing_number_in_other_case_is_another():
    assert ("RESULT_ROW_UNKNOWN", 1) in codes("listing", changed("listing", 1, "BIDNBR", "l001"))


# --- echoes

ACCOUNT_ECHOES = {
    "IDNO": "x",
    "IDTYPE": "02",
    "NAME": "张三",
    "ACCTYPE": "1",
    "MOPHONE": "13800138001",
    "INFO": "x",
}


@pytest.mark.parametrize("record", [1, 2])
@pytest.mark.parametrize("field", ACCOUNT_ECHOES)
def test_echo_of_an_opened_or_refused_account(record, field):
    assert codes("person", changed("person", record, field, ACCOUNT_ECHOES[field])) == {("RESULT_ECHO", record)}


@pytest.mark.parametrize("field", ["IDNO", "IDTYPE", "NAME", "MOPHONE"])
def test_flag_n_of_another_person_is_a_refusal_of_that_row_only(field):
    content = changed("person", 3, field, ACCOUNT_ECHOES[field])
    row = check("person", content, taken=[(SECOND, "somebody")]).to_pylist()[1]
    assert (row["outcome"], row["code"], row["account_no"], row["activated"]) == ("refused", "N", None, None)
    # and his number does not count, even when another row of the file has it
    content = changed("person", 2, "CARDNBR", SECOND, content)
    assert check("person", content).to_pylist()[0]["account_no"] == SECOND


@pytest.mark.parametrize("field", ["ACCTYPE", "INFO"])
def test_flag_n_with_another_difference_quarantines(field):
    assert codes("person", changed("person", 3, field, ACCOUNT_ECHOES[field])) == {("RESULT_ECHO", 3)}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("BID-DESC", "别的"),
        ("CARDNBR", THIRD),
        ("AMOUNT", "0000001200001"),
        ("LOANTERM", "0364"),
        ("CARDNBR-SU", ""),
        ("CARDNBR-MY", FIRST),
        ("CARDNBR-PE", FIRST),
        ("RESERVED", "x"),
        ("TRDRESV", "x"),
        ("NAME", "李四"),
    ],
)
def test_echo_of_a_listing(field, value):
    assert codes("listing", changed("listing", 1, field, value), names=NAMES) == {("RESULT_ECHO", 1)}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("CARDNBR", THIRD),
        ("FUISSUER", "XX"),
        ("PRODUCT", "1"),
        ("AMOUNT", "0000000108310"),
        ("BIDIF", "L002"),
        ("RESE", "x"),
        ("NAME", "李四"),
    ],
)
def test_echo_of_a_debt(field, value):
    assert codes("debt", changed("debt", 1, field, value), names=NAMES) == {("RESULT_ECHO", 1)}


def test_a_shifted_echo_is_different():
    assert codes("person", changed("person", 2, "NAME", " 张三丰")) == {("RESULT_ECHO", 2)}


def test_names_of_accounts_we_do_not_know_are_not_compared():
    assert check("debt", changed("debt", 1, "NAME", "李四"), names=NAMES[1:])


# --- what the answers say


@pytest.mark.parametrize(
    "number",
    [
        "",
        "0" * 19,
        "621246000000000001",  # 18 digits
        "6212460000000000017",  # Luhn
        "6212470000000000015",  # prefix (its Luhn digit is right)
        "621246000000000001 ",
        "621246000000000-016",
    ],
)
@pytest.mark.parametrize("record", [2, 3])
def test_success_without_a_valid_account_number(record, number):
    found = codes("person", changed("person", record, "CARDNBR", number))
    assert found == {("RESULT_ACCOUNT_NUMBER", record)}


def test_one_number_for_two_users():
    assert codes("person", changed("person", 2, "CARDNBR", SECOND)) == {
        ("RESULT_ACCOUNT_TAKEN", 2),
        ("RESULT_ACCOUNT_TAKEN", 3),
    }
    assert codes("person", result("person"), taken=[(FIRST, "000018")]) == {("RESULT_ACCOUNT_TAKEN", 2)}
    assert check("person", result("person"), taken=[(FIRST, "000017"), (THIRD, "x")]).num_rows == 3


@pytest.mark.parametrize("number", ["0" * 19, ""])
def test_a_refused_account_has_no_number(number):
    assert check("person", changed("person", 1, "CARDNBR", number)).num_rows == 3
    assert codes("person", changed("person", 1, "CARDNBR", THIRD)) == {("RESULT_ACCOUNT_NUMBER", 1)}


@pytest.mark.parametrize(
    ("record", "field", "value"),
    [
        (1, "FLAG", ""),
        (1, "FLAG", "s"),
        (1, "ERRCODE", "000"),
        (1, "ERRCODE", ""),
        (1, "ERRCODE", "10"),
        (1, "ERRCODE", "1O6"),
        (2, "ERRCODE", "106"),
        (2, "ERRCODE", "0"),
        (3, "ERRCODE", "xx"),
    ],
)
def test_account_codes_that_make_no_sense(record, field, value):
    assert ("RESULT_CODE", record) in codes("person", changed("person", record, field, value))


def test_an_opened_account_may_leave_its_code_blank():
    assert check("person", changed("person", 2, "ERRCODE", "")).to_pylist()[0]["code"] == "000"


@pytest.mark.parametrize("kind", ["listing", "debt"])
@pytest.mark.parametrize("code", ["", "0", " 0"])
def test_a_blank_or_half_answer_code(kind, code):
    assert codes(kind, changed(kind, 2, "RSPCODE", code)) == {("RESULT_CODE", 2)}


@pytest.mark.parametrize("code", ["14", "93", "22", "ZZ", "@1"])
def test_any_other_code_refuses_a_debt(code):
    row = check("debt", changed("debt", 1, "RSPCODE", code)).to_pylist()[0]
    assert (row["outcome"], row["code"], row["authcode"]) == ("refused", code, None)


@pytest.mark.parametrize("authcode", ["", " A1", "A 1"])
def test_a_registered_debt_needs_its_authorisation_code(authcode):
    assert codes("debt", changed("debt", 1, "AUTHCODE", authcode)) == {("RESULT_AUTHCODE", 1)}


def test_an_authorisation_code_is_given_once():
    given = "A20171118000000001XY"
    content = changed("debt", 2, "AUTHCODE", given)
    assert check("debt", content).num_rows == 2  # the refused row's is passed over
    content = changed("debt", 2, "RSPCODE", "00", content)
    assert codes("debt", content) == {("RESULT_AUTHCODE", 1), ("RESULT_AUTHCODE", 2)}
    assert codes("debt", result("debt"), authcodes=["other", given]) == {("RESULT_AUTHCODE", 1)}


# --- the refusal itself


def test_findings_are_capped_counted_and_hold_no_values():
    rows = 60
    table = rows_of("debt", [DEBTS[0] | {"key": f"D{number:03d}"} for number in range(rows)])
    sent = profile().encode("debt", table, "000004", DAY)
    shape, answer = layout("BID", DAY), layout("BIDRESP", DAY)
    lines = []
    for line in sent.splitlines():
        fields = {each.name: line[each.start : each.stop] for each in shape.fields}
        fields |= {"AMOUNT": b"9" * 13, "RSPCODE": b"99", "NAME": "张三丰".encode("gbk")}
        lines.append(b"".join(fields.get(each.name, b"").ljust(each.width) for each in answer.fields) + b"\n")
    with pytest.raises(ResultRefused) as caught:
        profile().check(batch("debt"), sent, b"".join(lines), context(names=[(FIRST, "李四")]))
    reasons = caught.value.reasons
    assert len(reasons) == 21
    assert (reasons[-1].code, reasons[-1].detail) == ("RESULT_MORE", f"and {2 * rows - 20} more")
    assert reasons[0].subject == f"{names('debt')[1]}#1"
    assert reasons[0].detail == "field AMOUNT differs from what was sent"
    for secret in ("9" * 13, "张三丰", "李四", FIRST):
        assert secret not in str(caught.value)


def test_a_request_of_another_kind_is_no_verdict_on_the_result():
    with pytest.raises(CouldNotCheck, match="REQUEST_UNREADABLE"):
        profile().check(batch("debt"), request("listing"), result("debt"), context())


def test_every_byte_of_a_result_counts():
    """A flipped bit anywhere is refused, or changes only what the bank alone decides (codes, dates, its own fields)."""
    free = {
        "person": {"REVERS", "ERRCODE"},
        "listing": {"INPDATE", "RSPCODE", "NAME"},
        "debt": {"DEALDATE", "RSPCODE", "AUTHCODE", "NAME"},
    }
    for kind in SAMPLED:
        shape = layout(RECORD_TYPES[kind].result, DAY)
        whole = result(kind)
        second = shape.width + 1
        for at in range(second, second + shape.width):  # the second record: S, refused, refused
            field = next(each.name for each in shape.fields if each.start <= at - second < each.stop)
            content = whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]
            try:
                check(kind, content)
            except ResultRefused:
                continue
            assert field in free[kind], (kind, field, at)
