"""The documentation holds together: links lead somewhere, every key and command is told of, no foreign path stands in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.main import get_command

from migration.cli import app
from migration.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    ROOT / "sample_data" / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(#[^)\s]+)?\)")


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as they are made where Markdown is shown."""
    found = set()
    for line in re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL).splitlines():
        if heading := re.match(r"#+ (.*)", line):
            plain = re.sub(r"[^\w\- ]", "", heading[1].strip().lower())
            found.add("#" + plain.replace(" ", "-"))
    return found


def broken(page: Path) -> list[str]:
    found = []
    for target, anchor in LINK.findall(page.read_text(encoding="utf-8")):
        place = (page.parent / target).resolve() if target else page
        if not place.exists() or (anchor and place.suffix == ".md" and anchor not in anchors(place)):
            found.append(target + anchor)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    assert broken(page) == []


def test_a_broken_link_is_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A heading · 标题\n[ok](#a-heading--标题) [gone](#b) [away](gone.md) [net](https://example.org)")
    assert broken(page) == ["#b", "gone.md"]


def test_every_key_of_the_configuration_is_told_of() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    keys = {
        f"{section}.{key}"
        for section, info in Settings.model_fields.items()
        for key in info.annotation.model_fields  # type: ignore[union-attr]
    }
    told = set(re.findall(r"`([a-z_]+\.[a-z_]+)`", page))
    assert sorted(keys - told) == []
    sections = set(Settings.model_fields)
    assert sorted(key for key in told - keys - {"cutover.toml"} if key.partition(".")[0] in sections) == []


def test_every_variable_of_the_environment_is_told_of() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    read = set()
    for room in ("migration", "dags"):
        for path in sorted((ROOT / room).rglob("*.py")):
            text = path.read_text(encoding="utf-8")
            read.update(re.findall(r"environ(?:\.get\(|\[)\"(CUTOVER_[A-Z_]+)\"", text))
            read.update(re.findall(r"^(?:VARIABLE|FAILPOINT)(?:: Final)? = \"(CUTOVER_[A-Z_]+)\"", text, re.MULTILINE))
    assert len(read) >= 8
    assert (
        sorted(name for name in read - {"CUTOVER_ENGINE"} if f"`{name}`" not in page) == []
    )  # that one is for tests only


def test_commands_in_the_docs_exist() -> None:
    known = set(get_command(app).commands)  # type: ignore[attr-defined]
    told = set()
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        told.update(re.findall(r"^(?:\$ )?(?:\.venv/bin/)?cutover ([a-z]+)", text, re.MULTILINE))
        told.update(re.findall(r"`cutover ([a-z]+)[ `]", text))
    assert len(told) > 10
    assert sorted(told - known) == []


def test_no_path_of_a_machine_stands_in_the_docs() -> None:
    foreign = re.compile(r"/(?:work|home|root|Users)/")
    assert [page.name for page in PAGES if foreign.search(page.read_text(encoding="utf-8"))] == []
