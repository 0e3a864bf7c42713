"""The oracle's own rules against values worked out by hand."""

from datetime import date

import pytest

from migration.sandbox.generate import generate
from tests.oracle import people, sampling
from tests.oracle.bank import Bank, luhn_digit
from tests.oracle.oracle import Given, expected
from tests.oracle.source import day, fen

TODAY = date(2017, 11, 18)


def user(**more):
    row = {
        "user_id": "U1", "kind": "person", "name": "张三", "id_type": "id_card", "id_no": "11010519491231002X", "sex": None,
        "phone": "13800138000", "email": None, "corporate_account": None, "verified_at": "2015-01-01 00:00:00", "status": "active",
        "registered_at": "2015-01-01 00:00:00", "last_active_at": None, "bad": set(),
    }  # fmt: skip
    return row | more


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({}, None),
        ({"verified_at": None}, "UNVERIFIED"),
        ({"id_type": "passport", "name": "䶮"}, "UNSUPPORTED_ID"),
        ({"name": "王䶮"}, "NAME_UNENCODABLE"),
        ({"name": "阿" * 30}, None),
        ({"name": "阿" * 30 + "a"}, "NAME_UNENCODABLE"),
        ({"name": "王\uf92c"}, "FIELD_INVALID"),
        ({"id_no": "110105194912310021"}, "FIELD_INVALID"),
        ({"id_no": " １１０１０５19491231002x"}, None),
        ({"id_type": "id_card_15", "id_no": "110105491231002"}, None),
        ({"phone": "+86 138 0013 8000"}, None),
        ({"phone": "12800138000"}, "FIELD_INVALID"),
        ({"phone": "１３８００１３８０００"}, "FIELD_INVALID"),
        ({"id_type": "uscc", "id_no": "91350100M000100Y43"}, "FIELD_INVALID"),
        ({"kind": "company", "id_type": "uscc", "id_no": "91350100M000100Y43"}, "FIELD_INVALID"),
        ({"kind": "company", "id_type": "uscc", "id_no": "91350100M000100Y43", "corporate_account": "1"}, None),
        (
            {"kind": "company", "id_type": "uscc", "id_no": "91350100M000100Y44", "corporate_account": "1"},
            "FIELD_INVALID",
        ),
        ({"kind": "company", "id_type": "org_code", "id_no": "D2143569X", "corporate_account": "1"}, None),
        ({"bad": {"verified_at"}, "verified_at": None}, "FIELD_INVALID"),
    ],
)
def test_why_a_user_is_refused_here(more, reason):
    assert people.own_refusal(user(**more), TODAY) == reason


def test_fifteen_digits_are_the_same_person():
    assert people.plain_id(user(id_no="110105491231002")) == "11010519491231002X"


@pytest.mark.parametrize(("count", "size"), [(0, 0), (1, 1), (20, 19), (100, 95), (101, 79), (3000, 284)])
def test_sample_size(count, size):
    """101: D = 2, and 22*21/(101*100) = 4.6 % for n = 79, 23*22/10100 = 5.01 % for 78."""
    assert sampling.sample_size(count, "0.95", "0.01") == size


@pytest.mark.parametrize("count", [2, 59, 100, 101, 250, 4097])
def test_sample_size_is_the_least_that_suffices(count):
    def missed(n):  # the chance that n draws see none of the bad ones
        bad, chance = max(1, -(-count // 100)), 1.0
        for k in range(bad):
            chance *= max(count - n - k, 0) / (count - k)
        return chance

    size = sampling.sample_size(count, "0.95", "0.01")
    assert missed(size) <= 0.05 + 1e-12
    assert missed(size - 1) > 0.05


def test_sample_takes_the_first_of_each_level():
    items = {f"L{n}": {"amount": n, "method": "a" if n else "b", "overdue": n == 7} for n in range(400)}
    drawn = sampling.draw("listings", items, {"confidence": "0.5", "defect_rate": "0.1", "seed": 1})
    assert {"L0", "L7", "L399"} <= drawn
    assert len(drawn) <= sampling.sample_size(400, "0.5", "0.1") + 3


def test_rare_characters():
    assert not sampling.rare("张三·买买提有限公司")
    assert sampling.rare("张", "喆")


def test_luhn():
    assert luhn_digit("7992739871") == "3"


def test_bank_refuses_until_the_request_changes_or_as_often_as_told():
    bank = Bank({"refuse_users": {"U1": "106"}, "refuse_debts": {"D1": {"code": "93", "times": 1}}})
    assert bank.open("U1", "1", ("a",)) == (False, "106", None, None)
    assert bank.open("U1", "1", ("a",))[0] is False
    assert bank.open("U1", "1", ("b",))[0] is True
    assert [bank.refusal("refuse_debts", "D1", ()) for _ in range(2)] == ["93", None]


def test_values_of_the_source():
    assert [fen(text) for text in ("0", "12.5", "12.50", "21474836.48")] == [0, 1250, 1250, 2147483648]
    assert day("2017-02-30") is None
    assert day("2017-02-28 10:00:00") == date(2017, 2, 28)
    with pytest.raises(AssertionError):
        fen("1.234")


def test_a_clean_platform_needs_no_signature(tmp_path):
    url = tmp_path / "clean.sqlite"
    generate(f"sqlite:///{url}", users=300, listings=20, debts=400, seed=5, hazards="none")
    result = expected(url)
    assert result["signatures"] == []
    assert {row["disposition"] for row in result["users"]} == {"opened", "closed", "self_open"}
    assert {row["disposition"] for row in result["listings"]} == {"registered"}
    assert {row["disposition"] for row in result["debts"]} == {"registered", "not_migrated"}
    assert result["balance"]["difference_fen"] == 0


@pytest.mark.parametrize("seed", [1, 2])
def test_a_platform_with_every_hazard_comes_out_even(tmp_path, seed):
    url = tmp_path / "all.sqlite"
    truth = generate(f"sqlite:///{url}", users=900, listings=80, debts=1500, seed=seed, hazards="all")
    result = expected(url, faults=truth["bank_faults"])
    assert result["open"] == []
    assert result["balance"]["difference_fen"] == 0
    assert {(item["entity"], item["key"]) for item in truth["sign_at_preflight"]} <= {
        (e, k) for e, k, _ in result["signatures"]
    }
    sums = {kind: sum(b["sum_fen"] for b in result["batches"] if b["kind"] == kind) for kind in ("listing", "debt")}
    assert sums["debt"] == result["balance"]["registered_fen"]


def test_parts_are_cut_and_numbered_without_a_gap(tmp_path):
    url = tmp_path / "parts.sqlite"
    generate(f"sqlite:///{url}", users=300, listings=20, debts=400, seed=5, hazards="none")
    batches = expected(url, {"bank": {"rows_per_file": 100}}, given=[Given(), Given()])["batches"]
    assert [batch["batch_no"] for batch in batches] == [f"{n:06d}" for n in range(1, len(batches) + 1)]
    full = [batch for batch in batches if batch["kind"] == "debt" and not batch["sample"]]
    assert [batch["part"] for batch in full] == list(range(1, len(full) + 1))
    assert all(batch["rows"] == 100 for batch in full[:-1])
