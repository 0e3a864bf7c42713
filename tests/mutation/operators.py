"""Mutants of a module: one small change each, in the body of one function.

Not mutated: annotations, decorators, defaults, docstrings, f-strings, texts of errors and findings (their codes are), and calls that only
tell (`failpoint`, `tell`, logging). Tables at module level are not mutated either: planted defects and tests of their content see to them.
"""

from __future__ import annotations

import ast
import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

SILENT = frozenset({"failpoint", "tell", "debug", "info", "warning"})
CODED = frozenset({"of", "Finding"})
"""Calls whose first text is a stable code; all other texts in them, and in errors without a code, are for people."""
NEGATED: dict[type, type] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.GtE, ast.GtE: ast.Lt, ast.Gt: ast.LtE, ast.LtE: ast.Gt,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
SHIFTED: dict[type, type] = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt}
OTHER: dict[type, type] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult, ast.Mod: ast.FloorDiv, ast.Div: ast.Mult,
    ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.BitXor: ast.BitAnd, ast.And: ast.Or, ast.Or: ast.And, ast.Pow: ast.Mult,
}  # fmt: skip
SWAPPED = {"min": "max", "max": "min", "any": "all", "all": "any"}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change: where (lines of its statement), what, and how it is made."""

    module: str
    function: str
    lines: range
    before: str
    after: str
    number: int  # among the same changes of the function
    make: Callable[[], ast.Module]

    @property
    def id(self) -> str:
        """Its name; it does not depend on line numbers."""
        again = f" #{self.number}" if self.number > 1 else ""
        return f"{self.module}:{self.function}: {self.before} => {self.after}{again}"

    @property
    def lot(self) -> float:
        """Its place in every sample, from 0 to 1: by its name alone, so that others do not move it."""
        return int(hashlib.sha256(self.id.encode()).hexdigest()[:8], 16) / 16**8


@dataclass(frozen=True, slots=True)
class _Site:
    parent: Any  # node, or list of nodes
    place: Any  # field name, or index
    new: ast.AST
    lines: range
    before: str
    after: str


def mutants(module: str, source: str) -> Iterator[Mutant]:
    """Every mutant of a module, in order."""
    tree = ast.parse(source)
    for function, node in _functions(tree):
        seen: Counter[tuple[str, str]] = Counter()
        for site in _statements(node):
            seen[site.before, site.after] += 1
            number = seen[site.before, site.after]
            yield Mutant(module, function, site.lines, site.before, site.after, number, lambda s=site: _made(tree, s))


def _made(tree: ast.Module, site: _Site) -> ast.Module:
    """The tree with the change in it. Only a child asks for it, so the tree is changed for good."""
    if isinstance(site.parent, list):
        site.parent[site.place] = site.new
    else:
        setattr(site.parent, site.place, site.new)
    return ast.fix_missing_locations(tree)


def _functions(tree: ast.Module, outer: str = "") -> Iterator[tuple[str, ast.FunctionDef]]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and not _abstract(node):
            yield outer + node.name, node
        if isinstance(node, ast.ClassDef) and not any("Protocol" in ast.unparse(base) for base in node.bases):
            yield from _functions(node, f"{outer}{node.name}.")  # type: ignore[arg-type]


def _abstract(node: ast.FunctionDef) -> bool:
    return any("overload" in ast.unparse(d) or "setter" in ast.unparse(d) for d in node.decorator_list)


def _statements(function: ast.FunctionDef) -> Iterator[_Site]:
    for block in _blocks(function):
        for n, node in enumerate(block):
            yield from _statement(block, n, node)


def _blocks(node: ast.AST) -> Iterator[list[ast.stmt]]:
    """Every list of statements in a function, nested functions too."""
    for field in ("body", "orelse", "finalbody"):
        block = getattr(node, field, None)
        if isinstance(block, list):
            yield block
            for inner in block:
                yield from _blocks(inner)
    for handler in getattr(node, "handlers", []):
        yield from _blocks(handler)


def _statement(block: list[ast.stmt], n: int, node: ast.stmt) -> Iterator[_Site]:
    if _says_nothing(node):
        return
    lines = _lines(node)
    if isinstance(node, ast.Expr | ast.Raise):
        yield _Site(block, n, ast.Pass(), lines, _text(node), "pass")
    if isinstance(node, ast.Return) and node.value is not None and not _none(node.value):
        yield _Site(node, "value", ast.Constant(None), lines, _text(node), "return None")
    if isinstance(node, ast.Break | ast.Continue):
        new = ast.Continue() if isinstance(node, ast.Break) else ast.Break()
        yield _Site(block, n, new, lines, _text(node), _text(new))
    if isinstance(node, ast.AugAssign) and type(node.op) in OTHER:
        yield _operator(node, lines)
    if isinstance(node, ast.If | ast.While):
        yield from _condition(node, "test", lines)
    for field, value in ast.iter_fields(node):
        if field not in {"body", "orelse", "finalbody", "handlers", "annotation", "decorator_list", "args", "returns"}:
            yield from _children(node, field, value, lines, texts=True)


def _lines(node: ast.stmt) -> range:
    body = getattr(node, "body", None)
    last = body[0].lineno - 1 if body else (node.end_lineno or node.lineno)
    return range(node.lineno, max(last, node.lineno) + 1)


def _says_nothing(node: ast.stmt) -> bool:
    if not isinstance(node, ast.Expr):
        return isinstance(node, ast.Pass | ast.Assert | ast.ClassDef)
    value = node.value
    if isinstance(value, ast.Constant):
        return True
    return isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and value.func.attr in SILENT


def _children(parent: ast.AST, field: str, value: Any, lines: range, *, texts: bool) -> Iterator[_Site]:
    if isinstance(value, list):
        for n, one in enumerate(value):
            if isinstance(one, ast.AST):
                yield from _expression(value, n, one, lines, texts=texts)
    elif isinstance(value, ast.AST):
        yield from _expression(parent, field, value, lines, texts=texts)


def _expression(parent: Any, place: Any, node: ast.AST, lines: range, *, texts: bool) -> Iterator[_Site]:
    if isinstance(node, ast.JoinedStr | ast.operator | ast.cmpop | ast.boolop | ast.unaryop | ast.expr_context):
        return
    yield from _changes(parent, place, node, lines, texts=texts)
    if isinstance(node, ast.Call) and (_name(node.func) in CODED or _name(node.func).endswith("Error")):
        for n, argument in enumerate(node.args):
            yield from _expression(node.args, n, argument, lines, texts=n == 0 and _name(node.func) in CODED)
        for keyword in node.keywords:
            yield from _expression(keyword, "value", keyword.value, lines, texts=False)
        return
    for field, value in ast.iter_fields(node):
        if field not in {"annotation", "args"} or isinstance(node, ast.Call):
            yield from _children(node, field, value, lines, texts=texts)


def _changes(parent: Any, place: Any, node: ast.AST, lines: range, *, texts: bool) -> Iterator[_Site]:
    def site(new: ast.AST) -> _Site:
        return _Site(parent, place, new, lines, _text(node), _text(new))

    match node:
        case ast.Compare(left, ops, rest):
            for n, op in enumerate(ops):
                for table in (NEGATED, SHIFTED):
                    if type(op) in table:
                        yield site(ast.Compare(left, [*ops[:n], table[type(op)](), *ops[n + 1 :]], rest))
        case ast.BoolOp(op, values):
            yield site(ast.BoolOp(OTHER[type(op)](), values))
        case ast.UnaryOp(ast.Not() | ast.Invert() | ast.USub(), operand):
            yield site(operand)
        case ast.BinOp(left, op, right) if type(op) in OTHER and not (_is_text(left) or _is_text(right)):
            yield site(ast.BinOp(left, OTHER[type(op)](), right))
        case ast.Constant(value):
            yield from (site(ast.Constant(other)) for other in _others(value) if texts or not isinstance(value, str))
        case ast.IfExp():
            yield from _condition(node, "test", lines)
        case ast.comprehension():
            for n, test in enumerate(node.ifs):
                yield from _condition(node.ifs, n, lines, test)
        case ast.Call(ast.Name(name)) if name in SWAPPED:
            yield _Site(node, "func", ast.Name(SWAPPED[name], ast.Load()), lines, _text(node), f"{SWAPPED[name]}(…)")
        case _:
            pass


def _condition(parent: Any, place: Any, lines: range, test: ast.expr | None = None) -> Iterator[_Site]:
    """Conditions that are no comparison (those are changed by themselves) are turned round."""
    test = test if test is not None else getattr(parent, place)
    if not isinstance(test, ast.Compare | ast.UnaryOp):
        turned = ast.UnaryOp(ast.Not(), test)
        yield _Site(parent, place, turned, lines, f"if {_text(test)}", f"if {_text(turned)}")


def _operator(node: ast.AugAssign, lines: range) -> _Site:
    new = ast.AugAssign(node.target, OTHER[type(node.op)](), node.value)
    return _Site(node, "op", new.op, lines, _text(node), _text(new))


def _others(value: object) -> list[object]:
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 1]
    if isinstance(value, str | bytes):
        return [value + ("_" if isinstance(value, str) else b"_")]
    return []


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _none(node: ast.AST) -> bool:
    """None, and False, which is as good as None to whoever asks."""
    return isinstance(node, ast.Constant) and node.value in {None, False}


def _name(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _text(node: ast.AST) -> str:
    text = " ".join(ast.unparse(ast.fix_missing_locations(node)).split())
    return text if len(text) <= 90 else text[:60] + "…" + hashlib.sha256(text.encode()).hexdigest()[:6]
