"""Mutants of one module: Cosmic Ray's operators on comparisons, logic, numbers and loops, each applied at each place.

Those on other arithmetic are left out: rules compare and count, and `|` stands in their annotations.
"""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterator
from dataclasses import dataclass

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

LEFT_OUT = ("BinaryOperator", "Decorator", "Exception", "USub", "UAdd", "Invert")
IDENTITY = frozenset({"Eq_Is", "Is_Eq", "NotEq_IsNot", "IsNot_NotEq"})
"""Identity for equality and back is no other rule: members of an enum are equal only to themselves, and whether equal texts are
one object is nobody's promise. ruff refuses such code (F632)."""


@dataclass(frozen=True)
class Mutant:
    """A module's text with one change; `change` is the changed line before and after."""

    operator: str
    text: str
    change: str


def mutants_of(text: str) -> Iterator[Mutant]:
    """Every mutant that compiles and changes more than an annotation; each program once, whichever operators lead to it."""
    seen = {_meaning(text)}
    nodes = list(ast_nodes(get_ast(text)))
    for name in sorted(operator_names()):
        kind = get_operator(name)
        if kind.arguments() or not _is_asked_for(name):
            continue  # operators with arguments work on variables that somebody has to name
        places = sum(len(list(kind().mutation_positions(node))) for node in nodes)
        for changed in (mutate_code(text, kind(), place) for place in range(places)):
            if (meaning := _meaning(changed)) and meaning not in seen:
                seen.add(meaning)
                yield Mutant(name.removeprefix("core/"), changed, _change(text, changed))


def _is_asked_for(operator_name: str) -> bool:
    return not any(word in operator_name for word in LEFT_OUT) and operator_name.partition("Operator_")[2] not in IDENTITY


def _meaning(text: str) -> str:
    """The program without its annotations, which nothing looks at while it runs; empty for what is no program."""
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return ""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            node.returns = None
        elif isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.AnnAssign):
            node.annotation = ast.Constant(None)
    return ast.dump(tree)


def _change(before: str, after: str) -> str:
    lines = list(difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0))[2:]
    gone = " ".join(line[1:].strip() for line in lines if line.startswith("-"))
    come = " ".join(line[1:].strip() for line in lines if line.startswith("+"))
    return f"{gone}  =>  {come}"
