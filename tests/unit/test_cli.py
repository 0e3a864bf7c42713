"""The command line as a new user meets it: help, typical mistakes, what is printed to be copied. No store is opened."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from migration import cli
from migration.commands import decisions, evidence, sandbox, screen
from migration.commands.shared import Place, whole
from migration.domain.errors import InputRefused
from migration.stages.order import STAGES
from migration.verification.evidence import Check, Plant, Verification

SAMPLE = Path(__file__).resolve().parents[2] / "sample_data" / "cutover.toml"
DIGEST = "0123456789abcdef" * 4


@pytest.fixture(autouse=True)
def _nothing_configured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CUTOVER_CONFIG", raising=False)
    monkeypatch.setattr(Place, "config", None)


def call(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """`cutover WORDS...`; its exit code."""
    monkeypatch.setattr(sys, "argv", ["cutover", *words])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


MISTAKES = [
    (["status"], {}, "CONFIG_MISSING cutover.toml"),
    (["status", "--config", "gone.toml"], {}, "CONFIG_MISSING gone.toml"),
    (["--config=gone.toml", "status"], {}, "CONFIG_MISSING gone.toml"),
    (["run", "--until", "nowhere"], {}, "STAGE_UNKNOWN nowhere"),
    (["stage", "nowhere"], {}, "STAGE_UNKNOWN nowhere"),
    (["passport"], {}, "PASSPORT_KEY passport"),
    (["report", "--out", "x", "--kind", "final"], {}, "REPORT_KIND final"),
    (["report", "--out", "x", "--language", "fr"], {}, "REPORT_LANGUAGE fr"),
    (["verify", "--language", "fr"], {}, "REPORT_LANGUAGE fr"),
    (["report", "--out", "x", "--compare", "gone.json"], {}, "REPORT_COMPARE gone.json"),
    (["corrections", "gone.csv", "--as", "somebody"], {}, "CORRECTION_FILE gone.csv"),
    (["reject", "accounts", "--digest", "d", "--as", "somebody", "--reason", " "], {}, "REASON_EMPTY --reason"),
    (
        ["status", "--config", str(SAMPLE)],
        {"CUTOVER__BANK__ROWS_PER_FIEL": "3"},
        "CONFIG_KEY_UNKNOWN bank.rows_per_fiel",
    ),
    (["status", "--config", str(SAMPLE)], {"CUTOVER__BANK__ROWS_PER_FILE": "many"}, "CONFIG_VALUE bank.rows_per_file"),
    (["run", "--config", str(SAMPLE), "--approve-as", " "], {}, "NAME_EMPTY --as"),
    (
        ["run", "--config", str(SAMPLE), "--approve-as", "somebody"],
        {"CUTOVER__CUTOVER__KIND": "production"},
        "APPROVE_AS_PRODUCTION --approve-as",
    ),
]


@pytest.mark.parametrize(("words", "environment", "expected"), MISTAKES, ids=[m[2].replace(" ", "-") for m in MISTAKES])
def test_a_mistake_ends_with_exit_2_and_its_code(
    words: list[str],
    environment: dict[str, str],
    expected: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert call(monkeypatch, *words) == 2
    told = capsys.readouterr()
    assert told.err.startswith(expected)
    assert told.out == ""
    assert list(tmp_path.iterdir()) == [], "nothing is left behind"


def test_an_unforeseen_error_tells_type_and_place_but_not_its_text(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: list[str]) -> list[str]:
        raise RuntimeError("110101199003071233")

    monkeypatch.setattr(cli, "_take_config", fail)
    assert call(monkeypatch, "status") == 1
    told = capsys.readouterr().err
    assert told.startswith("UNEXPECTED RuntimeError at test_cli.py")
    assert "110101" not in told


def commands(app: Any, prefix: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for command in app.registered_commands:
        yield (*prefix, command.name or command.callback.__name__)
    for group in app.registered_groups:
        yield from commands(group.typer_instance, (*prefix, group.name))


def test_every_command_and_every_option_has_a_help_text() -> None:
    listed = list(commands(cli.app))
    assert len(listed) >= 17
    for words in listed:
        shown = CliRunner().invoke(cli.app, [*words, "--help"], env={"COLUMNS": "200", "TERM": "dumb"})
        assert shown.exit_code == 0
        rows = [line.strip("│ ") for line in shown.output.splitlines() if line.startswith("│")]
        for row in rows:  # `*  --digest  <str>  What it is`
            cells = [cell for cell in row.lstrip("* ").split("  ") if cell.strip() not in {"", "[required]"}]
            assert len(cells) > 2 or not row.lstrip("* ").startswith("--"), f"{' '.join(words)}: {row}"


def test_status_prints_the_whole_digest_however_narrow_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    found = {
        "cutover": "c",
        "kind": "rehearsal",
        "business_date": "2017-11-18",
        "round": 1,
        "done": False,
        "stages": [],
        "approvals": [{"gate": "listings.full", "digest": DIGEST, "needed": 2, "given": ["a"]}],
        "exceptions": [],
        "bank": [{"request": "3005-BID-000007-20171118", "since": None, "answer_from": None}],
        "results_awaited": ["3005-BID-000007-20171118"],
    }
    screen.show_status(found)
    told = capsys.readouterr().out
    assert f"cutover approve listings.full --digest {DIGEST} --as NAME" in told
    assert "3005-BID-000007-20171118" in told
    assert all(stage in told for stage in STAGES)


class Journal:
    """What the decisions ask of a journal."""

    def __init__(self) -> None:
        self.signed: list[str] = []

    def gates(self) -> list[Any]:
        gate = {"gate": "accounts", "needed": 1, "given": ()}
        return [
            SimpleNamespace(**gate, digest="f" * 64, state="superseded"),
            SimpleNamespace(**gate, digest=DIGEST, state="pending"),
        ]

    def sign(self, ids: list[str], _name: str, _reason: str) -> None:
        self.signed += ids

    def exceptions(self) -> Any:
        keys = [("X1", "L1"), ("X2", "L2" + "0" * 60), ("X3", "L3")]
        rows = [
            {"id": i, "entity": "listings", "key": k, "code": "SCHEDULE_MISMATCH", "amount_fen": 5}
            | {"state": "signed" if i in self.signed else "mended" if i == "X3" else "open"}
            for i, k in keys
        ]
        return SimpleNamespace(to_pylist=lambda: rows)


@pytest.fixture
def journal(monkeypatch: pytest.MonkeyPatch) -> Journal:
    held = Journal()

    @contextmanager
    def desk() -> Iterator[Any]:
        yield SimpleNamespace(begin=lambda: None, house=SimpleNamespace(journal=held))

    monkeypatch.setattr(decisions, "desk", desk)
    return held


def test_approvals_give_the_command_for_what_is_pending_only(
    journal: Journal, capsys: pytest.CaptureFixture[str]
) -> None:
    decisions.approvals(json=False)
    told = capsys.readouterr().out
    assert [line for line in told.splitlines() if line.startswith("cutover")] == [
        f"cutover approve accounts --digest {DIGEST} --as NAME"
    ]


def test_exceptions_are_listed_whole_and_counted(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    decisions.exceptions(json=False)
    told = capsys.readouterr().out
    assert "…" not in told
    assert "2 open, 0 signed" in told


def test_signing_says_how_many_and_what_is_left(journal: Journal, capsys: pytest.CaptureFixture[str]) -> None:
    decisions.exceptions(json=False, sign=["X1"], name="somebody", reason="agreed")
    assert journal.signed == ["X1"]
    assert capsys.readouterr().out.strip() == "1 signed, 0 to be sent again; now 1 open, 1 signed"


def test_a_faulty_line_of_corrections_is_told_with_the_name_of_its_file(journal: Journal, tmp_path: Path) -> None:
    path = tmp_path / "round-2.csv"
    path.write_text("user_id,field,old,new,reason,by\nU1,name\n", encoding="utf-8")
    with pytest.raises(InputRefused) as refused:
        decisions.corrections(path, "operations")
    assert [r.subject for r in refused.value.reasons] == ["round-2.csv:2"]


def test_generating_says_how_much_and_keeps_the_truth_in_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truth = tmp_path / "deep" / "truth.json"
    sandbox.generate(200, 40, 300, 5, f"sqlite:///{tmp_path}/p.sqlite", "H1,H3", truth)
    told = capsys.readouterr().out
    assert len(told.splitlines()) < 15
    assert "planted: H1 " in told
    assert str(truth) in told
    assert set(json.loads(truth.read_text())["planted"]) == {"H1", "H3"}


class Short(io.RawIOBase):
    """A pipe whose writes are cut short."""

    def __init__(self) -> None:
        self.taken = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, text: Any) -> int:
        self.taken += bytes(text[:7])
        return min(7, len(text))


def test_a_long_text_is_whole_on_an_unbuffered_output_whose_writes_are_cut_short() -> None:
    pipe, text = Short(), '{"total": "一万元", "accounts": 611}'
    unbuffered = io.TextIOWrapper(pipe, "utf-8", write_through=True)
    print(text, file=whole(unbuffered), flush=True)
    assert pipe.taken.decode() == text + "\n"
    buffered = io.TextIOWrapper(io.BytesIO())
    assert whole(buffered) is buffered


@pytest.mark.parametrize(
    ("language", "told", "not_told"),
    [
        ("zh", ["debts.rows 逐笔债权", "看不到", "法定文件", "7 种中发现 6 种"], ["every debt", "paper", "seen"]),
        ("en", ["debts.rows every debt", "it does not see", "the paper", "6 of 7 seen"], ["逐笔债权", "看不到"]),
    ],
)
def test_a_verification_is_told_in_the_readers_language(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    language: str,
    told: list[str],
    not_told: list[str],
) -> None:
    monkeypatch.setattr(evidence, "OUT", Console(width=200))
    check = Check("debts.rows", "逐笔债权", "every debt", "all", "the paper", "法定文件", 5, 0)
    plants = [Plant(f"p{n}", "错", "wrong", planted=True, unseen=("x",) * (n == 1)) for n in range(7)]
    evidence._show(Verification((check,), tuple(plants), final=True), language)
    out = capsys.readouterr().out
    assert [word for word in told if word not in out] == []
    assert [word for word in not_told if word in out] == []
