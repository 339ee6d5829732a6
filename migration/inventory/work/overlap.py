"""Reading while storing: the source is read in a thread of its own, pages are taken in the thread that owns the database.

The reader touches no model. At most `PAGES_AHEAD` pages wait, so a slow database slows the reading instead of filling memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from queue import Empty, Full, Queue
from threading import Event, Thread

from estate.facts.source import SourceAbout, SourceFact

PAGES_AHEAD = 2
LOOK_UP_S = 0.5

OnPage = Callable[[str, Sequence[SourceFact]], None]
Read = Callable[[OnPage, Callable[[], None]], SourceAbout]


class ReadingStopped(Exception):
    """Ends the reader's work when nobody takes its pages any more; it never leaves this module."""


@dataclass(frozen=True, slots=True)
class _End:
    """What the reader leaves last: who answered, or what ended it."""

    about: SourceAbout | None = None
    error: BaseException | None = None


@dataclass(slots=True)
class _Reader:
    read: Read
    pages: Queue[tuple[str, Sequence[SourceFact]] | _End] = field(default_factory=lambda: Queue(PAGES_AHEAD))
    stopped: Event = field(default_factory=Event)

    def run(self) -> None:
        try:
            self._put(_End(about=self.read(lambda kind, facts: self._put((kind, facts)), self._alive)))
        except ReadingStopped:
            return
        except BaseException as error:  # noqa: BLE001 - whatever ended it is raised again where the pages are taken
            self._leave(error)

    def _leave(self, error: BaseException) -> None:
        try:
            self._put(_End(error=error))
        except ReadingStopped:
            return

    def _alive(self) -> None:
        if self.stopped.is_set():
            raise ReadingStopped

    def _put(self, page: tuple[str, Sequence[SourceFact]] | _End) -> None:
        while True:
            self._alive()
            try:
                return self.pages.put(page, timeout=LOOK_UP_S)
            except Full:
                continue


def read_aside(read: Read, *, on_page: OnPage, alive: Callable[[], None]) -> SourceAbout:
    """Run `read` in a thread and hand its pages to `on_page` here, in order; `alive` is called here too, and may raise to stop.

    Raises: what `read`, `on_page` or `alive` raise. The reader has ended when this returns or raises.
    """
    reader = _Reader(read)
    thread = Thread(target=reader.run, name="inventory-reader", daemon=True)
    thread.start()
    try:
        for page in _taken(reader, alive):
            if isinstance(page, _End):
                return _about(page)
            on_page(*page)
        raise AssertionError("a reader always leaves an end")
    finally:
        reader.stopped.set()
        thread.join()


def _taken(reader: _Reader, alive: Callable[[], None]) -> Iterator[tuple[str, Sequence[SourceFact]] | _End]:
    while True:
        alive()
        try:
            yield reader.pages.get(timeout=LOOK_UP_S)
        except Empty:
            continue


def _about(end: _End) -> SourceAbout:
    if end.error is not None:
        raise end.error
    assert end.about is not None
    return end.about
