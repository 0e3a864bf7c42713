"""Loading the configuration: `cutover.toml`, then `CUTOVER__SECTION__KEY` over it (contract.md section 1).

A key nobody knows, a value of the wrong type and a missing required key are all told at once, each by its dotted name,
as a ConfigurationError: CONFIG_MISSING, CONFIG_SYNTAX, CONFIG_KEY_UNKNOWN, CONFIG_VALUE, CONFIG_REQUIRED. Messages
never repeat a URL's credentials. Fractions stay exact: TOML's text becomes Decimal, never a float.
"""

from __future__ import annotations

import difflib
import json
import os
import re
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, get_args, get_origin

from pydantic import ValidationError

from migration.domain.errors import ConfigurationError
from migration.domain.findings import Finding
from migration.domain.tables import SNAPSHOT
from migration.sections import NEEDS, REFUSED, Settings, flat

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic_core import ErrorDetails

__all__ = ["Settings", "load", "masked"]

DEFAULT_PATH: Final = Path("cutover.toml")
PREFIX: Final = "CUTOVER__"
_SHOWN: Final = 40  # characters of a refused value
_SECRET: Final = frozenset({"legacy.url", "store.url", "bank.query_url"})


def load(path: Path | None = None, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the file (default: `cutover.toml` in the current folder), then the environment over it.

    ConfigurationError with every fault found.
    """
    raw = _read(path or DEFAULT_PATH)
    origins = _overlay(raw, environ)
    faults = _unknown(raw, origins)
    try:
        settings = Settings.model_validate(raw)
    except ValidationError as error:
        faults += [_fault(detail, origins) for detail in error.errors(include_url=False)]
    if faults:
        raise ConfigurationError(*faults)
    return settings


def masked(url: str) -> str:
    """Show a URL in messages: without password and without its query, which may carry one."""
    plain = re.sub(r"[?#].*", "", url, flags=re.DOTALL)
    return re.sub(r"//([^:/@]*):.*@", r"//\1:***@", plain, flags=re.DOTALL)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except FileNotFoundError:
        raise ConfigurationError.of(
            "CONFIG_MISSING", str(path), "there is no such file", "write one, or name it with --config"
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError.of("CONFIG_SYNTAX", str(path), f"this is no TOML: {error}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError.of(
            "CONFIG_MISSING", str(path), f"it cannot be read as UTF-8 text ({type(error).__name__})"
        ) from None


def _overlay(raw: dict[str, Any], environ: Mapping[str, str]) -> dict[str, str]:
    """Put CUTOVER__SECTION__KEY variables over the file's values; returns dotted key -> variable."""
    origins: dict[str, str] = {}
    for variable in sorted(name for name in environ if name.startswith(PREFIX)):
        dotted = variable.removeprefix(PREFIX).lower().replace("__", ".")
        *folders, last = dotted.split(".")
        place = raw
        for folder in folders:
            inner = place.get(folder)
            place[folder] = place = inner if isinstance(inner, dict) else {}
        place[last] = _from_text(environ[variable], _KINDS.get(dotted, str))
        origins[dotted] = variable
    return origins


def _from_text(text: str, kind: object) -> object:
    """Read a variable as the file would have written it; what does not read stays text and is refused later."""
    if kind is bool:
        return {"true": True, "false": False}.get(text, text)
    if kind is int and re.fullmatch(r"[+-]?[0-9]+", text):
        return int(text)
    if kind is Decimal and re.fullmatch(r"[+-]?[0-9]+(\.[0-9]+)?", text):
        return Decimal(text)
    if kind in {tuple, dict}:
        try:
            return json.loads(text, parse_float=Decimal)
        except ValueError:
            return text
    return text


def _base(annotation: Any) -> object:
    """Strip Annotated and None from a type."""
    arguments = get_args(annotation)
    if get_origin(annotation) is Annotated:
        return _base(arguments[0])
    if type(None) in arguments:
        return _base(next(argument for argument in arguments if argument is not type(None)))
    return get_origin(annotation) or annotation


def _kinds() -> dict[str, object]:
    """Dotted key -> its plain type, for every key there is."""
    found: dict[str, object] = {}
    for section, info in Settings.model_fields.items():
        model: Any = info.annotation
        found |= {f"{section}.{key}": _base(field.annotation) for key, field in model.model_fields.items()}
    columns = [f"{entity}.{column}" for entity, schema in SNAPSHOT.items() for column in schema.names]
    return (
        found
        | {f"legacy.entities.{entity}": str for entity in SNAPSHOT}
        | {f"legacy.formats.{column}": str for column in columns}
        | {f"legacy.values.{column}": dict for column in columns}
    )


_KINDS: Final = _kinds()


def _unknown(raw: dict[str, Any], origins: Mapping[str, str]) -> list[Finding]:
    """Take the keys nobody knows out of `raw`, and say which known one is nearest."""
    faults = []
    for section in [name for name in raw if name not in Settings.model_fields]:
        del raw[section]
        faults.append(_stranger(section, tuple(Settings.model_fields), origins))
    for dotted in [name for name, _ in flat(raw) if "." in name and not _known(name)]:
        place = raw
        *folders, last = dotted.split(".")
        for folder in folders:
            place = place[folder]
        del place[last]
        faults.append(_stranger(dotted, tuple(_KINDS), origins))
    return faults


def _known(dotted: str) -> bool:
    """Whether there is such a key; the codes under legacy.values are the source's own, whatever they look like."""
    if dotted in _KINDS:
        return True
    parts = dotted.split(".", 4)
    return len(parts) > 4 and parts[:2] == ["legacy", "values"] and ".".join(parts[:4]) in _KINDS  # noqa: PLR2004


def _stranger(name: str, known: tuple[str, ...], origins: Mapping[str, str]) -> Finding:
    origin = next((variable for dotted, variable in origins.items() if f"{dotted}.".startswith(f"{name}.")), "")
    where = f"in {origin}" if origin else "in the file"
    return Finding(
        "CONFIG_KEY_UNKNOWN", name, f"there is no such key ({where})", f"did you mean {_nearest(name, known)}?"
    )


def _nearest(name: str, known: tuple[str, ...]) -> str:
    """Prefer keys of the same section, then those that begin alike, then the most similar one."""
    section, _, key = name.rpartition(".")
    near = [other for other in known if other.rpartition(".")[0] == section] or list(known)

    def likeness(other: str) -> tuple[bool, float]:
        last = other.rpartition(".")[2]
        return last.startswith(key) or key.startswith(last), difflib.SequenceMatcher(a=key, b=last).ratio()

    return max(near, key=likeness)


def _fault(error: ErrorDetails, origins: Mapping[str, str]) -> Finding:
    """One of pydantic's findings in our words; the value is shown only where it can hold no secret."""
    context = error.get("ctx", {})
    own = error["type"] in {NEEDS, REFUSED}
    name = ".".join(str(part) for part in error["loc"]) + (f".{context['key']}" if own else "")
    if error["type"] in {"missing", NEEDS}:
        why = error["msg"] if own else "it has no default"
        return Finding("CONFIG_REQUIRED", name, f"this key is missing; {why}", f"set it, or {_variable(name)}")
    seen = "" if own or _is_secret(name) else f"; it is {_shown(error['input'])}"
    origin = f" (in {origins[name]})" if name in origins else ""
    return Finding("CONFIG_VALUE", name, f"{error['msg']}{seen}{origin}")


def _variable(name: str) -> str:
    return PREFIX + name.upper().replace(".", "__")


def _is_secret(name: str) -> bool:
    return name in _SECRET or name.startswith("legacy.entities") or "." not in name


def _shown(value: object) -> str:
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
