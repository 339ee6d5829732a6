"""The lab for tests: started in-process, in threads, with its control desk at hand."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lab.whole import Lab as WholeLab
from lab.whole import LabOptions


class ControlRefused(AssertionError):
    """The control desk answered with a status other than 200."""

    def __init__(self, status: int, answer: Any) -> None:
        super().__init__(f"control desk: {status} {answer}")
        self.status = status


@dataclass(frozen=True, slots=True)
class Lab:
    """A running lab: `json` is the content of lab.json, `whole` the objects behind it."""

    json: dict[str, Any]
    whole: WholeLab

    def control(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """One call at the control desk; returns its JSON answer.

        Raises:
            ControlRefused: the answer was not 200.
        """
        where = self.json["control"]
        connection = http.client.HTTPConnection(urlsplit(where["url"]).netloc, timeout=60)
        try:
            payload = json.dumps(body or {}).encode() if method != "GET" else b""
            connection.request(method, path, payload, {"Authorization": f"Bearer {where['token']}"})
            response = connection.getresponse()
            answer = json.loads(response.read())
        finally:
            connection.close()
        if response.status != 200:
            raise ControlRefused(response.status, answer)
        return answer


@contextmanager
def running_lab(tmp_dir: Path, world: str = "small", **options: Any) -> Iterator[Lab]:
    """Start a world below `tmp_dir` and stop it at the end; `options` are those of LabOptions.

    Disks are prepared when first exported unless `prepare_disks=True` is given. World `tiny` has small disks.
    """
    whole = WholeLab(tmp_dir / "lab", LabOptions(world=world, **({"prepare_disks": False} | options)))
    whole.start()
    try:
        yield Lab(whole.json, whole)
    finally:
        whole.stop()
