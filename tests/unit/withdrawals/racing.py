"""Many clients of several services after one balance: as built, with the one-open index away, and with a naive reservation in its place.

`python -m tests.unit.withdrawals.racing CLIENTS ROUNDS` runs the race at any size.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path

from migration.withdrawals.books import closed
from tests.support.withdrawing import FREE, opening, world

SERVICES = 8
"""One of them never races with itself: what it is asked at one moment goes together. So there are several on the same books."""

WITHOUT_INDEX = "DROP INDEX withdrawals.withdrawal_one_open"
"""With one open withdrawal an account the balance itself is hardly raced for: this wall is taken away."""

NAIVE = """
CREATE OR REPLACE FUNCTION withdrawals.reserve(
    p_id uuid, p_user text, p_escrow text, p_amount bigint, p_fee bigint, p_free integer, p_month date, p_day date, p_cap bigint,
    p_route text, p_settles_on date, p_large_limit bigint, p_arrives_by timestamptz, p_key text, p_body text, p_at timestamptz
) RETURNS withdrawals.withdrawal LANGUAGE plpgsql AS $$
DECLARE
    made withdrawals.withdrawal;
    seen withdrawals.account;
BEGIN
    SELECT * INTO seen FROM withdrawals.account WHERE escrow_id = p_escrow;  -- look first ...
    IF seen.left_fen < p_amount THEN
        RAISE EXCEPTION 'BALANCE_TOO_SMALL' USING ERRCODE = 'CU001';
    END IF;
    PERFORM pg_sleep(0.002);
    UPDATE withdrawals.account SET left_fen = seen.left_fen - p_amount, in_transit_fen = seen.in_transit_fen + p_amount
     WHERE escrow_id = p_escrow;  -- ... then write what was computed
    INSERT INTO withdrawals.withdrawal (id, user_id, escrow_id, amount_fen, fee_fen, route, settles_on, requested_at, arrives_by,
        changed_at) VALUES (p_id, p_user, p_escrow, p_amount, 0, p_route, p_settles_on, p_at, p_arrives_by, p_at) RETURNING * INTO made;
    INSERT INTO withdrawals.answer (user_id, key, body_sha256, withdrawal, at) VALUES (p_user, p_key, p_body, p_id, p_at);
    INSERT INTO withdrawals.outbox (withdrawal, due_at) VALUES (p_id, p_at);
    INSERT INTO withdrawals.movement (escrow_id, withdrawal, kind, fen, at) VALUES (p_escrow, p_id, 'reserved', p_amount, p_at);
    RETURN made;
END
$$;
"""


async def race(
    url: str, clients: int, rounds: int, *changes: str, amount: int = 700, balance: int = 10_000
) -> list[str]:
    """What went wrong, empty when nothing did. Each round is an account of its own."""
    rows = [opening(f"E{n}", fen=balance) for n in range(rounds)]
    faults: list[str] = []
    async with world(url, *rows, size=20, tariff=FREE) as made, AsyncExitStack() as stack:
        services = [await stack.enter_async_context(made.http()) for _ in range(SERVICES)]
        async with made.own.transaction() as connection:
            for change in changes:
                await connection.execute(change)
        me = made.issuer.bearer("U1")

        async def client(escrow: str, n: int) -> tuple[int, str]:
            said = {"escrow_id": escrow, "amount_fen": amount}
            headers = me | {"Idempotency-Key": f"{escrow}-{n}"}
            answer = await services[n % SERVICES].post("/me/withdrawals", json=said, headers=headers)
            return answer.status_code, answer.json().get("code", "")

        wanted = 1 if WITHOUT_INDEX not in changes else balance // amount
        for row in rows:
            got = Counter(await asyncio.gather(*(client(row.escrow_id, n) for n in range(clients))))
            if got[201, ""] != wanted:
                faults.append(f"{row.escrow_id}: {got[201, '']} accepted, {wanted} expected")
            if any(status not in {201, 409} for status, _ in got):
                faults.append(f"{row.escrow_id}: {dict(got)}")
        faults += [str(finding) for finding in closed(await made.books.ledger())]
    return faults


def main() -> None:
    """Race as built and with the index away; exit 1 on any fault, or when the naive reservation is not caught."""
    from migration.journal.embedded import Embedded
    from migration.journal.store import PostgresJournal

    clients, rounds = int(sys.argv[1]), int(sys.argv[2])
    with tempfile.TemporaryDirectory() as place:
        server = Embedded(Path(place) / "pg", durable=False)
        server.start()
        try:
            urls = [server.url(f"race_{n}") for n in range(3)]
            for url in urls:
                PostgresJournal(url).close()
            built = asyncio.run(race(urls[0], clients, rounds))
            open_door = asyncio.run(race(urls[1], clients, rounds, WITHOUT_INDEX))
            naive = asyncio.run(race(urls[2], clients, rounds, WITHOUT_INDEX, NAIVE))
        finally:
            server.stop(force=True)
    print(
        f"{clients} clients, {rounds} rounds: as built {built or 'no fault'}; without the index {open_door or 'no fault'}"
    )
    print(f"naive reservation: {len(naive)} faults, e.g. {naive[:1]}")
    sys.exit(bool(built or open_door or not naive))


if __name__ == "__main__":
    main()
