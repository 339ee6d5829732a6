"""What holds for the grammar of all commands together."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import pytest

from xenbound_cli.commands.grammar import add_everywhere
from xenbound_cli.main import build_parser


def commands(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """All commands that do something."""
    below = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not below:
        yield parser
    for action in below:
        for each in {id(one): one for one in action.choices.values()}.values():
            yield from commands(each)


ALL = list(commands(build_parser()))


def everywhere() -> set[str]:
    bare = argparse.ArgumentParser(add_help=False)
    add_everywhere(bare)
    return {action.dest for action in bare._actions}


def test_there_are_commands_and_options_that_all_of_them_have() -> None:
    assert len(ALL) > 60
    assert {"url", "project", "as_json"} <= everywhere()


@pytest.mark.parametrize("parser", ALL, ids=[parser.prog for parser in ALL])
def test_no_argument_of_a_command_overwrites_another(parser: argparse.ArgumentParser) -> None:
    """An argument called `url` would be taken for the server's address."""
    places = [action.dest for action in parser._actions if action.dest != "help"]
    assert sorted(places) == sorted(set(places))
    assert everywhere() <= set(places)
