"""The short way and the framework's: nobody can tell them apart, except by the clock."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from migration.withdrawals import api
from tests.support.withdrawing import FREE, opening, run, world

ASK = {"escrow_id": "E1", "amount_fen": 1_000}
JSON = ("Content-Type", "application/json")


class Around:
    """Stands where the short way stands, and takes none."""

    def __init__(self, app, **_):
        self._app = app

    async def __call__(self, scope, receive, send):
        await self._app(scope, receive, send)


odd = st.sampled_from([1_000, 1_000.0, "1000", True, None, 0, -1, 10**14, 10**30, 1e400, [], {}])
values = st.fixed_dictionaries(
    {},
    optional={
        "escrow_id": st.sampled_from(["E1", "E2", "E9", "", "E 1", "E\x00", "Ｅ1", "\ud800", 5, None]),
        "amount_fen": odd,
        "more": odd,
    },
)
bodies = st.one_of(
    st.builds(lambda v, codec: json.dumps(v).encode(codec), values, st.sampled_from(["utf-8", "utf-16", "utf-8-sig"])),
    st.builds(lambda a, e: f'{{"escrow_id": "E1", "amount_fen": {a}, "amount_fen": {e}}}'.encode(), odd, odd),
    st.sampled_from([b"", b"null", b"[]", b"{", b"\xff", json.dumps(ASK, indent=9).encode(), json.dumps(ASK).encode()]),
    st.binary(max_size=20),
)
kinds = st.sampled_from(
    [
        (JSON,),
        (JSON, JSON),
        (),
        (("Content-Type", "application/json; charset=utf-8"),),
        (("Content-Type", "text/plain"),),
    ]
)
names = st.lists(st.sampled_from(["a", "b", "", " ", "a b", "x" * 200, "x" * 201, "é".encode()]), max_size=2)
callers = st.sampled_from(["user", "other", "operator", "nobody", "forged"])


PATHS = [("POST", "/me/withdrawals"), ("GET", "/me/withdrawals"), ("GET", "/me/assets")]


@pytest.mark.parametrize(("method", "path"), PATHS)
def test_both_ways_give_the_same_answer(pg_url, monkeypatch, method, path):
    """Whatever a request looks like. A key is answered for ever the same: so one way may ask after the other."""
    seen: set[int] = set()
    with asyncio.Runner() as runner:
        made, short, long, stack = runner.run(both(pg_url, monkeypatch))
        people = {
            "user": made.issuer.bearer("U1"),
            "other": made.issuer.bearer("U2"),
            "operator": made.issuer.bearer("night", role="operator"),
            "nobody": {},
            "forged": {"Authorization": "Bearer x"},
        }

        async def answers(request: dict) -> list[tuple]:
            got = [await client.request(method, path, **request) for client in (short, long)]
            return [(a.status_code, sorted(a.headers.items()), a.json()) for a in got]

        @settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
        @example("user", (JSON,), ["first"], json.dumps(ASK).encode())
        @example("user", (JSON,), ["second"], json.dumps(ASK | {"amount_fen": 10**12}).encode())
        @example("user", (JSON,), ["first"], json.dumps(ASK | {"amount_fen": 2}).encode())
        @example("user", (JSON,), ["third"], json.dumps(ASK | {"escrow_id": "E9"}).encode())
        @given(callers, kinds, names, bodies)
        def compare(caller, kind, keys, content):
            headers = [*people[caller].items(), *kind, *(("Idempotency-Key", key) for key in keys)]
            one, two = runner.run(answers({"headers": headers, "content": content}))
            assert one == two
            seen.add(one[0])

        compare()
        runner.run(stack.aclose())
    assert seen >= ({201, 400, 401, 403, 404, 409, 422} if method == "POST" else {200, 401, 403})


async def both(pg_url, monkeypatch):
    """A world with two services over it: one as built, one that knows no short way."""
    stack = AsyncExitStack()
    made = await stack.enter_async_context(world(pg_url, opening(fen=10**9), opening("E2", "U2"), tariff=FREE))
    short = await stack.enter_async_context(made.http())
    monkeypatch.setattr(api, "Express", Around)
    long = await stack.enter_async_context(made.http())
    return made, short, long, stack


@pytest.mark.parametrize(("method", "path"), PATHS)
def test_a_call_that_is_well_formed_does_not_meet_the_framework(pg_url, monkeypatch, method, path):
    async def never(*_):
        raise AssertionError("the framework was asked")

    async def body():
        async with world(pg_url, opening()) as made, made.http() as http:
            monkeypatch.setattr("fastapi.routing.APIRouter.__call__", never)
            headers = made.issuer.bearer("U1") | ({"Idempotency-Key": "k"} if method == "POST" else {})
            said = {"json": ASK} if method == "POST" else {}
            answer = await http.request(method, path, headers=headers, **said)
            assert answer.status_code == (201 if method == "POST" else 200)

    run(body())


def test_a_body_in_pieces_arrives_whole(pg_url):
    async def pieces():
        for byte in json.dumps(ASK).encode():
            yield bytes([byte])

    async def body():
        async with world(pg_url, opening()) as made, made.http() as http:
            headers = made.issuer.bearer("U1") | {"Idempotency-Key": "k", "Content-Type": "application/json"}
            answer = await http.post("/me/withdrawals", headers=headers, content=pieces())
            assert (answer.status_code, answer.json()["amount_fen"]) == (201, ASK["amount_fen"])

    run(body())
