"""The service over HTTP: who may do what, problems, the second wall, the headers."""

from __future__ import annotations

import base64
import json
import time

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from migration.domain.errors import ConfigurationError
from migration.withdrawals import desk as desk_module
from migration.withdrawals.limits import Buckets
from migration.withdrawals.problems import PROBLEMS
from migration.withdrawals.sqlfiles import query
from migration.withdrawals.tokens import Tokens
from tests.support.withdrawing import AUDIENCE, CARD, FREE, ISSUER, Issuer, opening, run, world

ASK = {"escrow_id": "E1", "amount_fen": 1_000}


def key(name: str = "k") -> dict[str, str]:
    return {"Idempotency-Key": name}


def test_assets_side_by_side_and_no_legacy_line_at_zero(pg_url):
    async def body():
        async with (
            world(pg_url, opening(fen=1_000, frozen_fen=5), opening("E2", "U2", fen=0)) as made,
            made.http() as http,
        ):
            me = made.issuer.bearer("U1")
            await made.books.holders([("U1", "6212460000000000018", False)])
            assets = (await http.get("/me/assets", headers=me)).json()
            assert assets["custody"] == {"opened": True, "activated": False, "balance_fen": None}
            assert assets["total_fen"] is None  # the bank could not be asked: never shown as zero
            assert (assets["legacy"]["left_fen"], assets["legacy"]["frozen_fen"]) == (1_000, 5)
            assert assets["legacy"]["accounts"][0]["card_last4"] == CARD[-4:]
            assert assets["legacy"]["accounts"][0]["largest_fen"] == 1_000  # one is free
            other = (await http.get("/me/assets", headers=made.issuer.bearer("U2"))).json()
            assert other == {
                "custody": {"opened": False, "activated": False, "balance_fen": 0},
                "legacy": None,
                "total_fen": 0,
            }
            assert CARD not in json.dumps(assets)

    run(body())


def test_a_withdrawal_from_asking_to_listing(pg_url):
    async def body():
        async with world(pg_url, opening(fen=100_000)) as made, made.http() as http:
            me = made.issuer.bearer("U1")
            quote = await http.post("/me/withdrawals/quote", json=ASK, headers=me)
            assert (quote.status_code, quote.json()["fee_fen"], quote.json()["route"]) == (200, 0, "super_network")
            first = await http.post("/me/withdrawals", json=ASK, headers=me | key())
            again = await http.post(
                "/me/withdrawals",
                content=json.dumps(ASK, indent=3),
                headers=me | key() | {"Content-Type": "application/json"},
            )
            assert first.status_code == again.status_code == 201
            assert first.json() == again.json()
            other = await http.post("/me/withdrawals", json=ASK | {"amount_fen": 2}, headers=me | key())
            assert (other.status_code, other.json()["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
            (listed,) = (await http.get("/me/withdrawals", headers=me)).json()
            one = await http.get(f"/me/withdrawals/{listed['id']}", headers=me)
            assert one.json() == listed
            assert listed["state"] == "requested"

    run(body())


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (ASK, {}, 400, "IDEMPOTENCY_KEY_MISSING"),
        (ASK, key("a b"), 400, "BODY_INVALID"),
        (ASK | {"amount_fen": 10.0}, key(), 400, "BODY_INVALID"),
        (ASK | {"amount_fen": "1000"}, key(), 400, "BODY_INVALID"),
        (ASK | {"amount_fen": True}, key(), 400, "BODY_INVALID"),
        (ASK | {"amount_fen": 0}, key(), 400, "BODY_INVALID"),
        (ASK | {"amount_fen": -5}, key(), 400, "BODY_INVALID"),
        (ASK | {"amount_fen": 10**20}, key(), 400, "BODY_INVALID"),
        (ASK | {"user_id": "U2"}, key(), 400, "BODY_INVALID"),
        (ASK | {"escrow_id": "E\x00"}, key(), 400, "BODY_INVALID"),
        (ASK | {"escrow_id": "E9"}, key(), 404, "ACCOUNT_UNKNOWN"),
        (ASK | {"escrow_id": "E2"}, key(), 404, "ACCOUNT_UNKNOWN"),
        (ASK | {"amount_fen": 10**9}, key(), 409, "BALANCE_TOO_SMALL"),
        ("x" * 20_000, key(), 413, "BODY_TOO_LARGE"),
    ],
)
def test_bad_requests_are_problems_in_both_languages(pg_url, body, headers, status, code):
    async def go():
        async with world(pg_url, opening(), opening("E2", "U2")) as made, made.http() as http:
            answer = await http.post("/me/withdrawals", json=body, headers=made.issuer.bearer("U1") | headers)
            assert answer.status_code == status
            assert answer.headers["content-type"] == "application/problem+json"
            said = answer.json()
            assert (said["code"], said["status"]) == (code, status)
            if code != "BODY_TOO_LARGE":
                assert (said["title_zh"], said["title_en"]) == PROBLEMS[code][1:]

    run(go())


def altered(token: str) -> str:
    head, content, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(content + "=="))
    forged = base64.urlsafe_b64encode(json.dumps(claims | {"sub": "U2"}).encode()).rstrip(b"=").decode()
    return f"{head}.{forged}.{signature}"


def unsigned(issuer: Issuer) -> str:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "U1", "exp": int(time.time()) + 60}
    return f"{part({'alg': 'none'})}.{part(claims)}."


CALLERS = {
    "nobody": lambda issuer: {},
    "not a token": lambda issuer: {"Authorization": "Bearer x"},
    "expired": lambda issuer: issuer.bearer("U1", exp=int(time.time()) - 60),
    "no expiry": lambda issuer: issuer.bearer("U1", exp=None),
    "not yet": lambda issuer: issuer.bearer("U1", nbf=int(time.time()) + 600),
    "wrong audience": lambda issuer: issuer.bearer("U1", aud="another"),
    "several audiences": lambda issuer: issuer.bearer("U1", aud=[AUDIENCE, "another"]),
    "wrong issuer": lambda issuer: issuer.bearer("U1", iss="https://elsewhere.example"),
    "another key": lambda issuer: Issuer().bearer("U1"),
    "altered": lambda issuer: {"Authorization": f"Bearer {altered(issuer.token('U1'))}"},
    "unsigned": lambda issuer: {"Authorization": f"Bearer {unsigned(issuer)}"},
    "public key as secret": lambda issuer: {
        "Authorization": f"Bearer {issuer.token('U1', algorithm='HS256', key='k' * 64)}"
    },
    "no subject": lambda issuer: issuer.bearer("", sub=""),
    "odd role": lambda issuer: issuer.bearer("U1", role="root"),
}
ROUTES = [
    ("GET", "/me/session"),
    ("GET", "/me/assets"),
    ("POST", "/me/withdrawals/quote"),
    ("POST", "/me/withdrawals"),
    ("GET", "/me/withdrawals"),
    ("GET", "/me/withdrawals/{mine}"),
    ("GET", "/ops/status"),
    ("GET", "/metrics"),
]
OPEN = {"/healthz", "/", "/icon.svg", "/page.css", "/page.js", "/texts.js", "/session", "/openapi.json"}


def test_every_route_and_every_caller(pg_url):
    """Who gets a 2xx: the user on /me, the operator on /ops; everybody else 401, 403 or 404."""

    async def body():
        async with world(pg_url, opening(fen=10**6), tariff=FREE) as made, made.http() as http:
            paths = {getattr(route, "path", "") for route in made.app().routes}
            assert {path for path in paths if path not in OPEN} == {
                path.replace("{mine}", "{number}") for _, path in ROUTES
            }
            mine = str((await made.ask(1_000)).id)
            people = dict(CALLERS)
            people["other user"] = lambda issuer: issuer.bearer("U2")
            people["user"] = lambda issuer: issuer.bearer("U1")
            people["operator"] = lambda issuer: issuer.bearer("night", role="operator")
            got = {}
            for who, headers in people.items():
                for method, path in ROUTES:
                    said = {"json": ASK | {"amount_fen": 1}} if method == "POST" else {}
                    answer = await http.request(
                        method,
                        path.format(mine=mine),
                        headers=headers(made.issuer) | key(who.replace(" ", "-")),
                        **said,
                    )
                    got[who, path, method] = answer.status_code
            for (who, path, method), status in got.items():
                ops = path in {"/ops/status", "/metrics"}
                if who in CALLERS:
                    expected = {401}
                elif who == "operator":
                    expected = {200} if ops else {403}
                elif ops:
                    expected = {403}
                elif who == "user":
                    expected = {409} if (method, path) == ("POST", "/me/withdrawals") else {200}  # one is open already
                else:
                    expected = {404} if method == "POST" or "{" in path else {200}
                assert status in expected, (who, method, path, status)
            listed = await http.get("/me/withdrawals", headers=made.issuer.bearer("U2"))
            assert listed.json() == []

    run(body())


def test_row_security_alone_keeps_others_out(pg_url, monkeypatch):
    """The application's own check taken out: the queries name no user any more, and still nobody sees another's rows."""
    careless = {
        "withdrawal": "SELECT * FROM withdrawals.withdrawal WHERE id = $1 AND $2::text IS NOT NULL",
        "withdrawals": "SELECT * FROM withdrawals.withdrawal WHERE $1::text IS NOT NULL LIMIT $2",
        "accounts": "SELECT * FROM withdrawals.account WHERE $1::text IS NOT NULL",
        "account": "SELECT * FROM withdrawals.account WHERE escrow_id = $1 AND $2::text IS NOT NULL",
    }

    async def body():
        async with world(pg_url, opening(), opening("E2", "U2", fen=7)) as made, made.http() as http:
            mine = (await made.ask(1_000)).id
            monkeypatch.setattr(desk_module, "query", lambda name: careless.get(name) or query(name))
            other = made.issuer.bearer("U2")
            assert (await http.get(f"/me/withdrawals/{mine}", headers=other)).status_code == 404
            assert (await http.get("/me/withdrawals", headers=other)).json() == []
            assets = (await http.get("/me/assets", headers=other)).json()
            assert [a["escrow_id"] for a in assets["legacy"]["accounts"]] == ["E2"]
            taken = await http.post("/me/withdrawals", json=ASK | {"amount_fen": 1}, headers=other | key())
            assert taken.json()["code"] == "ACCOUNT_UNKNOWN"
            own = (await http.get(f"/me/withdrawals/{mine}", headers=made.issuer.bearer("U1"))).status_code
            assert own == 200

    run(body())


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM withdrawals.withdrawal",
        "UPDATE withdrawals.withdrawal SET state = 'paid'",
        "UPDATE withdrawals.account SET opening_fen = 1",
        "UPDATE withdrawals.account SET card = '1'",
        "SELECT * FROM withdrawals.outbox",
        "UPDATE withdrawals.outbox SET submitted_at = NULL",
        "SELECT * FROM withdrawals.movement",
        "DELETE FROM withdrawals.answer",
        "INSERT INTO withdrawals.control (stopped, by, reason, at) VALUES (false, 'x', 'x', now())",
        "INSERT INTO withdrawals.release VALUES (gen_random_uuid(), 'x', 'x', now())",
        "SELECT withdrawals.finish(gen_random_uuid(), 'returned', '', now())",
        "SELECT * FROM journal.event",
    ],
)
def test_the_services_role_can_do_no_more_than_it_must(pg_url, statement):
    async def body():
        async with world(pg_url, opening()) as made:
            await made.ask(100)
            with pytest.raises(Exception, match="permission denied"):
                async with made.service.transaction("U1") as connection:
                    await connection.execute(statement)

    run(body())


def test_the_page_and_its_cookie(pg_url):
    async def body():
        async with world(pg_url, opening(fen=10_000)) as made, made.http() as http:
            page = await http.get("/")
            assert "script-src 'self'" in page.headers["content-security-policy"]
            assert "http://" not in page.text
            assert "https://" not in page.text
            begun = await http.post("/session", data={"token": made.issuer.token("U1")})
            assert begun.status_code == 303
            cookie = begun.headers["set-cookie"]
            assert all(word in cookie for word in ("HttpOnly", "SameSite=strict", "Secure"))
            session = (await http.get("/me/session")).json()
            forged = await http.post("/me/withdrawals", json=ASK, headers=key())
            assert (forged.status_code, forged.json()["code"]) == (403, "CSRF_INVALID")
            done = await http.post("/me/withdrawals", json=ASK, headers=key() | {"X-CSRF-Token": session["csrf"]})
            assert done.status_code == 201
            bad = await http.post("/session", data={"token": made.issuer.token("night", role="operator")})
            assert bad.status_code == 403

    run(body())


def test_too_many_requests_of_one_caller(pg_url):
    async def body():
        async with world(pg_url, opening()) as made, made.http(writes=Buckets(0.001, 3)) as http:
            me = made.issuer.bearer("U1")
            codes = [(await http.post("/me/withdrawals/quote", json=ASK, headers=me)).status_code for _ in range(5)]
            assert codes == [200, 200, 200, 429, 429]
            other = await http.post("/me/withdrawals/quote", json=ASK, headers=made.issuer.bearer("U2"))
            assert other.status_code == 404

    run(body())


def test_operators_see_counts_and_no_person(pg_url):
    async def body():
        async with world(pg_url, opening()) as made, made.http() as http:
            await made.ask(1_000)
            operator = made.issuer.bearer("night", role="operator")
            status = (await http.get("/ops/status", headers=operator)).json()
            known = {"stopped": False, "states": {"requested": [1, 1_000]}, "troubles": [], "custody": ""}
            assert status == known | {"longest_due_s": 0}
            made.clock.go(minutes=5)  # and no sender is there
            assert (await http.get("/ops/status", headers=operator)).json()["longest_due_s"] == 300
            metrics = (await http.get("/metrics", headers=operator)).text
            assert 'cutover_withdrawals{state="requested"} 1' in metrics
            assert "cutover_withdrawals_longest_due_seconds 300" in metrics
            assert (await http.get("/healthz")).json() == {"status": "ok"}

    run(body())


def test_when_the_store_is_away_it_says_so_and_nothing_else(pg_url):
    async def body():
        async with world(pg_url, opening()) as made, made.http() as http:
            await made.service.close()
            answer = await http.get("/me/assets", headers=made.issuer.bearer("U1"))
            assert (answer.status_code, answer.json()["code"]) == (503, "SERVICE_UNAVAILABLE")

    run(body())


class TestKeys:
    def test_the_algorithm_is_the_keys(self):
        def pem(key):
            return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

        assert Tokens.of("i", "a", pem(rsa.generate_private_key(65537, 2048))).algorithm == "RS256"
        assert Tokens.of("i", "a", pem(ec.generate_private_key(ec.SECP256R1()))).algorithm == "ES256"
        assert Tokens.of("i", "a", pem(ed25519.Ed25519PrivateKey.generate())).algorithm == "EdDSA"

    @pytest.mark.parametrize("bad", [b"", b"-----BEGIN PUBLIC KEY-----\nxx\n-----END PUBLIC KEY-----\n"])
    def test_anything_else_is_refused(self, bad):
        with pytest.raises(ConfigurationError):
            Tokens.of("i", "a", bad)

    def test_weak_keys_are_refused(self):
        for weak in (
            rsa.generate_private_key(65537, 1024),  # noqa: S505 - refused
            ec.generate_private_key(ec.SECP384R1()),
        ):
            pem = weak.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
            with pytest.raises(ConfigurationError):
                Tokens.of("i", "a", pem)
