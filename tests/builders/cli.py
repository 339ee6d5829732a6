"""Builders for the command line: a shell with a terminal or without, a stand-in server, and one run of the command."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from xenbound_cli import config
from xenbound_cli.main import main
from xenbound_cli.shell import Shell

URL = "https://xenbound.test"
TOKEN = "t0ken-of-a-test"
PROJECT = "11111111-1111-4111-8111-111111111111"
JOB = "22222222-2222-4222-8222-222222222222"
THING = "33333333-3333-4333-8333-333333333333"
SIGNED_IN = config.Settings(url=URL, token=TOKEN, username="ada", project=PROJECT)


class Terminal(io.StringIO):
    """A text stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@dataclass
class Server:
    """A stand-in for the API: answers by `METHOD path`, a list is a queue whose last entry stays. Keeps what it was asked."""

    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        path = request.url.path.removeprefix("/api/v1/").removeprefix(f"projects/{PROJECT}/")
        answer = self.answers.get(f"{request.method} {path}")
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if isinstance(answer, Exception):
            raise answer
        if answer is None:
            return a_problem(404, "not_found", f"There is nothing at {request.method} {path}.")
        return answer if isinstance(answer, httpx.Response) else as_json(200, answer)

    def bodies(self, method: str = "POST") -> list[Any]:
        return [json.loads(request.content) for request in self.asked if request.method == method]

    def paths(self) -> list[str]:
        return [f"{request.method} {request.url.path.removeprefix('/api/v1/')}" for request in self.asked]


@dataclass(frozen=True)
class Ran:
    """How one run ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


@dataclass
class Desk:
    """A place to run commands from: a home folder, a clock that only `sleep` moves, a server."""

    home: Path
    answer: Callable[[httpx.Request], httpx.Response] | None = None
    environ: dict[str, str] = field(default_factory=dict)
    terminal: bool = False
    secret: str = "typed secret"
    slept_s: list[float] = field(default_factory=list)
    while_waiting: Callable[[], Any] = lambda: None

    @property
    def config_file(self) -> Path:
        return self.home / "xenbound" / "config.toml"

    def signed_in(self, settings: config.Settings = SIGNED_IN) -> Desk:
        config.write(self.config_file, settings)
        return self

    def run(self, *argv: str, stdin: str = "") -> Ran:
        out = io.StringIO()
        err = Terminal() if self.terminal else io.StringIO()
        shell = Shell(
            environ={"XDG_CONFIG_HOME": str(self.home), **self.environ},
            stdin=Terminal(stdin) if self.terminal else io.StringIO(stdin),
            stdout=out,
            stderr=err,
            sleep=self._sleep,
            monotonic=lambda: sum(self.slept_s),
            ask_secret=lambda question: self.secret,
            transport=None if self.answer is None else httpx.MockTransport(self.answer),
        )
        return Ran(main(argv, shell), out.getvalue(), err.getvalue())

    def _sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)
        self.while_waiting()


def a_problem(status: int, code: str, detail: str = "It cannot be done.", **members: Any) -> httpx.Response:
    document = {"title": "No", "status": status, "code": code, "detail": detail, **members}
    return as_json(status, document)


def as_json(status: int, document: Any) -> httpx.Response:
    """Escaped beyond ASCII, so that broken surrogates can be sent as a server may send them."""
    return httpx.Response(status, content=json.dumps(document), headers={"Content-Type": "application/json"})


def a_list(*rows: dict[str, Any], next_url: str | None = None) -> dict[str, Any]:
    return {"count": len(rows), "next": next_url, "previous": None, "results": list(rows)}


def a_job(state: str = "succeeded", **changes: Any) -> dict[str, Any]:
    progress = {"done": 0, "total": None, "unit": "", "rate_per_s": None, "eta_s": None}
    job = {"id": JOB, "kind": "some.work", "state": state, "progress": progress, "message": "", "error": None, "result": {}}
    return {**job, "subject": "thing", "requested_by": "ada", "attempts": 1, **changes}
