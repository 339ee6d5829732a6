"""Answers of another shape than expected end in a sentence, whatever the command."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.builders.cli import JOB, PROJECT, THING, Desk
from xenbound_cli.main import build_parser

LISTED = {"count": 1, "next": None, "previous": None}
ODD = [
    None, [], {}, "text", 17, [[]],
    {"results": None}, {"results": [None]}, {"results": [{}]},
    {**LISTED, "results": [{"id": THING, "name": None}]},
    {**LISTED, "results": [{"id": THING, "name": "x", "disks": 3, "error": 3}]},
    {"state": "succeeded", "result": None}, {"state": "running", "id": JOB}, {"state": "succeeded", "progress": 3, "error": "no"},
    {"id": JOB, "kind": "k", "state": "failed", "error": ["no"], "progress": {"eta_s": float("inf"), "rate_per_s": 1, "done": 1}},
    {"verdict": 1, "checks": 2, "reasons": 3}, {"state": "open", "reasons": 5}, {"whole": "?"},
    {"certificates": [1], "tls_thumbprints": 2},
]  # fmt: skip
BODIES = [json.dumps(answer).encode() for answer in ODD] + [b"", b"{", b"\xff", b"[" * 5000, b"9" * 5000]
FILLED = {"--sha256": "AA" * 32, "--value": "{}", "--output": "r.html", "--days": "1", "--timeout-s": "1", "--check": "X"}


def every_command() -> Iterator[list[str]]:
    """A command line for every leaf of the grammar, required arguments filled in."""
    pending: list[tuple[list[str], argparse.ArgumentParser]] = [([], build_parser())]
    while pending:
        words, parser = pending.pop()
        below = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
        for action in below:
            pending.extend(([*words, name], child) for name, child in action.choices.items())
        if not below:
            yield [*words, *_arguments(parser)]


def _arguments(parser: argparse.ArgumentParser) -> Iterator[str]:
    for action in parser._actions:
        name = action.option_strings[0] if action.option_strings else ""
        if not name and action.nargs != "*":
            known = {"file": __file__, "address": "https://x.test", "id": JOB}
            yield next(iter(action.choices)) if action.choices else known.get(action.dest, THING)
        elif action.required or name in ("--sha256", "--username", "--check", "--network"):
            yield from (name, FILLED.get(name, "a=b"))


COMMANDS = sorted(every_command())


@pytest.mark.parametrize("argv", COMMANDS, ids=[" ".join(argv[:3]) for argv in COMMANDS])
def test_no_odd_answer_makes_a_command_fall_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argv: list[str]) -> None:
    monkeypatch.chdir(tmp_path)
    environ = {"XENBOUND_URL": "https://x.test", "XENBOUND_TOKEN": "t", "XENBOUND_PROJECT": PROJECT, "XENBOUND_PASSWORD": "p"}
    environ["XENBOUND_ENDPOINT_PASSWORD"] = "p"

    def give_up() -> None:
        raise KeyboardInterrupt

    for body in BODIES:
        desk = Desk(tmp_path, lambda request, body=body: _answer(body), environ=environ, while_waiting=give_up)
        for form in ([], ["--json"]):
            ran = desk.run(*argv, *form)
            assert ran.code in (0, 1, 2, 3, 4, 130), (body[:60], ran)
            assert ran.code == 0 or ran.err


def _answer(body: bytes) -> httpx.Response:
    return httpx.Response(200, content=body)


@pytest.mark.parametrize("status", [400, 401, 404, 500, 503])
@pytest.mark.parametrize("body", BODIES)
def test_no_odd_refusal_makes_a_command_fall_over(tmp_path: Path, status: int, body: bytes) -> None:
    desk = Desk(tmp_path, lambda request: httpx.Response(status, content=body)).signed_in()
    ran = desk.run("pool", "list")
    assert ran.code in (1, 4)
    assert ran.err.startswith("xenbound: ")
