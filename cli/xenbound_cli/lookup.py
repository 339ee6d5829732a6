"""Finds what a person named: by id, or by its name if that is unambiguous."""

from __future__ import annotations

from typing import Any

from xenbound_cli.exits import CliError
from xenbound_cli.session import Session, is_id

MOST_NAMES_SHOWN = 12


def find(session: Session, collection: str, text: str, *, what: str, by_filter: bool = False) -> dict[str, Any]:
    """The one row of a project's collection with this id or name.

    `by_filter` asks the server for the name instead of reading the whole list: for collections that can be long.
    Raises: CliError when there is none or are several, Refused.
    """
    if is_id(text):
        return dict(session.api.get(session.path(f"{collection}/{text}")))
    rows = session.api.rows(session.path(collection), {"name": text} if by_filter else {})
    exact = [row for row in rows if row.get("name") == text]
    found = exact or [row for row in rows if str(row.get("name", "")).casefold() == text.casefold()]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(str(row["id"]) for row in found[:MOST_NAMES_SHOWN])
        raise CliError(f"There are {len(found)} {what}s named {text}.", next_step=f"Give the id of one: {ids}.")
    raise CliError(f"There is no {what} named {text} in this project.", code="not_found", next_step=_others(rows, what))


def _others(rows: list[dict[str, Any]], what: str) -> str:
    if not rows:
        return f"Check the name of the {what} and the project."
    names = ", ".join(str(row.get("name", row["id"])) for row in rows[:MOST_NAMES_SHOWN])
    return f"There {'is' if len(rows) == 1 else 'are'}: {names}{' ...' if len(rows) > MOST_NAMES_SHOWN else ''}."
