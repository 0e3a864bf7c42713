"""Daily reconciliation after a whole cutover, on the sandbox bank's day cut: silent when all is right, each planted
difference named once, a day taken in once."""

from __future__ import annotations

import copy
import shutil
from datetime import date

import pyarrow as pa
import pytest

from migration.bank.daily import JxDaily
from migration.bank.layouts import layout
from migration.domain.errors import CutoverError
from migration.sandbox.bank import Ledger, cut_day
from migration.stages import daily
from tests.faults import kit
from tests.support.rehearsal import Rehearsal

FIRST, SECOND = date(2017, 11, 19), date(2017, 11, 20)
SHAPES = {name: layout(name, FIRST) for name in ("EVE", "ALEVE")}


class Days:
    """A finished cutover and the bank's files of two days."""

    def __init__(self, world: Rehearsal, clean: dict[str, bytes]) -> None:
        self.world, self.clean = world, clean
        self.desk = daily.Desk(world.journal, JxDaily("0110"), ("6212460000000000016",))  # type: ignore[arg-type]

    def place(self, name: str):
        return self.world.root / "bank" / "in" / f"{name[-8:-4]}/{name[-4:-2]}/{name[-2:]}" / name

    def put(self, files: dict[str, bytes]) -> None:
        for name, content in files.items():
            self.place(name).parent.mkdir(parents=True, exist_ok=True)
            self.place(name).write_bytes(content)

    def run(self, on: date = FIRST, local: pa.Table | None = None) -> tuple[int, list[str]]:
        """Exit code and codes, as the command gives them."""
        self.reasons = ()
        try:
            daily.run(self.world.house, self.desk, on, local)
        except CutoverError as stopped:
            self.reasons = stopped.reasons
            return stopped.exit_code, [reason.code for reason in stopped.reasons]
        return 0, []

    def differing(self, on: date = FIRST) -> list[str]:
        return sorted(self.desk.books.day_rows(on, "difference")["code"].to_pylist())


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    root = tmp_path_factory.mktemp("daily")
    world = kit.clean_end(root)
    ledger = Ledger(root / "state")
    names = [
        n for day in (FIRST, SECOND) for n in cut_day(ledger, root / "bank", day, seed=5, product="0110", moves=60)
    ]
    ledger.close()
    days = Days(world, {})
    days.clean = {name: days.place(name).read_bytes() for name in names}
    days.start = copy.deepcopy(world.journal._states)  # type: ignore[attr-defined]
    return days


@pytest.fixture
def days(finished):
    """As right after the cutover, with the clean files there."""
    finished.world.journal._states = copy.deepcopy(finished.start)
    finished.world.journal._current = finished.world.journal._states["2017-11-jx"]
    shutil.rmtree(finished.world.root / "workspace" / "quarantine", ignore_errors=True)
    finished.put(finished.clean)
    return finished


def eve(days, on: date = FIRST) -> str:
    return f"3005-EVE0110-{on:%Y%m%d}"


def aleve(days, on: date = FIRST) -> str:
    return f"3005-ALEVE0110-{on:%Y%m%d}"


def lines(content: bytes) -> list[bytes]:
    return content.splitlines(keepends=True)


def field(line: bytes, name: str) -> bytes:
    """A field of a line; the two records are told apart by their width."""
    at = SHAPES["EVE" if len(line) < 200 else "ALEVE"][name]
    return line[at.start : at.stop]


def put(line: bytes, **values: bytes) -> bytes:
    """A line with fields replaced."""
    for name, value in values.items():
        at = SHAPES["EVE" if len(line) < 200 else "ALEVE"][name]
        assert len(value) == at.width
        line = line[: at.start] + value + line[at.stop :]
    return line


def changed(content: bytes, record: int, **values: bytes) -> bytes:
    """A file with fields of one line (from 1) replaced."""
    return b"".join(put(line, **values) if n == record else line for n, line in enumerate(lines(content), 1))


def without(content: bytes, record: int) -> bytes:
    return b"".join(line for n, line in enumerate(lines(content), 1) if n != record)


def nth(content: bytes, wanted) -> int:
    """Number of the first line that fits."""
    return next(number for number, line in enumerate(lines(content), 1) if wanted(line))


def test_the_sandbox_s_days_have_everything_in_them(finished):
    first, second = (lines(finished.clean[eve(finished, day)]) for day in (FIRST, SECOND))
    out = {field(line, "ORDERNO") for line in first if field(line, "MSGTYPE") == b"0200"}
    back = {field(line, "ORDERNO") for line in second if field(line, "MSGTYPE") == b"0420"}
    assert out & back, "one of the first day's withdrawals is taken back on the second"
    assert {field(line, "TRANSTYPE") for line in first} == {b"7822", b"2820"}
    journal = lines(finished.clean[aleve(finished)])
    assert {field(line, "TRANSTYPE") for line in journal} == {b"7822", b"2820", b"2780", b"7780"}
    assert ({len(line) for line in first}, {len(line) for line in journal}) == ({140}, {372})


def test_two_days_without_a_difference(days):
    assert days.run() == (0, [])
    assert days.run(SECOND) == (0, [])
    first, second = days.desk.books.days()
    assert (first.day, second.day) == (FIRST, SECOND)
    assert first.aleve_rows == len(lines(days.clean[aleve(days)]))
    assert first.reversals + second.reversals == sum(
        field(line, "MSGTYPE") == b"0420" for name in (eve(days), eve(days, SECOND)) for line in lines(days.clean[name])
    )
    ledger = Ledger(days.world.root / "state")
    books = {a: fen for a, fen in ledger.balances().items() if a}
    ledger.close()
    found = days.desk.books.balances(date(2017, 11, 21)).to_pylist()
    assert {r["account"]: r["balance_fen"] for r in found} == books
    assert days.world.journal.verify() == ()


def test_a_day_is_taken_in_once(days):
    days.run()
    before = copy.deepcopy(days.desk.books.days()), days.desk.books.balances(SECOND)
    assert days.run() == (0, [])
    assert (days.desk.books.days(), days.desk.books.balances(SECOND)) == before
    assert [e.kind for e in days.world.journal.events()].count("day_imported") == 1


def test_both_files_must_be_there(days):
    days.place(aleve(days)).unlink()
    assert days.run() == (4, ["DAILY_FILE_MISSING"])
    days.place(eve(days)).unlink()
    assert days.run() == (4, ["DAILY_FILE_MISSING"] * 2)
    assert days.desk.books.days() == ()


def test_other_files_under_the_names_of_a_day_stop(days):
    days.run()
    days.put({eve(days): changed(days.clean[eve(days)], 1, AMOUNT=b"000000000001")})
    assert days.run() == (3, ["DAILY_CONTRADICTS"])
    assert len(days.desk.books.days()) == 1


def test_days_go_in_in_order(days):
    assert days.run(SECOND)[0] == 3  # its openings are not those of an empty account
    assert days.run(FIRST) == (2, ["DAILY_ORDER"])


def test_a_day_before_the_layouts_that_are_known_is_refused(days):
    assert days.run(date(2017, 9, 20)) == (2, ["DAILY_LAYOUT"])


def test_not_before_the_cutover_is_reconciled(tmp_path):
    world = Rehearsal(tmp_path, kit.platform())
    world.run("accounts")
    found = Days(world, {})
    assert found.run() == (3, ["STAGE_ORDER"])


# --- planted differences ----------------------------------------------------------------------------------------------


def test_an_amount_that_differs_between_the_files(days):
    days.put({eve(days): changed(days.clean[eve(days)], 2, AMOUNT=b"000000000001")})
    assert days.run() == (3, ["DAILY_DIFFERS", "DAILY_ENTRY"])


def test_a_balance_one_fen_off(days):
    """On the last entry of the day: the break is there alone, and the next day opens on what the bank says."""
    content = days.clean[aleve(days)]
    last = lines(content)[-1]
    wrong = b"%017d" % (int(field(last, "CURR_BAL")) + 1)
    days.put({aleve(days): changed(content, len(lines(content)), CURR_BAL=wrong)})
    assert days.run() == (3, ["DAILY_DIFFERS", "DAILY_BALANCE"])
    assert "+1 fen" in days.reasons[1].detail
    account = field(last, "CARDNBR").decode()
    assert days.reasons[1].subject.startswith("users/")
    assert days.reasons[1].subject.endswith(f"****{account[-4:]}")
    assert account not in str(days.reasons)


def test_an_entry_that_the_account_journal_lacks(days):
    """The last top-up of the day, of an account that does not move after it."""
    content = days.clean[aleve(days)]
    found = lines(content)
    moved_after = [{field(line, "CARDNBR") for line in found[n + 1 :]} for n in range(len(found))]
    last = max(
        n
        for n, line in enumerate(found)
        if field(line, "TRANSTYPE") in {b"7822", b"2820"}
        and field(line, "CARDNBR") not in moved_after[n]
        and field(line, "ORI_TRANNO") == b"000000"
    )
    days.put({aleve(days): without(content, last + 1)})
    assert days.run() == (3, ["DAILY_DIFFERS", "DAILY_ONLY_IN_EVE"])


def test_a_top_up_that_the_channel_file_lacks(days):
    content = days.clean[eve(days)]
    days.put({eve(days): without(content, nth(content, lambda line: field(line, "TRANSTYPE") == b"7822"))})
    assert days.run() == (3, ["DAILY_DIFFERS", "DAILY_ONLY_IN_ALEVE"])


def test_an_account_that_is_not_ours(days):
    content = days.clean[aleve(days)]
    sample = lines(content)[nth(content, lambda line: field(line, "TRANSTYPE") == b"7780") - 1]
    fen = b"%017d" % 7
    stranger = put(sample, CARDNBR=b"6212460000000000024", AMOUNT=fen, CURR_BAL=fen, TRANNO=b"999999")
    days.put({aleve(days): content + stranger})
    assert days.run() == (3, ["DAILY_DIFFERS", "DAILY_ACCOUNT_UNKNOWN"])
    assert days.reasons[1].subject == "****0024"


def test_an_account_of_the_platform_is_ours(days):
    content = days.clean[aleve(days)]
    sample = lines(content)[nth(content, lambda line: field(line, "TRANSTYPE") == b"7780") - 1]
    fen = b"%017d" % 7
    fee = put(sample, CARDNBR=b"6212460000000000016", AMOUNT=fen, CURR_BAL=fen, TRANNO=b"999999")
    days.put({aleve(days): content + fee})
    assert days.run() == (0, [])


@pytest.mark.parametrize("number", [b"987654", b"000001"])
def test_a_reversal_of_nothing_or_of_another_amount(days, number):
    content = days.clean[aleve(days)]
    record = nth(content, lambda line: field(line, "REVIND") == b"1")
    days.put({aleve(days): changed(content, record, ORI_TRANNO=number)})
    assert days.run() == (3, ["DAILY_DIFFERS", "DAILY_REVERSAL"])


def test_a_reversal_in_one_of_the_files_only(days):
    content = days.clean[eve(days)]
    days.put(
        {eve(days): changed(content, nth(content, lambda line: field(line, "MSGTYPE") == b"0420"), MSGTYPE=b"0200")}
    )
    code, codes = days.run()
    assert (code, codes) == (3, ["DAILY_DIFFERS", "DAILY_REVERSAL"])


def test_a_withdrawal_is_taken_back_once(days):
    """The second day's reversal names the first day's withdrawal; a second one of it is a difference."""
    assert days.run() == (0, [])
    content = days.clean[aleve(days, SECOND)]
    back = lines(content)[nth(content, lambda line: field(line, "REVIND") == b"1") - 1]
    last = [line for line in lines(content) if field(line, "CARDNBR") == field(back, "CARDNBR")][-1]
    more = b"%017d" % (int(field(last, "CURR_BAL")) + int(field(back, "AMOUNT")))
    again = put(back, TRANNO=b"999999", CURR_BAL=more, TRANSTYPE=b"9999")
    days.put({aleve(days, SECOND): content + again})
    assert days.run(SECOND) == (3, ["DAILY_DIFFERS", "DAILY_REVERSAL"])


def test_another_currency(days):
    days.put({aleve(days): changed(days.clean[aleve(days)], 3, CUR=b"840")})
    assert days.run() == (3, ["DAILY_DIFFERS", "DAILY_CURRENCY"])


def test_a_transaction_number_twice(days):
    content = days.clean[eve(days)]
    days.put({eve(days): content + lines(content)[0]})
    assert days.run() == (3, ["DAILY_DIFFERS", "DAILY_DOUBLED"])


def test_lines_of_the_wrong_length_go_to_the_error_table_without_their_content(days):
    content = days.clean[eve(days)]
    cut = lines(content)
    cut[1] = cut[1][:-5] + b"\n"
    cut[3] = put(cut[3], AMOUNT="１２３４５６".encode("gbk"))
    days.put({eve(days): b"".join(cut)})
    code, codes = days.run()
    assert code == 3
    assert codes.count("DAILY_LINE") == 2
    assert set(codes) == {"DAILY_DIFFERS", "DAILY_LINE", "DAILY_ONLY_IN_ALEVE"}  # the entries the lines stood for
    kept = days.desk.books.day_rows(FIRST, "error").to_pylist()
    assert [(r["file"], r["record"], r["bytes"], r["why"]) for r in kept] == [
        (eve(days), 2, 135, "length"), (eve(days), 4, 139, "content"),
    ]  # fmt: skip
    assert field(cut[3], "CARDNBR").decode() not in str(days.reasons)


def test_the_platform_s_own_balances_are_held_against_the_bank_s(days):
    ledger = Ledger(days.world.root / "state")
    last = {m.account: m.balance for m in ledger.movements("20171119")}
    ledger.close()
    local = pa.table({"account": list(last), "balance_fen": list(last.values())})
    assert days.run(local=local) == (0, [])
    days.world.journal._states = copy.deepcopy(days.start)
    days.world.journal._current = days.world.journal._states["2017-11-jx"]
    first = next(iter(last))
    off = pa.table({"account": list(last), "balance_fen": [v - (a == first) for a, v in last.items()]})
    assert days.run(local=off) == (3, ["DAILY_DIFFERS", "DAILY_LOCAL"])
    assert "-1 fen" in days.reasons[1].detail


def test_nobody_s_account_number_is_said(days):
    content = days.clean[aleve(days)]
    days.put({aleve(days): changed(content, 3, CUR=b"840"), eve(days): days.clean[eve(days)][:-1]})
    days.run()
    told = str(days.reasons) + repr(days.world.journal.events()) + str(daily.as_json(days.desk, FIRST))
    assert kit.Heard("", told).leaks(kit.canaries(days.world.exports())) == set()
