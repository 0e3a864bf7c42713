"""Gives a live function other code, in this process only: whoever imported it calls the new code."""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import sys
import textwrap
from collections.abc import Sequence
from types import CodeType, FunctionType
from typing import Any


class DoesNotFit(Exception):
    """The code is not (or no longer) what the change was written for."""


def live(module: str, qualname: str) -> FunctionType:
    """The function itself, below decorators, properties and caches."""
    found: Any = importlib.import_module(module)
    for part in qualname.split("."):
        found = vars(found)[part] if inspect.isclass(found) else getattr(found, part)
    found = getattr(found, "fget", None) or getattr(found, "func", None) or found
    found = inspect.unwrap(getattr(found, "__func__", found))
    if not isinstance(found, FunctionType):
        raise DoesNotFit(f"{module}:{qualname} is no function")
    return found


def code_in(compiled: CodeType, qualname: str) -> CodeType:
    """The code of a function inside the code of its module."""
    for part in qualname.split("."):
        inner = [c for c in compiled.co_consts if isinstance(c, CodeType) and c.co_name == part]
        if not inner:
            raise DoesNotFit(f"no {qualname} in the changed source")
        compiled = inner[-1]
    return compiled


def put(module: str, qualname: str, tree: ast.Module) -> None:
    """Take the function's code from this tree of its module."""
    function = live(module, qualname)
    code = code_in(compile(tree, function.__code__.co_filename, "exec", dont_inherit=True), qualname)
    if code.co_freevars != function.__code__.co_freevars:
        raise DoesNotFit(f"{module}:{qualname} closes over other names")
    function.__code__ = code


def replaced(module: str, qualname: str, pieces: Sequence[tuple[str, str]]) -> ast.Module:
    """The function with pieces of its source replaced, each of which stands in it exactly once."""
    source = textwrap.dedent(inspect.getsource(live(module, qualname)))
    for old, new in pieces:
        if source.count(old) != 1:
            raise DoesNotFit(f"{module}:{qualname}: {old!r} stands there {source.count(old)} times")
        source = source.replace(old, new)
    outer, _, _ = qualname.rpartition(".")
    for name in reversed(outer.split(".") if outer else []):
        source = f"class {name}:\n" + textwrap.indent(source, "    ")
    return ast.parse("from __future__ import annotations\n" + source)


def forget() -> None:
    """Empty every cache of the product: what was calculated before the change must be calculated again."""
    for name, module in list(sys.modules.items()):
        if name.startswith(("migration", "expectations")):
            for value in list(vars(module).values()):
                if isinstance(value, functools._lru_cache_wrapper):
                    value.cache_clear()
