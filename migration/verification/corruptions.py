"""The corruptions to plant: each knows which rows it spoils and which checks must name them, exactly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from migration.verification.ground import OF_DEBT, Ground, Planted, Row
from migration.verification.spec import Scope

_MONEY: Final = "UPDATE c_debts SET principal_fen = $1, interest_fen = $2 WHERE debt_id = $3"
_TEN, _HUNDRED = 10, 100


@dataclass(frozen=True, slots=True)
class Corruption:
    """A kind of corruption."""

    name: str
    title_zh: str
    title_en: str
    plan: Callable[[Ground], Planted | None]
    scope: Scope = "debts"


def _money(*changed: tuple[Row, int, int]) -> Planted:
    """New principal and interest for debts; the bank's answer and the snapshot contradict the principal."""
    planted = Planted()
    for row, principal, interest in changed:
        planted.changes.append((_MONEY, (principal, interest, row["debt_id"])))
        planted.expect("debts.claimed", row["debt_id"])
        if principal != row["principal_fen"]:
            planted.expect("debts.registered", row["debt_id"])
    deltas = [(p - row["principal_fen"], i - row["interest_fen"], 0) for row, p, i in changed]
    planted.sums([row for row, _, _ in changed], deltas)
    return planted


def _swapped(ground: Ground) -> Planted | None:
    """Principals exchanged: in the same listing when it can be, so that its sum stays."""
    pair = ground.pair(lambda a, b: a["principal_fen"] != b["principal_fen"])
    if pair is None:
        return None
    first, second = pair
    return _money(
        (first, second["principal_fen"], first["interest_fen"]),
        (second, first["principal_fen"], second["interest_fen"]),
    )


def _fen_lost(ground: Ground) -> Planted | None:
    """What rounding down a fraction does to an amount that is kept in whole fen."""
    row = ground.debt()
    return _money((row, row["principal_fen"] - 1, row["interest_fen"])) if row else None


def _digit_moved(ground: Ground) -> Planted | None:
    """The last digit of the principal becomes the first of the interest."""
    row = ground.debt(lambda r: r["principal_fen"] >= _TEN and r["principal_fen"] % _TEN == 0)
    row = row or ground.debt(lambda r: r["principal_fen"] >= _TEN)
    if row is None:
        return None
    principal, digit = divmod(row["principal_fen"], _TEN)
    return _money((row, principal, int(f"{digit}{row['interest_fen']}")))


def _file_digit_moved(ground: Ground) -> Planted | None:
    """In the request: digits of an amount move over the border of its field."""
    row = ground.one(ground.debts(), *OF_DEBT, "batch")
    if row is None:
        return None
    planted = Planted()
    planted.files.append(ground.edited(row["batch"], row["record"], "amount_moved"))
    planted.expect("debts.sent", row["debt_id"])
    planted.expect("files.echo", f"{row['batch']}#{row['answer']}")
    return planted


def _hundred(shared: str) -> Callable[[Ground], Planted | None]:
    def plan(ground: Ground) -> Planted | None:
        pair = ground.pair(lambda a, b: a[shared] == b[shared] and b["principal_fen"] > _HUNDRED, shared)
        if pair is None:
            return None
        first, second = pair
        return _money(
            (first, first["principal_fen"] + _HUNDRED, first["interest_fen"]),
            (second, second["principal_fen"] - _HUNDRED, second["interest_fen"]),
        )

    return plan


def _row_doubled(ground: Ground) -> Planted | None:
    row = ground.debt()
    if row is None:
        return None
    planted = Planted()
    planted.changes.append(("INSERT INTO c_debts SELECT * FROM c_debts WHERE debt_id = $1", (row["debt_id"],)))
    planted.expect("debts.rows", row["debt_id"])
    planted.sums([row], [(row["principal_fen"], row["interest_fen"], 1)])
    return planted


def _loaded_twice(ground: Ground) -> Planted | None:
    """The bank said 00 to it twice: in a second batch too, or in the same one where there is no other. One that was sent once."""
    once = ground.debts(where="c.debt_id NOT IN (SELECT key FROM q_debts GROUP BY key HAVING count(*) > 1)")
    row = ground.one(once, *OF_DEBT)
    if row is None:
        return None
    batches = ground.rows("SELECT DISTINCT batch, number FROM booked ORDER BY batch")
    other = next((b for b in batches if b["batch"] != row["batch"]), batches[0])
    planted = Planted()
    for table in ("q_debts", "a_debts"):
        sql = f"""
            INSERT INTO {table} SELECT * REPLACE ($1 AS batch, $2 AS number, $2 AS header, 1000000 AS record)
            FROM {table} WHERE batch = $3 AND key = $4"""
        planted.changes.append((sql, (other["batch"], other["number"], row["batch"], row["debt_id"])))
    planted.expect("debts.registered", row["debt_id"])
    if other["batch"] == row["batch"]:
        planted.expect("files.pairs", f"{row['batch']}#{row['record']}")
    return planted


def _given_away(ground: Ground) -> Planted | None:
    row, other = ground.debt(), ground.debt()
    if row is None or other is None:
        return None
    planted = Planted()
    planted.changes.append((
        "UPDATE c_debts SET holder_user_id = $1, holder_account = $2 WHERE debt_id = $3",
        (other["holder_user_id"], other["holder_account"], row["debt_id"]),
    ))  # fmt: skip
    planted.expect("debts.holder", row["debt_id"])
    planted.expect("debts.registered", row["debt_id"])
    planted.expect("sums.persons", row["holder_user_id"], other["holder_user_id"])
    return planted


def _merge_undone(ground: Ground) -> Planted | None:
    """A debt of a merged account stays with the account that is no more."""
    merged = ground.debts(where="c.holder_user_id <> c.legacy_lender_id")
    row = ground.one(merged, *OF_DEBT, "legacy_lender_id")
    if row is None:
        return None
    planted = Planted()
    sql = "UPDATE c_debts SET holder_user_id = legacy_lender_id WHERE debt_id = $1"
    planted.changes.append((sql, (row["debt_id"],)))
    planted.expect("debts.holder", row["debt_id"])
    planted.expect("sums.persons", row["holder_user_id"], row["legacy_lender_id"])
    return planted


def _name_padded(ground: Ground) -> Planted | None:
    """A blank before the name in the request."""
    rows = ground.rows("""
        SELECT a.key, a.batch, a.record AS answer, q.record FROM a_accounts a
        JOIN q_accounts q ON q.batch = a.batch AND q.key = a.key
        WHERE a.flag = 'S' AND strlen(q.name) < 40 ORDER BY a.key""")
    row = ground.one(rows, "key", "batch")
    if row is None:
        return None
    planted = Planted()
    planted.files.append(ground.edited(row["batch"], row["record"], "name_padded"))
    planted.expect("users.sent", row["key"])
    planted.expect("files.echo", f"{row['batch']}#{row['answer']}")
    return planted


def _end_shifted(ground: Ground) -> Planted | None:
    """The maturity in the request is another day."""
    row = ground.one(ground.debts("holder_user_id"), *OF_DEBT, "batch")
    if row is None:
        return None
    planted = Planted()
    planted.files.append(ground.edited(row["batch"], row["record"], "end_shifted"))
    planted.expect("debts.sent", row["debt_id"])
    return planted


def _due_shifted(ground: Ground) -> Planted | None:
    rows = ground.rows("SELECT listing_id, period, listing_id || '/' || period AS key FROM c_schedules ORDER BY key")
    row = ground.one(rows, "key")
    if row is None:
        return None
    planted = Planted()
    sql = "UPDATE c_schedules SET due_date = due_date + 1 WHERE listing_id = $1 AND period = $2"
    planted.changes.append((sql, (row["listing_id"], row["period"])))
    planted.expect("schedules.rows", row["key"])
    return planted


def _edge_lost(ground: Ground) -> Planted | None:
    """The last record of a file is missing in request, result and outcome alike."""
    last = {row["batch"]: row for row in ground.rows("SELECT batch, max(record) AS record FROM q_debts GROUP BY batch")}
    row = ground.debt(lambda r: last.get(r["batch"], {}).get("record") == r["record"]) or ground.debt()
    if row is None:
        return None
    planted = Planted()
    planted.changes.append(("DELETE FROM c_debts WHERE debt_id = $1", (row["debt_id"],)))
    for table in ("q_debts", "a_debts"):
        sql = f"DELETE FROM {table} WHERE batch = $1 AND key = $2"
        planted.changes.append((sql, (row["batch"], row["debt_id"])))
    planted.expect("debts.rows", row["debt_id"])
    planted.sums([row], [(row["principal_fen"], row["interest_fen"], 1)])
    return planted


def _number_twice(ground: Ground) -> Planted | None:
    """An account number that belongs to somebody else; of two people without a position, so that nothing follows."""
    rows = ground.rows("""
        SELECT user_id, account_no FROM c_users WHERE disposition = 'opened'
          AND user_id NOT IN (SELECT user_id FROM involved WHERE user_id IS NOT NULL)
        ORDER BY user_id""")
    first, second = ground.one(rows, "user_id"), ground.one(rows, "user_id")
    if first is None or second is None:
        return None
    planted = Planted()
    sql = "UPDATE c_users SET account_no = $1 WHERE user_id = $2"
    planted.changes.append((sql, (second["account_no"], first["user_id"])))
    planted.expect("users.opened", first["user_id"])
    planted.expect("users.numbers", first["user_id"], second["user_id"])
    return planted


def _codes_swapped(ground: Ground) -> Planted | None:
    """Authorisation codes of two debts exchanged: later repayments would go to the other."""
    pair = ground.pair(lambda a, b: a["authcode"] != b["authcode"])
    if pair is None:
        return None
    planted = Planted()
    for row, other in (pair, pair[::-1]):
        sql = "UPDATE c_debts SET authcode = $1 WHERE debt_id = $2"
        planted.changes.append((sql, (other["authcode"], row["debt_id"])))
        planted.expect("debts.registered", row["debt_id"])
        planted.expect("debts.codes", row["debt_id"], other["debt_id"])
    return planted


def _cash_changed(ground: Ground) -> Planted | None:
    row = ground.one(
        ground.rows("SELECT escrow_id FROM c_residuals WHERE available_fen > 1 ORDER BY escrow_id"), "escrow_id"
    )
    if row is None:
        return None
    planted = Planted()
    sql = "UPDATE c_residuals SET available_fen = available_fen - 1 WHERE escrow_id = $1"
    planted.changes.append((sql, (row["escrow_id"],)))
    planted.expect("residuals.claimed", row["escrow_id"])
    return planted


CORRUPTIONS: Final = (
    Corruption("principals_swapped", "两笔债权本金互换", "two debts' principals swapped", _swapped),
    Corruption("fen_lost", "舍入丢失一分", "a fen lost by rounding", _fen_lost),
    Corruption("digit_moved", "数字移到相邻列", "a digit moved from one column to its neighbour", _digit_moved),
    Corruption("file_digit_moved", "文件中数字越过字段边界", "a digit moved over a field's border in a file", _file_digit_moved),
    Corruption("listing_hundred", "同一标的一增一减", "+100 / -100 on two debts of one listing", _hundred("listing_id")),
    Corruption("lender_hundred", "同一债权人一增一减", "+100 / -100 on two debts of one lender", _hundred("holder_user_id")),
    Corruption("row_doubled", "债权重复一行", "one debt twice in the outcome", _row_doubled),
    Corruption("loaded_twice", "债权在银行登记两次", "one debt loaded twice at the bank", _loaded_twice),
    Corruption("given_away", "债权归给他人", "one debt given to another user", _given_away),
    Corruption("merge_undone", "合并后归属错误账户", "a debt on the wrong account after a merge", _merge_undone),
    Corruption("name_padded", "姓名前多空格", "a name padded with blanks", _name_padded, "whole"),
    Corruption("end_shifted", "到期日差一天", "an end date shifted by a day", _end_shifted),
    Corruption("due_shifted", "还款日差一天", "a due date of the schedule shifted by a day", _due_shifted, "schedules"),
    Corruption("edge_lost", "文件边缘两侧同缺一行", "a row missing on both sides of a file's edge", _edge_lost),
    Corruption("number_twice", "一个账号给两人", "one account number for two users", _number_twice, "whole"),
    Corruption("codes_swapped", "授权码互换", "authorisation codes of two debts swapped", _codes_swapped),
    Corruption("cash_changed", "余额差一分", "a residual balance a fen short", _cash_changed, "whole"),
)  # fmt: skip
