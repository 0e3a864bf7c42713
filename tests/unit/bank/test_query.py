"""What the wire and the bank can do to a question, against the sandbox's real HTTPS: asked again, waited, or refused.

A question changes nothing at the bank, so a lost answer may be asked for again, with a number of its own. An answer that
cannot be believed is refused at once.
"""

from __future__ import annotations

import itertools
import json
import shutil
import socket
from types import SimpleNamespace

import pytest

from migration.bank import told
from migration.bank.query import Patience, trusting
from migration.bank.signing import load_checker
from migration.clock import FakeClock
from migration.domain.errors import CouldNotCheck, CutoverError, TransientError, Waiting
from migration.sandbox.bank.query_keys import prepare
from migration.sandbox.bank.query_server import serving
from tests.support.asking import client

BODY = {"idType": "01", "idNo": "110101199003074119"}
TX = "accountIdQuery"
PATIENCE = Patience(timeout_s=0.4, tries=3, pause_s=0.5)
LOST = ("timeout", "502", "504", "reset", "drip")
_rules, _questions = itertools.count(), itertools.count()


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The counter over empty books, its keys and its plan."""
    folder = tmp_path_factory.mktemp("bank")
    plan = folder / "faults.json"
    plan.write_text("{}")
    prepare(folder / "state" / "query")
    with serving(folder / "state", plan) as (url, desk):
        yield SimpleNamespace(url=url, desk=desk, plan=plan, keys=folder / "state" / "query")


@pytest.fixture(scope="module")
def others_keys(tmp_path_factory):
    """Another bank's certificate and key."""
    folder = tmp_path_factory.mktemp("other") / "query"
    prepare(folder)
    return folder


@pytest.fixture
def desk(served):
    """`ask(how, times)`: a question while the bank does that; what came of it stands in the rest."""
    served.desk.asked.clear()
    clock = FakeClock()
    values = {"patience": PATIENCE, "numbers": _questions.__next__}

    def ask(how=None, times=1, seconds=2.0, tx=TX, body=BODY):
        rule = {"id": f"r{next(_rules)}", "match": tx, "how": how, "times": times, "seconds": seconds}
        served.plan.write_text(json.dumps({"query": [rule] if how else []}))
        one = client(served.url, served.keys, clock, **values)
        try:
            return one.ask(tx, body)
        finally:
            one.close()

    return SimpleNamespace(
        ask=ask,
        values=values,
        numbers=lambda: [m["seqNo"] for m in served.desk.asked],
        waited=lambda: sum(clock.slept),
        **vars(served),
    )


def stopped(desk, kind, how, **options):
    """The code of the error; it says nothing of the person asked about."""
    with pytest.raises(kind) as caught:
        desk.ask(how, **options)
    error: CutoverError = caught.value
    (reason,) = error.reasons
    told_of = " ".join((str(error), repr(error), reason.subject, reason.detail, reason.mend))
    assert BODY["idNo"] not in told_of
    assert desk.url not in told_of
    return reason.code


@pytest.mark.parametrize("how", LOST)
def test_a_lost_answer_is_asked_for_again_with_another_number(desk, how):
    assert told.state(desk.ask(how)) == "absent"
    assert len(set(desk.numbers())) == len(desk.numbers()) == 2
    assert desk.waited() >= PATIENCE.pause_s


@pytest.mark.parametrize("how", LOST)
def test_lost_at_every_try_it_is_said_to_be_unavailable(desk, how):
    assert stopped(desk, TransientError, how, times=99) == "QUERY_UNAVAILABLE"
    assert len(desk.numbers()) == PATIENCE.tries


def test_a_counter_that_takes_the_call_and_never_says_a_word(desk):
    """The time-out before anything happened: the question has not even been heard."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        one = client(f"https://127.0.0.1:{silent.getsockname()[1]}/query", desk.keys, FakeClock(), **desk.values)
        with pytest.raises(TransientError) as caught:
            one.ask(TX, BODY)
        one.close()
    assert caught.value.reasons[0].code == "QUERY_UNAVAILABLE"
    assert desk.numbers() == []


def test_nobody_there(desk):
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    one = client(f"https://127.0.0.1:{port}/query", desk.keys, FakeClock(), **desk.values)
    with pytest.raises(TransientError):
        one.ask(TX, BODY)
    one.close()


@pytest.mark.parametrize("how", ["duplicate", "unknown", "rate"])
def test_told_to_ask_again(desk, how):
    """A number said to be used on its first use, "I cannot say", "less often": asked again, later, by a new number."""
    assert told.state(desk.ask(how, times=2)) == "absent"
    assert len(set(desk.numbers())) == 3
    assert desk.waited() >= 3 * PATIENCE.pause_s, "each pause longer than the one before"


@pytest.mark.parametrize(("how", "code"), [("rate", "QUERY_RATE"), ("unknown", "QUERY_UNAVAILABLE")])
def test_told_so_at_every_try(desk, how, code):
    assert stopped(desk, TransientError, how, times=99) == code


def test_the_day_cut_is_waited_for_and_not_knocked_at(desk):
    assert stopped(desk, Waiting, "day_cut") == "QUERY_DAY_CUT"
    assert len(desk.numbers()) == 1


@pytest.mark.parametrize(
    ("how", "state"), [("processing", "processing"), ("window", "processing"), ("not_found", "absent")]
)
def test_no_answer_yet_is_an_answer(desk, how, state):
    assert told.state(desk.ask(how)) == state
    assert len(desk.numbers()) == 1


def test_an_old_answer_is_refused_at_once(desk):
    desk.ask()
    assert stopped(desk, CouldNotCheck, "replay") == "QUERY_REPLAYED"
    assert len(desk.numbers()) == 2


def test_an_answer_about_somebody_else_is_refused(desk, monkeypatch):
    """The header is echoed, the person is another one."""
    real = type(desk.desk)._body
    monkeypatch.setattr(type(desk.desk), "_body", lambda *given: {**real(*given), "idNo": "110101199003070003"})
    assert stopped(desk, CouldNotCheck, None) == "QUERY_REPLAYED"


def test_a_reply_in_another_hand_is_refused_at_once(desk):
    assert stopped(desk, CouldNotCheck, "signature", times=99) == "QUERY_SIGNATURE"
    assert len(desk.numbers()) == 1


def test_the_bank_s_key_has_changed(desk, others_keys):
    desk.values["checker"] = load_checker("rsa-sha256", others_keys / "bank.pem")
    assert stopped(desk, CouldNotCheck, None) == "QUERY_SIGNATURE"
    assert len(desk.numbers()) == 1


def test_the_server_s_certificate_has_changed(desk, others_keys):
    """Not a word is said to a server that is not the bank's."""
    desk.values["trust"] = trusting(others_keys / "tls.pem")
    assert stopped(desk, CouldNotCheck, None) == "QUERY_TLS"
    assert desk.numbers() == []


def test_the_bank_does_not_know_our_key(desk, others_keys, tmp_path):
    """It refuses the question; its code is shown, and it is not asked again."""
    mixed = shutil.copytree(desk.keys, tmp_path / "mixed")
    shutil.copy(others_keys / "platform.p12", mixed / "platform.p12")
    one = client(desk.url, mixed, FakeClock(), **desk.values)
    with pytest.raises(CouldNotCheck) as caught:
        one.ask(TX, BODY)
    one.close()
    assert (caught.value.reasons[0].code, len(desk.numbers())) == ("QUERY_REFUSED", 1)


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"{", b"null", b'{"retCode":"00000000"}', b"\xff\xfe", b'{"sign":"x","sign":"y"}', b"[" * 100_000],
)
def test_what_is_no_signed_message_is_refused(desk, monkeypatch, content):
    monkeypatch.setattr("migration.sandbox.bank.query_desk._signed", lambda *_: content)
    assert stopped(desk, CouldNotCheck, None) == "QUERY_REPLY"


def test_an_endless_reply_is_cut_off(desk, monkeypatch):
    monkeypatch.setattr("migration.sandbox.bank.query_desk._signed", lambda *_: b" " * 5_000_000)
    desk.values["patience"] = Patience(timeout_s=10, tries=1)
    assert stopped(desk, CouldNotCheck, None) == "QUERY_REPLY"
