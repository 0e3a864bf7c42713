"""Every bad result file (reliability.md, Files), each kind of file: no row applied, no word about people; then the good
one in its place, and the cutover stands where it would have stood without the bad one."""

from __future__ import annotations

import os

import pytest

from tests.faults import kit
from tests.faults.kit import Checkpoint

HARMLESS = {"reorder", "code", "code22"}  # no breach of a rule: other order, another answer
ANYWHERE = (
    "blank_code", "bom", "double", "echo", "empty", "encoding", "fullwidth", "header", "lone_cr", "longer", "missing",
    "mixed_eol", "nul", "truncate", "unknown",
)  # fmt: skip
OWN = {
    "person": ("account", "account_blank", "account_prefix", "account_short", "account_twice", "acctype"),
    "company": ("account", "account_blank", "account_prefix", "account_short", "account_twice", "acctype"),
    "debt": ("blank_authcode", "authcode_twice"),
}
CASES = [(kind, how) for kind in kit.KINDS for how in (*ANYWHERE, *OWN.get(kind, ()))]
FIELDS = [
    ("person", "CARDNBR", b"", "RESULT_ACCOUNT_NUMBER"),  # success without a number
    ("listing", "INPDATE", b"20171117", "RESULT_HEADER"),  # of the day before
    ("debt", "DEALDATE", b"20171117", "RESULT_HEADER"),
    ("listing", "BATCH", b"000099", "RESULT_HEADER"),
    ("debt", "BATCH", b"000099", "RESULT_HEADER"),
    ("authorisation", "BATCH", b"000099", "RESULT_HEADER"),
    ("listing", "BANK", b"3006", "RESULT_HEADER"),
    ("listing", "AMOUNT", b"0000000000001", "RESULT_ECHO"),
    ("debt", "AMOUNT", b"0000000000001", "RESULT_ECHO"),
    ("debt", "CARDNBR", b"6212460000000000016", "RESULT_ECHO"),
]


@pytest.fixture(scope="module")
def points(tmp_path_factory):
    """The checkpoints, made when first asked for; beside each, what the good file alone makes of it."""
    made: dict[str, Checkpoint] = {}

    def of(kind: str) -> Checkpoint:
        if kind not in made:
            point = made[kind] = Checkpoint(tmp_path_factory.mktemp(kind), kind)
            point.again()
            point.before = point.rows()  # type: ignore[attr-defined]
            assert point.take(point.clean).code == ""
            point.after = point.rows()  # type: ignore[attr-defined]
            assert point.after != point.before  # type: ignore[attr-defined]
            point.secrets = kit.canaries(point.world.exports()) | SECRETS  # type: ignore[attr-defined]
        made[kind].again()
        return made[kind]

    return of


SECRETS = {name.encode("gbk").decode("latin-1") for name in kit.NAMES}  # the bank's bytes, printed as they are


def refused(point, content: bytes) -> kit.Heard:
    """No row applied, quarantined with a note, no canary; the good file in its place: as if nothing had been."""
    heard = point.take(content)
    assert heard.code == "RESULT_QUARANTINED", heard.text[-600:]
    assert point.rows() == point.before
    assert point.state().state == "quarantined"
    assert not point.place.exists()
    assert [p.suffix == ".json" for p in point.kept()].count(True) == 1
    assert heard.leaks(point.secrets) == set()
    good = point.take(point.clean)
    assert good.code == ""
    assert point.rows() == point.after
    assert good.leaks(point.secrets) == set()
    return heard


@pytest.mark.parametrize(("kind", "how"), CASES)
def test_bad_then_good(points, kind, how):
    point = points(kind)
    content = point.spoilt(how)
    assert content is not None
    refused(point, content)


def test_the_cases_are_all_the_sandbox_can_do_to_a_file():
    from migration.sandbox.bank.corruptions import HOWS

    assert {how for _, how in CASES} == set(HOWS) - HARMLESS - {"replay"}  # replayed ones have tests of their own


@pytest.mark.parametrize(("kind", "field", "value", "code"), FIELDS)
def test_one_field_wrong(points, kind, field, value, code):
    point = points(kind)
    assert code in refused(point, point.put(field, value)).text


def without_record(items):
    """All of the items but the place of their answer."""
    return {entity: [{**row, "result_record": None} for row in rows] for entity, rows in items.items()}


def mine(point, items):
    """The items that the batch in question answered."""
    number = (point.batch.business_date, point.batch.batch_no)
    return [row for rows in items.values() for row in rows if (row["business_date"], row["batch_no"]) == number]


@pytest.mark.parametrize("kind", kit.KINDS)
def test_rows_in_another_order_give_the_same(points, kind):
    point = points(kind)
    lines = point.clean.splitlines(keepends=True)
    assert point.take(b"".join(reversed(lines))).code == ""
    assert without_record(point.rows()) == without_record(point.after)
    answered = {(r["key"], r["result_record"]) for r in mine(point, point.rows())}
    assert answered == {
        (r["key"], len(lines) + 1 - r["result_record"]) for r in mine(point, point.after)
    }  # where each stands now


@pytest.mark.parametrize(("kind", "other"), [("person", "company"), ("company", "person")])
def test_persons_and_companies_swapped(points, kind, other):
    foreign = points(other).clean
    refused(points(kind), foreign)


def test_an_earlier_answer_under_this_name(points):
    """Replayed: the persons' answers as the companies'; a listing's of the day before; nothing of either is applied."""
    persons = points("person").clean
    refused(points("company"), persons)
    point = points("listing")
    refused(point, point.clean.replace(b"20171118", b"20171117"))


def test_a_number_that_an_earlier_file_gave_to_somebody_else(points):
    """Contradicting an earlier file: the company gets the account of a person opened before."""
    persons = points("person").clean
    point = points("company")
    heard = refused(point, point.put("CARDNBR", persons[:19]))
    assert "RESULT_ACCOUNT_TAKEN" in heard.text


@pytest.mark.parametrize("kind", kit.KINDS)
def test_cut_at_every_byte(points, kind):
    """At the records' edges and beside them, through the stage; every single byte in tests/unit/bank."""
    point = points(kind)
    unit = len(point.clean) // point.batch.rows
    cuts = [n * unit for n in range(point.batch.rows)] + [1, unit - 1, unit + 1, len(point.clean) - 1]
    for length in cuts:
        point.again()
        assert point.take(point.clean[:length]).code == "RESULT_QUARANTINED", length
        assert point.rows() == point.before, length


@pytest.mark.parametrize("kind", kit.KINDS)
def test_picked_up_while_it_is_being_written(points, kind):
    """A file that still grows is neither applied nor quarantined: it is waited for."""
    point = points(kind)
    now = point.world.clock.now().timestamp()
    point.place.parent.mkdir(parents=True, exist_ok=True)
    for length in (0, 1, len(point.clean) // 2, len(point.clean) - 1):
        point.place.write_bytes(point.clean[:length])
        os.utime(point.place, (now, now))
        assert point.take(None).code in {"RESULT_MISSING", ""}, length  # companies are not waited for
        assert point.rows() == point.before, length
        assert point.kept() == []
    assert point.take(point.clean).code == ""
    assert point.rows() == point.after


@pytest.mark.parametrize("kind", kit.KINDS)
def test_the_same_file_twice_is_nothing(points, kind):
    point = points(kind)
    for _ in range(2):
        assert point.take(point.clean).code == ""
        assert point.rows() == point.after


@pytest.mark.parametrize("kind", kit.KINDS)
def test_other_content_under_a_used_name_stops_the_next_run(points, kind):
    point = points(kind)
    assert point.take(point.clean).code == ""
    point.place.write_bytes(point.spoilt("echo") or b"")
    assert point.world.run() == 3
    assert point.world.codes == ["RESULT_CONTRADICTS"]
    assert point.rows() == point.after
    assert kit.Heard("", point.told()).leaks(point.secrets) == set()


@pytest.mark.parametrize("how", ["outside", "inside", "folder"])
def test_a_link_in_place_of_a_result_is_not_followed(points, tmp_path, how):
    point = points("debt")
    target = (tmp_path if how == "outside" else point.place.parent) / "elsewhere"
    if how == "folder":
        point.place.mkdir()
    else:
        target.write_bytes(point.clean)
        point.place.symlink_to(target)
    heard = point.take(None)
    assert heard.code == "FILE_UNSAFE"
    assert point.rows() == point.before
    assert heard.leaks(point.secrets) == set()
    point.place.rmdir() if how == "folder" else point.place.unlink()
    target.unlink(missing_ok=True)
    assert point.take(point.clean).code == ""
    assert point.rows() == point.after


def test_all_of_them_one_after_the_other_and_the_end_is_that_of_the_clean_run(points, tmp_path):
    clean = kit.clean_end(tmp_path)
    for kind in kit.KINDS:
        point = points(kind)
        spoilt = [point.spoilt(how) for k, how in CASES if k == kind]
        for content in spoilt[::4]:
            assert point.take(content).code == "RESULT_QUARANTINED"
        assert point.take(point.clean).code == ""
        assert point.finish() == 0, (kind, point.world.reasons)
        exports = point.world.exports()
        assert {n: t.to_pylist() for n, t in exports.items()} == {n: t.to_pylist() for n, t in clean.exports().items()}
        assert point.world.balance() == clean.balance()
        assert point.world.sent() == clean.sent()
        point.world.clock.bank = None


def test_the_canaries_would_be_heard():
    """The detector sees each kind of value in each place it is looked for."""
    for secret in ("金丝雀甲", kit.CARDS[0], kit.platform()["users"][0]["id_no"], "13800000001"):
        assert kit.Heard("", f"RESULT_ECHO x#1: field NAME {secret}").leaks({secret}) == {secret}
