"""What this version cannot do is refused before anything is opened, and docs/adr/0007 names exactly that."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from migration import wiring
from migration.domain.errors import ConfigurationError
from migration.settings import load

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "sample_data" / "cutover.toml"
PAGE = ROOT / "docs" / "adr" / "0007-refuse-what-is-not-supported.md"
VALUES = {
    "bank.transport": {
        "CUTOVER__BANK__TRANSPORT": "sftp",
        "CUTOVER__BANK__HOST": "bank.example",
        "CUTOVER__BANK__USERNAME": "platform",
        "CUTOVER__BANK__KEY_FILE": "key",
        "CUTOVER__BANK__KNOWN_HOST_KEY": "ssh-ed25519 AAAA",
    },
    "bank.query_url": {"CUTOVER__BANK__QUERY_URL": "https://bank.example/query"},
    "policy.carry_authorisations": {"CUTOVER__POLICY__CARRY_AUTHORISATIONS": "true"},
    "policy.late_change": {"CUTOVER__POLICY__LATE_CHANGE": "delta"},
    "policy.overdue": {"CUTOVER__POLICY__OVERDUE": "repaid_by_guarantor"},
}
"""Key -> the environment that sets it to something else than the sample's value."""


class Passed(Exception):
    """The configuration was accepted."""


def answer(key: str, workspace: Path) -> tuple[str, str, int] | None:
    """How a command with this configuration ends; None when it goes on to open the store."""
    found = load(SAMPLE, {**VALUES[key], "CUTOVER__CUTOVER__WORKSPACE": str(workspace)})
    try:
        wiring.desk(found, actor="test")
    except ConfigurationError as error:
        return error.reasons[0].code, error.reasons[0].subject, error.exit_code
    except Passed:
        return None
    raise AssertionError(key)


def test_the_page_names_what_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(_: object) -> None:  # opening the store for real would start a PostgreSQL
        raise Passed

    monkeypatch.setattr(wiring, "store_url", stop)
    told = set(re.findall(r"^\| `([a-z_.]+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    for key in VALUES:
        workspace = tmp_path / key
        expected = ("CONFIG_NOT_SUPPORTED", key, 2) if key in told else None
        assert answer(key, workspace) == expected
        assert workspace.exists() == (expected is None), "nothing is made before the configuration is accepted"
    assert told < set(VALUES)
