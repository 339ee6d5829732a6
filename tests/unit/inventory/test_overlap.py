"""Reading in one thread while another stores: order, errors and the end of the reader."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from migration.inventory.work.overlap import PAGES_AHEAD, OnPage, read_aside
from tests.builders.estate import a_source_about, a_vm


def test_pages_arrive_in_order_in_the_thread_that_asked() -> None:
    seen: list[tuple[str, int]] = []

    def read(on_page: OnPage, alive: Callable[[], None]) -> object:
        for name in "abcdef":
            on_page("vm", [a_vm(name)])
        return a_source_about()

    about = read_aside(read, on_page=lambda kind, page: seen.append((page[0].name, threading.get_ident())), alive=lambda: None)
    assert [name for name, _ in seen] == list("abcdef")
    assert {thread for _, thread in seen} == {threading.get_ident()}
    assert about == a_source_about()


def test_what_ends_the_reader_is_raised_where_the_pages_are_taken() -> None:
    def read(on_page: OnPage, alive: Callable[[], None]) -> object:
        raise ConnectionError("line broke")

    with pytest.raises(ConnectionError, match="line broke"):
        read_aside(read, on_page=lambda *_: None, alive=lambda: None)


def test_a_taker_that_fails_ends_a_reader_that_would_go_on_for_ever() -> None:
    handed = []

    def read(on_page: OnPage, alive: Callable[[], None]) -> object:
        while True:
            on_page("vm", [a_vm("a")])
            handed.append(1)

    def full(*_: object) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        read_aside(read, on_page=full, alive=lambda: None)
    assert len(handed) <= PAGES_AHEAD + 2
    assert not [thread for thread in threading.enumerate() if thread.name == "inventory-reader"]
