"""Finds every error code the product's source can answer with, by reading its syntax trees. Imports nothing of the product.

A code is what stands at a place named `code` (class attribute, variable, argument, member of a document), in the code's column
of a translation table, or in an enum of codes. One that is put together at run time (`f"kms_{state}"`) counts as `kms_*`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

CALLS_WITH_A_CODE = {"Reason": 0, "_Row": 1, "_Rule": 3}
"""Which argument is the code where calls give it by position."""
TABLES_OF_TUPLES = {"HTTP_CODES": 0, "_LEVELS": 0, "_LINE_ERRORS": 1}
"""Which column is the code in tables whose rows are plain tuples."""


def codes_of(folder: Path) -> dict[str, str]:
    """Every code in the modules below a folder, with one module that says it."""
    found: dict[str, str] = {}
    for path in sorted(folder.rglob("*.py")):
        found |= dict.fromkeys(codes_in(ast.parse(path.read_text(encoding="utf-8"))), str(path))
    return found


def codes_in(module: ast.Module) -> Iterator[str]:
    """The codes of one module, some of them more than once."""
    constants = dict(pair for part in module.body for pair in _assigned(part))
    for node in ast.walk(module):
        for expression in _at_code_places(node):
            yield from filter(None, _texts(expression, constants))


def _assigned(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Name and value of `name = value` and `name: type = value`."""
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    value = getattr(node, "value", None)
    for target in targets:
        if isinstance(target, ast.Name) and isinstance(value, ast.expr):
            yield target.id, value


def _at_code_places(node: ast.AST) -> Iterator[ast.expr]:
    for name, value in _assigned(node):
        if name == "code":
            yield value
        elif name in TABLES_OF_TUPLES:
            yield from _column(value, TABLES_OF_TUPLES[name])
    if isinstance(node, ast.Call):
        yield from _in_call(node)
    elif isinstance(node, ast.Dict):
        yield from (value for key, value in zip(node.keys, node.values, strict=True) if _is_word(key, "code"))
    elif isinstance(node, ast.ClassDef) and node.name.endswith("Code"):
        yield from (value for part in node.body for _, value in _assigned(part))


def _in_call(call: ast.Call) -> Iterator[ast.expr]:
    yield from (word.value for word in call.keywords if word.arg == "code")
    position = CALLS_WITH_A_CODE.get(call.func.id) if isinstance(call.func, ast.Name) else None
    if position is not None:
        yield from call.args[position : position + 1]


def _column(table: ast.expr, column: int) -> Iterator[ast.expr]:
    rows = table.values if isinstance(table, ast.Dict) else getattr(table, "elts", [])
    yield from (row.elts[column] for row in rows if isinstance(row, ast.Tuple))


def _is_word(node: ast.expr | None, word: str) -> bool:
    return isinstance(node, ast.Constant) and node.value == word


def _texts(expression: ast.expr, constants: dict[str, ast.expr]) -> Iterator[str]:
    """What a code's expression may come to; nothing for one that only hands on another's code."""
    if isinstance(expression, ast.Constant) and isinstance(expression.value, str):
        yield expression.value
    elif isinstance(expression, ast.IfExp):
        yield from _texts(expression.body, constants)
        yield from _texts(expression.orelse, constants)
    elif isinstance(expression, ast.JoinedStr):
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else "*" for part in expression.values)
    elif isinstance(expression, ast.Name) and expression.id in constants:
        yield from _texts(constants[expression.id], {})
