"""H1 to H28 of domain.md: the rows that carry each, the finding or treatment, and where they end.

What touches only its item is planted together in one platform (hazard_world), which one cutover carries to its end;
what stops a run has a platform of its own. docs/hazards.md is the table of all this.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.contract.platforms import row
from tests.integration.hazard_world import LONG_NUMBER, ending_in_x, person, world
from tests.support.platform import joined, loan, small
from tests.support.rehearsal import Rehearsal

DOCS = Path(__file__).resolve().parents[2] / "docs" / "hazards.md"
REGISTERED = ("registered", "REGISTERED")


class Outcome:
    """What came of the platform with every hazard."""

    def __init__(self, root):
        faults = {"already_open": ["U121"], "already_open_other": ["U122"]}
        self.case = Rehearsal(root, world(), faults=faults, measured=True)
        self.at_preflight = self.case.run(), {r.subject: r.code for r in self.case.reasons}
        self.case.sign(*(tuple(r.subject.split("/", 1)) for r in self.case.reasons))
        self.before_signing = self.case.run(), self.case.exceptions(), dict(self.case.where("debts"))
        self.case.sign()
        self.code = self.case.run()
        self.users, self.listings, self.debts = (self.case.where(e) for e in ("users", "listings", "debts"))
        self.exports = self.case.exports()
        self.balance = self.case.balance()
        self.warnings = {str(f.subject): f.code for f in self.case.house.book().users.findings}
        self.sent = self.case.sent()

    def row(self, entity, key):
        """One row of an export."""
        table = self.exports[entity]
        return next(r for r in table.to_pylist() if r[table.column_names[0]] == key)

    def account(self, key):
        """The 433 bytes that were sent about a user, as text."""
        for name, content in self.sent.items():
            if "APPZX" in name:
                for line in content.split(b"\n"):
                    if line[134:194].decode("gbk").strip() == key:
                        return line
        return None


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    return Outcome(tmp_path_factory.mktemp("hazards"))


def test_everything_ends_with_nothing_left_over(done):
    assert done.code == 0, done.case.reasons
    assert done.before_signing[0] == 4
    assert done.balance["difference_fen"] == 0
    assert (done.balance["listings"], done.balance["persons"]) == ([], [])
    assert {v[0] for v in done.users.values()} == {"opened", "merged", "self_open", "excepted", "closed"}
    for ends in (done.listings, done.debts):
        assert {v[0] for v in ends.values()} == {"registered", "excepted", "not_migrated"}


def test_h01_one_id_with_several_phones_is_one_person(done):
    assert (done.users["U11"], done.users["U12"]) == (("opened", "OPENED_S"), ("merged", "MERGED"))
    assert done.row("users", "U12")["kept_user_id"] == "U11"
    assert {done.row("debts", k)["holder_user_id"] for k in ("L11D1", "L11D2")} == {"U11"}
    group = next(r for r in done.case.house.book().users.groups.to_pylist() if r["kept_user_id"] == "U11")
    assert (group["reason"], group["receivable_before"], group["receivable_after"]) == ("receivable", 15000, 15000)
    cash = {r["escrow_id"]: (r["entitled_user_id"], r["available_fen"]) for r in done.exports["residuals"].to_pylist()}
    assert (cash["E11"], cash["E12"]) == (("U11", 100), ("U11", 200)), "legacy cash does not merge"


def test_h01_names_that_disagree_are_never_merged(done):
    assert done.before_signing[1]["users", "U13"] == "NAME_CONFLICT"
    assert done.before_signing[2]["L11D3"] == ("blocked", "PARTY_NOT_OPENED")
    assert done.users["U13"] == ("excepted", "NAME_CONFLICT")
    assert done.users["U14"] == ("self_open", "NAME_CONFLICT")
    assert done.debts["L11D3"] == ("excepted", "PARTY_NOT_OPENED")


def test_h02_one_phone_with_several_ids_is_sent_for_none_of_them(done):
    assert done.before_signing[1]["users", "U21"] == "PHONE_SHARED"
    assert done.users["U21"] == ("excepted", "PHONE_SHARED")
    assert done.users["U22"] == ("self_open", "PHONE_SHARED")
    assert done.account("U21") is done.account("U22") is None


def test_h03_15_and_18_digits_are_one_person(done):
    assert (done.users["U31"][0], done.users["U32"][0]) == ("merged", "opened")
    assert done.account("U32")[:20].decode() == person(31)["id_no"] + "01", "sent as 18 digits, type 01"
    assert done.row("debts", "L31D1")["holder_user_id"] == "U32"


def test_h04_case_blanks_and_full_width_digits_are_normalised(done):
    assert done.users["U42"] == ("merged", "MERGED")
    assert done.account("U41")[:18].decode() == ending_in_x()
    assert done.account("U43")[81:93].decode().strip() == "13800000043"


def test_h05_an_abolished_region_warns_and_a_future_birth_refuses(done):
    assert done.users["U51"] == ("opened", "OPENED_S")
    assert done.warnings["users/U51"] == "ID_REGION_UNKNOWN"
    assert done.users["U52"] == done.users["U53"] == ("self_open", "FIELD_INVALID")


def test_h06_eighteen_by_the_exact_date(done):
    assert done.users["U61"] == ("opened", "OPENED_S")
    assert done.users["U62"] == ("self_open", "UNDERAGE")


def test_h07_what_gbk_lacks_is_an_exception_and_never_replaced(done):
    assert {done.users[k] for k in ("U71", "U72", "U73")} == {("self_open", "NAME_UNENCODABLE")}
    assert done.users["U74"] == ("self_open", "FIELD_INVALID"), "NFC would change the name"
    assert done.users["U75"] == ("opened", "OPENED_S")
    assert done.listings["L71"] == ("excepted", "FIELD_INVALID")
    assert done.debts["L71D1"] == ("excepted", "FIELD_INVALID")
    assert not any(b"?" in content for content in done.sent.values())


def test_h08_long_names_are_refused_and_brackets_agree(done):
    assert done.users["U81"] == ("self_open", "NAME_UNENCODABLE")
    assert done.listings["L81"] == ("excepted", "FIELD_INVALID")
    assert (done.users["C82"][0], done.users["C83"][0]) == ("opened", "merged")
    assert "（中国）".encode("gbk") in done.account("C82"), "sent as stored"


def test_h09_the_17th_digit_says_the_sex(done):
    assert done.warnings["users/U91"] == "SEX_DIFFERS"
    assert [done.account(k)[80:81] for k in ("U91", "U92")] == [b"1", b"2"]


def test_h10_leading_zeros_stay(done):
    assert done.users["0010"] == ("opened", "OPENED_S")
    assert done.account("0010") is not None


@pytest.mark.parametrize("how", ["unknown", "missing", "double", "echo"])
def test_h11_a_result_with_lines_too_many_too_few_or_changed_is_quarantined_whole(tmp_path, how):
    spoil = {"match": "APPZX0110RES-000001", "how": how, "record": 1, "times": 1}
    case = Rehearsal(tmp_path, small(1), faults={"corrupt": [spoil]})
    assert case.run("accounts") == 3
    assert case.codes[0] == "RESULT_QUARANTINED"
    assert {v for k, v in case.where("users").items() if k.startswith("U")} == {("pending", None)}
    assert case.run("accounts") == 0, case.reasons
    assert set(case.where("users").values()) == {("opened", "OPENED_S")}


def test_h12_flag_n_counts_only_when_it_is_the_same_person(done):
    assert done.users["U121"] == ("opened", "OPENED_N")
    assert done.row("users", "U121")["activated"] is True
    assert done.debts["L121D1"] == REGISTERED
    assert done.users["U122"] == ("excepted", "BANK_N")
    assert done.row("users", "U122")["account_no"] is None
    assert done.debts["L121D2"] == ("excepted", "PARTY_NOT_OPENED")


@pytest.mark.parametrize("how", ["account", "account_blank", "account_twice"])
def test_h13_no_valid_number_or_one_for_two_quarantines_the_file(tmp_path, how):
    spoil = {"match": "APPZX0110RES-000001", "how": how, "record": 2, "times": 1}
    case = Rehearsal(tmp_path, small(1), faults={"corrupt": [spoil]})
    assert case.run("accounts") == 3
    assert case.codes[0] == "RESULT_QUARANTINED"
    assert not [r for r in case.exports()["users"].to_pylist() if r["user_id"].startswith("U") and r["account_no"]]
    assert case.run("accounts") == 0, case.reasons


def test_h14_a_company_needs_its_bank_account_and_a_right_credit_code(done):
    assert done.users["C141"] == done.users["C142"] == ("self_open", "FIELD_INVALID")


def test_h15_a_party_without_an_account_takes_the_listing_with_him(done):
    assert done.before_signing[1]["users", "U151"] == "UNVERIFIED"
    for key in ("L151", "L152", "L153"):
        assert done.listings[key] == ("excepted", "PARTY_NOT_OPENED")
        assert done.debts[f"{key}D1"] == ("excepted", "PARTY_NOT_OPENED")


def test_h15_a_lender_in_his_own_listing_also_after_a_merge(done):
    assert done.debts["L154D1"] == done.debts["L155D1"] == ("excepted", "SELF_LOAN")
    assert done.debts["L154D2"] == REGISTERED
    assert done.listings["L154"] == done.listings["L155"] == REGISTERED


def test_h15_signing_a_party_signs_what_hangs_on_him_whatever_its_cause(tmp_path):
    """A debt that is overdue, too, needs no signature of its own once its borrower is signed."""
    platform = joined(
        {"users": [person(1), person(2), person(3, verified_at=None)]},
        loan(1, "U1", {"U2": "1.00"}),
        loan(2, "U3", {"U2": "5.00"}, maturity_date="2017-11-17"),
    )
    case = Rehearsal(tmp_path, platform)
    assert case.run() == 4
    assert case.exceptions() == {("users", "U3"): "UNVERIFIED", ("debts", "L2D1"): "OVERDUE"}
    case.sign(("users", "U3"))
    assert case.run() == 0, case.reasons
    assert case.where("debts")["L2D1"] == ("excepted", "OVERDUE")
    assert case.balance()["excepted_fen"] == 500


def test_h16_numbers_too_long_or_alike_but_for_case(done):
    assert done.listings[LONG_NUMBER] == ("excepted", "FIELD_INVALID")
    assert done.listings["LcaseA"] == done.listings["LCASEa"] == ("excepted", "FIELD_INVALID")
    assert {done.debts[k] for k in ("L161D1", "L162D1", "L163D1")} == {("excepted", "FIELD_INVALID")}


def test_h17_remainders_cents_and_debts_that_are_over(done):
    assert done.debts["L171D1"] == REGISTERED
    listing = done.row("listings", "L171")
    assert (listing["outstanding_fen"], done.row("debts", "L171D1")["principal_fen"]) == (6000, 6000)
    assert done.listings["L172"] == REGISTERED
    assert done.debts["L172D1"] == ("excepted", "SCHEDULE_MISMATCH"), "one cent apart"
    assert done.debts["L173D1"] == ("excepted", "LISTING_NOT_OPEN")
    assert done.debts["L174D1"] == ("not_migrated", "ZERO")
    assert done.debts["L175D1"] == ("excepted", "INTEREST_ONLY")
    assert done.debts["L176D1"] == ("not_migrated", "FINISHED")


def test_h18_overdue_is_the_date_and_not_the_status(done):
    assert done.listings["L181"] == REGISTERED
    assert done.debts["L181D1"] == ("excepted", "OVERDUE")
    assert done.debts["L182D1"] == REGISTERED, "due on the business date"
    assert done.debts["L183D1"] == REGISTERED, "late, but not mature"


def overdue(**extra):
    return joined({"users": [person(1), person(2)]}, loan(1, "U1", {"U2": "5.00"}, maturity_date="2017-11-17"), extra)


@pytest.mark.parametrize(
    ("until", "code", "ends"),
    [("2018-05-01", 0, REGISTERED), ("2017-11-18", 0, REGISTERED), ("2017-11-17", 4, ("blocked", "OVERDUE")), (None, 4, ("blocked", "OVERDUE"))],
)  # fmt: skip
def test_h18_a_consented_extension_is_the_new_end(tmp_path, until, code, ends):
    rows = [row("extensions", listing_id="L1", new_maturity_date=until)] if until else []
    case = Rehearsal(tmp_path, overdue(extensions=rows), overdue="extend_with_consent")
    assert case.run() == code, case.reasons
    assert case.where("debts")["L1D1"] == ends
    if not code:
        (content,) = (c for n, c in case.sent().items() if n.startswith("3005-BID-"))
        assert content[111:119].decode() == until.replace("-", "")


def test_h19_what_was_not_lent_stays_and_what_is_in_flight_is_listed(done):
    assert done.listings["L191"] == done.listings["L192"] == ("not_migrated", "NOT_LENT")
    assert done.listings["L193"] == ("not_migrated", "CANCELLED")
    noted = {
        c.rule_id: c.keys for s, _, _, c in done.case.journal.checks() if s == "preflight" and c.severity == "info"
    }
    assert {"bid/F3", "assignment/F4"} <= {k for keys in noted.values() for k in keys}
    assert {"L191", "L192"} <= {k for keys in noted.values() for k in keys}


def test_h20_bonus_interest_is_carried_apart(done):
    debt = done.row("debts", "L201D1")
    assert (debt["principal_fen"], debt["bonus_interest_fen"]) == (6000, 500)
    (line,) = (x for n, c in done.sent.items() if n.startswith("3005-BID-") for x in c.split(b"\n") if b"L201D1" in x)
    assert line[79:92] == b"0000000006000", "the bank gets the principal alone"


def test_h21_the_platform_is_no_party(done):
    assert done.users["P1"] == ("closed", "PLATFORM_ACCOUNT")
    assert done.debts["L211D1"] == ("excepted", "PLATFORM_PARTY")
    assert done.debts["L211D2"] == REGISTERED
    assert done.listings["L212"] == done.debts["L212D1"] == ("excepted", "PLATFORM_PARTY")


def test_h22_a_guarantor_who_has_advanced_holds_the_debt(done):
    assert done.debts["L221D1"] == REGISTERED
    assert done.row("debts", "L221D1")["holder_user_id"] == "U3"


def test_h22_by_policy_an_advance_not_settled_closes_preflight(tmp_path):
    case = Rehearsal(tmp_path, overdue(), overdue="repaid_by_guarantor")
    assert case.run() == 3
    assert ("OVERDUE", "debts/L1D1") in [(r.code, r.subject) for r in case.reasons]
    assert case.sent() == {}


def test_h23_top_ups_count_and_the_rest_lies_in_frozen(done):
    assert done.balance["in_flight_fen"] == 500
    assert done.balance["residual_fen"] == 100 + 250 + 1200 + 1 + 900


@pytest.mark.parametrize(
    ("amount", "code"),
    [("100.001", "MONEY_DECIMALS"), (None, "MONEY_NULL"), ("NaN", "MONEY_NAN"), ("-1.00", "MONEY_NEGATIVE"),
     (0.1 + 0.2, "MONEY_FLOAT"), ("1e3", "MONEY_FORMAT"), ("１００", "MONEY_FORMAT")],
)  # fmt: skip
def test_h24_amounts_that_are_no_amounts_stop_preflight(tmp_path, amount, code):
    platform = small(1)
    platform["debts"][0]["principal"] = amount
    case = Rehearsal(tmp_path, platform)
    assert case.run() == 3
    assert (case.reasons[0].code, case.reasons[0].subject) == (code, "debts/L1D1")
    platform["debts"][0]["principal"] = "1000.00"
    case.source.replace("debts", platform["debts"])
    assert case.run("preflight") == 0, "mended at the source, a new snapshot is taken"


def test_h24_large_amounts_stop_nothing(done):
    assert done.row("debts", "L241D1")["principal_fen"] == 3_000_000_000
    assert done.debts["L241D1"] == REGISTERED


def test_h25_orphans_keep_preflight_shut_until_signed(done):
    code, shut = done.at_preflight
    assert code == 4
    assert {k for k, v in shut.items() if v == "ORPHAN"} == {
        "debts/L251D2", "debts/STRAY", "listings/L252", "escrow_accounts/ESTRAY", "authorisations/S2",
    }  # fmt: skip
    assert {done.debts[k] for k in ("L251D2", "STRAY", "L252D1")} == {("excepted", "ORPHAN")}
    assert done.listings["L252"] == ("excepted", "ORPHAN")
    assert done.debts["L251D1"] == REGISTERED
    (stray,) = (r for r in done.exports["residuals"].to_pylist() if r["escrow_id"] == "ESTRAY")
    assert (stray["entitled_user_id"], stray["available_fen"]) == (None, 900)
    lapsing = {r["serial"]: (r["disposition"], r["reason"]) for r in done.exports["authorisations"].to_pylist()}
    assert lapsing == {"S1": ("lapsed", "CONSENT_NEEDED"), "S2": ("excepted", "ORPHAN")}


@pytest.mark.parametrize("entity", ["users", "debts", "listings", "schedules", "escrow_accounts"])
def test_h26_doubled_keys_stop_preflight(tmp_path, entity):
    platform = small(1)
    platform[entity] = [*platform[entity], dict(platform[entity][0])]
    case = Rehearsal(tmp_path, platform)
    assert case.run() == 3
    assert case.reasons[0].code == "KEY_DUPLICATE"
    assert case.reasons[0].subject.startswith(f"{entity}/")


def test_h27_impossible_dates_are_exceptions_where_they_are_used(done):
    _, shut = done.at_preflight
    assert {k for k, v in shut.items() if v == "FIELD_INVALID"} == {"users/U271", "listings/L271", "debts/L272D1"}
    assert done.users["U271"] == ("excepted", "FIELD_INVALID")
    assert done.listings["L271"] == done.debts["L271D1"] == ("excepted", "FIELD_INVALID")
    assert (done.listings["L272"], done.debts["L272D1"]) == (REGISTERED, ("excepted", "FIELD_INVALID"))
    assert done.users["U272"] == ("opened", "OPENED_S"), "no decision rests on it"
    assert done.debts["L273D1"] == ("not_migrated", "FINISHED"), "no longer used"


def test_every_hazard_has_its_row_in_the_table_and_every_test_named_there_exists():
    rows = re.findall(r"^\| (H\d+) \|(.*)$", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    assert {key for key, _ in rows} == {f"H{n}" for n in range(1, 29)}
    named = {name for _, text in rows for name in re.findall(r"`(test_h\d\d_\w+)`", text)}
    here = {name for name in globals() if re.match(r"test_h\d\d_", name)}
    elsewhere = set(
        re.findall(r"def (test_h28_\w+)", (DOCS.parents[1] / "tests/integration/test_freeze.py").read_text())
    )
    assert named == here | elsewhere
