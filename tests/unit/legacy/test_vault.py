"""The data key: made once, kept private, and refused when it is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from migration.domain.errors import ConfigurationError, CouldNotCheck
from migration.legacy.vault import Vault

if TYPE_CHECKING:
    from pathlib import Path

KEY = "00" * 31 + "ff"


def test_the_key_is_made_once_and_only_the_owner_may_read_it(tmp_path: Path) -> None:
    first = Vault.open(tmp_path, {})
    assert Vault.open(tmp_path, {}).key == first.key
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "keys" / "data.key").stat().st_mode & 0o777 == 0o600
    assert [p.name for p in (tmp_path / "keys").iterdir()] == ["data.key"]
    assert Vault.open(tmp_path / "other", {}).key != first.key


def test_the_environment_goes_first_and_leaves_no_file(tmp_path: Path) -> None:
    vault = Vault.open(tmp_path, {"CUTOVER_DATA_KEY": KEY})
    assert vault.key == bytes.fromhex(KEY)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["", "abc", KEY[:-1], KEY + "00", "zz" * 32])
def test_what_is_no_key_is_refused_and_not_shown(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^DATA_KEY_INVALID CUTOVER_DATA_KEY") as caught:
        Vault.open(tmp_path, {"CUTOVER_DATA_KEY": text})
    assert not text or text not in str(caught.value)


def test_a_damaged_key_file_is_not_replaced(tmp_path: Path) -> None:
    Vault.open(tmp_path, {})
    (tmp_path / "keys" / "data.key").write_text("gone")
    with pytest.raises(ConfigurationError, match="DATA_KEY_INVALID"):
        Vault.open(tmp_path, {})


def test_sealed_content_comes_back_and_shows_nothing(tmp_path: Path) -> None:
    vault = Vault.open(tmp_path, {})
    sealed = vault.seal("张三 13800138000".encode(), b"file-1")
    assert "张三".encode() not in sealed
    assert vault.seal(b"same") != vault.seal(b"same")
    assert vault.unseal(sealed, b"file-1").decode() == "张三 13800138000"


@pytest.mark.parametrize("change", ["flip", "cut", "context", "key", "magic"])
def test_changed_content_is_could_not_check(tmp_path: Path, change: str) -> None:
    vault = Vault.open(tmp_path, {})
    sealed, context = bytearray(vault.seal(b"content", b"a")), b"a"
    if change == "flip":
        sealed[-1] ^= 1
    elif change == "cut":
        del sealed[10:]
    elif change == "magic":
        sealed[0] ^= 1
    elif change == "context":
        context = b"b"
    else:
        vault = Vault(bytes(32))
    with pytest.raises(CouldNotCheck, match="SEALED_DAMAGED"):
        vault.unseal(bytes(sealed), context)


def test_the_key_shows_nowhere(tmp_path: Path) -> None:
    vault = Vault.open(tmp_path, {})
    assert vault.key.hex() not in repr(vault)
    assert vault.key_id not in vault.key.hex()
    assert vault.derive("a") != vault.derive("b")
