"""The filter language of get_all_records_where: `field "x" = "y"`, true, false, not, and, or, parentheses."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from typing import Any

from lab.xapi_sim.failure import internal
from lab.xapi_sim.values import DATE_FORMAT

Record = dict[str, Any]
Predicate = Callable[[Record], bool]
TOKEN = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([A-Za-z_]+)|([()=]))')


def compile_filter(expression: str) -> Predicate:
    """Turn an expression into a predicate over records.

    Raises:
        XapiFailure: INTERNAL_ERROR when it does not parse, as the real server answers.
    """
    tokens = _tokens(expression)
    predicate = _either(tokens)
    if tokens:
        raise internal(f"Failed to parse expression: {expression}")
    return predicate


def _tokens(expression: str) -> list[str]:
    tokens, at = [], 0
    text = expression.rstrip()
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None:
            raise internal(f"Failed to parse expression: {expression}")
        literal, word, sign = match.groups()
        tokens.append(f'"{literal}' if literal is not None else word or sign)
        at = match.end()
    return tokens


def _either(tokens: list[str]) -> Predicate:
    choices = [_both(tokens)]
    while tokens[:1] == ["or"]:
        tokens.pop(0)
        choices.append(_both(tokens))
    return lambda record: any(choice(record) for choice in choices)


def _both(tokens: list[str]) -> Predicate:
    terms = [_term(tokens)]
    while tokens[:1] == ["and"]:
        tokens.pop(0)
        terms.append(_term(tokens))
    return lambda record: all(term(record) for term in terms)


def _term(tokens: list[str]) -> Predicate:
    word = tokens.pop(0) if tokens else ""
    if word in ("true", "false"):
        return lambda _record: word == "true"
    if word == "not":
        inner = _term(tokens)
        return lambda record: not inner(record)
    if word == "(":
        inner = _either(tokens)
        _take(tokens, ")")
        return inner
    if word == "field":
        return _comparison(tokens)
    raise internal(f"Failed to parse expression near: {word or 'its end'}")


def _comparison(tokens: list[str]) -> Predicate:
    name = _literal(tokens).replace("__", "_")
    _take(tokens, "=")
    wanted = _literal(tokens)
    return lambda record: name in record and _text(record[name]) == wanted


def _literal(tokens: list[str]) -> str:
    token = tokens.pop(0) if tokens else ""
    if not token.startswith('"'):
        raise internal(f"Failed to parse expression: expected a quoted string near {token or 'its end'}")
    return re.sub(r"\\(.)", r"\1", token[1:])


def _take(tokens: list[str], wanted: str) -> None:
    if tokens[:1] != [wanted]:
        raise internal(f"Failed to parse expression: expected {wanted}")
    tokens.pop(0)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime.datetime):
        return value.strftime(DATE_FORMAT)
    return str(value)
