"""Patterns that people write, matched in time linear in the text whatever they wrote: no pattern can hang an assessment.

Known are literals, `.`, classes (`[a-z]`, `\\d`, `\\w`, `\\s` and their opposites), groups, `|`, `*`, `+`, `?`, `{n}`, `{n,}`,
`{n,m}`, `^` and `$`. Back references and look-arounds are refused. Upper and lower case are the same.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

LENGTH_MAX = 200
REPEATS_MAX = 100
STATES_MAX = 2000
_MEMORY_MAX = 2000
_CLASSES: dict[str, Callable[[str], bool]] = {
    "d": str.isdigit,
    "w": lambda char: char.isalnum() or char == "_",
    "s": str.isspace,
}

Test = Callable[[str], bool]


class PatternRefused(ValueError):
    """The pattern is not one that can be matched here; the message says what and where."""


@dataclass(slots=True)
class _State:
    """One step: a character that passes `test` leads on to `after`; without a test all of `after` are reached for nothing.

    `at` is `^` or `$` for a step that is only open at an end of the text.
    """

    after: list[int]
    test: Test | None = None
    at: str = ""


_Builder = Callable[["_Machine", int], int]
"""Adds the states of one part before the state that follows it, and gives the first of them."""


@dataclass(slots=True)
class _Machine:
    """All states; 0 accepts."""

    states: list[_State] = field(default_factory=lambda: [_State([])])

    def add(self, after: Iterable[int], test: Test | None = None, at: str = "") -> int:
        if len(self.states) >= STATES_MAX:
            raise PatternRefused("it repeats too much")
        self.states.append(_State(list(after), test, at))
        return len(self.states) - 1


class Pattern:
    """A compiled pattern. `found_in` looks for it anywhere in a text."""

    __slots__ = ("_first", "_known", "_later", "_machine", "text")

    def __init__(self, text: str) -> None:
        """Raises PatternRefused."""
        self.text = text
        self._machine = _Machine()
        start = _Parser(text).whole()(self._machine, 0)
        self._first = self._reach([start], opened="^")
        self._later = self._reach([start])
        self._known: dict[tuple[frozenset[int], str], frozenset[int]] = {}

    def found_in(self, text: str) -> bool:
        """Whether some part of the text fits."""
        reached = self._first
        for char in text:
            if 0 in reached:
                return True
            reached = self._step(reached, char)
        return 0 in self._reach(reached, opened="$" if text else "^$")

    def _step(self, reached: frozenset[int], char: str) -> frozenset[int]:
        """Where a character leads; the pattern may also begin after it."""
        key = (reached, char)
        if key not in self._known:
            if len(self._known) >= _MEMORY_MAX:
                self._known.clear()
            self._known[key] = self._reach(self._led(reached, char)) | self._later
        return self._known[key]

    def _led(self, reached: frozenset[int], char: str) -> list[int]:
        states = (self._machine.states[number] for number in reached)
        return [after for state in states if state.test and state.test(char) for after in state.after]

    def _reach(self, starts: Iterable[int], opened: str = "") -> frozenset[int]:
        """Everything reached without a character; ends of the text are open only when named."""
        found: set[int] = set()
        waiting = list(starts)
        while waiting:
            number = waiting.pop()
            if number in found:
                continue
            found.add(number)
            state = self._machine.states[number]
            if state.test is None and (not state.at or state.at in opened):
                waiting.extend(state.after)
        return frozenset(found)


class _Parser:
    """Recursive descent over the pattern's text."""

    def __init__(self, text: str) -> None:
        if len(text) > LENGTH_MAX:
            raise PatternRefused(f"it is longer than {LENGTH_MAX} characters")
        self._text = text
        self._at = 0

    def whole(self) -> _Builder:
        built = self._alternatives()
        if self._at < len(self._text):
            raise self._refused("a closing bracket without an opening one")
        return built

    def _refused(self, what: str) -> PatternRefused:
        return PatternRefused(f"{what} at position {self._at + 1}")

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _take(self) -> str:
        char = self._peek()
        if not char:
            raise self._refused("it ends too early")
        self._at += 1
        return char

    def _alternatives(self) -> _Builder:
        options = [self._sequence()]
        while self._peek() == "|":
            self._at += 1
            options.append(self._sequence())
        return lambda machine, after: machine.add([option(machine, after) for option in options])

    def _sequence(self) -> _Builder:
        parts = []
        while self._peek() not in ("", "|", ")"):
            parts.append(self._repeated(self._single()))
        return lambda machine, after: _in_turn(machine, parts, after)

    def _single(self) -> _Builder:
        char = self._take()
        if char == "(":
            return self._group()
        if char in "^$":
            return lambda machine, after: machine.add([after], at=char)
        if char in "*+?{":
            raise self._refused(f"nothing to repeat before {char!r}")
        return _one(self._test_of(char))

    def _group(self) -> _Builder:
        if self._text.startswith("?", self._at) and not self._text.startswith("?:", self._at):
            raise self._refused("a look-around or named group")
        self._at += 2 if self._peek() == "?" else 0
        built = self._alternatives()
        if self._peek() != ")":
            raise self._refused("a group that is not closed")
        self._at += 1
        return built

    def _test_of(self, char: str) -> Test:
        if char == ".":
            return lambda _: True
        if char == "[":
            return self._class()
        return self._escaped() if char == "\\" else _equal(char)

    def _escaped(self) -> Test:
        char = self._take()
        if char.lower() in _CLASSES:
            inside = _CLASSES[char.lower()]
            return inside if char.islower() else lambda each: not inside(each)
        if char in string.ascii_letters or char in string.digits:
            raise self._refused(f"the unknown escape \\{char}")
        return _equal(char)

    def _class(self) -> Test:
        negated = self._peek() == "^"
        self._at += negated
        tests = [self._class_member()]
        while self._peek() != "]":
            tests.append(self._class_member())
        self._at += 1
        return lambda char: any(test(char) for test in tests) is not negated

    def _class_member(self) -> Test:
        char = self._take()
        if char == "\\":
            return self._escaped()
        if self._peek() != "-" or self._text[self._at + 1 : self._at + 2] in ("", "]"):
            return _equal(char)
        self._at += 1
        last = self._take()
        if last == "\\" or last < char:
            raise self._refused(f"the range {char}-{last}")
        return lambda each: any(char <= form <= last for form in _forms(each))

    def _repeated(self, part: _Builder) -> _Builder:
        char = self._peek()
        if not char or char not in "*+?{":
            return part
        self._at += 1
        least, most = {"*": (0, None), "+": (1, None), "?": (0, 1)}[char] if char != "{" else self._counts()
        if self._peek() and self._peek() in "*+?{":
            raise self._refused("a repeat of a repeat")
        return lambda machine, after: _repeat(machine, part, least, most, after)

    def _counts(self) -> tuple[int, int | None]:
        end = self._text.find("}", self._at)
        first, comma, last = self._text[self._at : max(end, self._at)].partition(",")
        if end < 0 or not first.isdecimal() or not (last.isdecimal() or not last):
            raise self._refused("a count that is not {n}, {n,} or {n,m}")
        self._at = end + 1
        least, most = int(first), int(last) if last else None
        if max(least, most or 0) > REPEATS_MAX or (most is not None and most < least):
            raise self._refused(f"a count outside 0 to {REPEATS_MAX}")
        return least, most if comma else least


def _equal(char: str) -> Test:
    return lambda each: char in _forms(each)


def _forms(char: str) -> set[str]:
    """A character in upper and lower case."""
    return {char, char.lower(), char.upper()}


def _one(test: Test) -> _Builder:
    return lambda machine, after: machine.add([after], test)


def _in_turn(machine: _Machine, parts: list[_Builder], after: int) -> int:
    for part in reversed(parts):
        after = part(machine, after)
    return after


def _repeat(machine: _Machine, part: _Builder, least: int, most: int | None, after: int) -> int:
    if most is None:
        start = machine.add([after])
        machine.states[start].after.append(part(machine, start))
    else:
        start = after
        for _ in range(most - least):
            start = machine.add([after, part(machine, start)])
    for _ in range(least):
        start = part(machine, start)
    return start
