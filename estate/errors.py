"""What an edge may say when it fails: try again, wait for something, or ask a person. Foreign errors never pass this line.

Each adapter keeps one table from foreign codes to these classes. `code` is stable and listed in docs/errors.md.
"""

from __future__ import annotations


class EdgeError(Exception):
    """Root of everything an adapter raises. `str()` says what and where; `next_step` says what a person can do."""

    code = "edge_error"

    def __init__(self, message: str, *, code: str = "", next_step: str = "", where: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.next_step = next_step
        self.where = where


class Retry(EdgeError):
    """A passing fault of the other side or the line: the same request may succeed soon. `after_s` is the least pause."""

    code = "edge_retry"

    def __init__(self, message: str, *, code: str = "", next_step: str = "", where: str = "", after_s: float = 5.0) -> None:
        super().__init__(message, code=code, next_step=next_step, where=where)
        self.after_s = after_s


class Wait(EdgeError):
    """Something else has to end first (another operation, a task): ask again after `after_s`, without counting a failure."""

    code = "edge_wait"

    def __init__(self, message: str, *, code: str = "", next_step: str = "", where: str = "", after_s: float = 15.0) -> None:
        super().__init__(message, code=code, next_step=next_step, where=where)
        self.after_s = after_s


class AskPerson(EdgeError):
    """Repeating does not help: somebody has to change something first. `next_step` must say what."""

    code = "edge_ask_person"
