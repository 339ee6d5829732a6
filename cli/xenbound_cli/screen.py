"""What a person sees: answers on standard output (tables, or the API's JSON), notes and progress on standard error."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TextIO

from xenbound_cli.exits import CliError
from xenbound_cli.texts import cell, clean, width

Show = Callable[[Any], str]
GAP = "  "


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its head, the dotted path of its value in a row, and how the value is shown."""

    head: str
    path: str
    show: Show = cell

    def of(self, row: Any) -> str:
        """The column's text for one row."""
        return self.show(at(row, self.path))


def at(row: Any, path: str) -> Any:
    """The value under a dotted path, None when a step is missing."""
    for step in path.split("."):
        if not isinstance(row, dict):
            return None
        row = row.get(step)
    return row


@dataclass(frozen=True, slots=True)
class Screen:
    """Prints. With `as_json` the answers are the API's documents and nothing else goes to standard output."""

    out: TextIO
    err: TextIO
    as_json: bool = False
    quiet: bool = False

    def answer(self, document: Any, tell: Callable[[], None]) -> None:
        """The result of a command: the API's document with `--json`, else what `tell` prints."""
        if self.as_json:
            # Escaped beyond ASCII: the same content, and no character of it can act on a terminal.
            self.out.write(json.dumps(document, indent=2).replace("\x7f", "\\u007f") + "\n")
        else:
            tell()

    def table(self, rows: Sequence[Any], columns: Sequence[Column], *, empty: str = "Nothing to show.") -> None:
        """Rows under their heads, aligned; a sentence when there are none."""
        if not rows:
            self.line(empty)
            return
        lines = [[column.head for column in columns], *([column.of(row) for column in columns] for row in rows)]
        widths = [max(width(line[n]) for line in lines) for n in range(len(columns))]
        for line in lines:
            padded = (text + " " * (widths[n] - width(text)) for n, text in enumerate(line))
            self.out.write(GAP.join(padded).rstrip() + "\n")

    def fields(self, row: Any, columns: Iterable[Column]) -> None:
        """One row as a list of names and values."""
        pairs = [(column.head, column.of(row)) for column in columns]
        widest = max(width(head) for head, _ in pairs)
        for head, text in pairs:
            self.out.write(f"{head}{' ' * (widest - width(head))}{GAP}{text}".rstrip() + "\n")

    def line(self, text: str = "") -> None:
        """One line of the answer."""
        self.out.write(clean(text) + "\n")

    def note(self, text: str) -> None:
        """A remark beside the answer, to standard error."""
        self.err.write(clean(text) + "\n")

    def error(self, error: CliError) -> None:
        """Why a command ended early, with reasons and next step; `--json` also prints the document."""
        self.note(f"xenbound: {error.detail}" + (f" [{error.code}]" if error.code else ""))
        document = error.document if isinstance(error.document, dict) else {}
        for wrong in _dicts(document.get("errors")):
            self.note(f"  {wrong.get('field') or 'request'}: {wrong.get('detail', '')}")
        for reason in _dicts(document.get("reasons")):
            self.note(f"  {reason.get('code', '')} {reason.get('subject', '')}: {reason.get('detail', '')}")
            if reason.get("remedy"):
                self.note(f"    remedy: {cell(reason['remedy'])}")
        if error.next_step:
            self.note(f"  next: {error.next_step}")
        if self.as_json and error.document is not None:
            self.answer(error.document, lambda: None)


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [part for part in value if isinstance(part, dict)] if isinstance(value, list) else []
