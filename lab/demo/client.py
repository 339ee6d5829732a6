"""A person at the API: signs in, asks, waits for jobs. Prints nothing; a refusal is an exception with its problem document."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

JOB_ENDED = frozenset({"succeeded", "failed", "cancelled"})


class Refused(Exception):
    """The API said no. `problem` is its problem document."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        super().__init__(f"{status} {problem.get('code', '')}: {problem.get('detail', '')}")
        self.status = status
        self.problem = problem
        self.code: str = problem.get("code", "")


class JobFailed(Exception):
    """A job ended in another way than hoped for. `job` is its last answer."""

    def __init__(self, job: dict[str, Any]) -> None:
        error = job.get("error") or {}
        super().__init__(f"{job['kind']} {job['state']}: {error.get('message', job.get('message', ''))}")
        self.job = job
        self.code: str = error.get("code", "")


class NotAsTold(Exception):
    """Something went otherwise than the story says."""


class Person:
    """One user of the API. `project` is prefixed to paths that begin with `./`."""

    def __init__(self, base_url: str, username: str, password: str) -> None:
        self.username = username
        self._http = httpx.Client(base_url=base_url + "/api/v1/", timeout=60.0)
        self.project_id = ""
        token = self.post("auth/token", {"username": username, "password": password})["token"]
        self._http.headers["Authorization"] = f"Bearer {token}"

    def get(self, path: str, **query: str | int) -> Any:
        """GET a path; query values become parameters."""
        return self._answer(self._http.get(self._path(path), params=query))

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        """POST a JSON body; header names are given with underscores."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._answer(self._http.post(self._path(path), json=body if body is not None else {}, headers=named))

    def patch(self, path: str, body: Any) -> Any:
        """PATCH a JSON body."""
        return self._answer(self._http.patch(self._path(path), json=body))

    def upload(self, path: str, file: Path) -> Any:
        """POST a file as the form field `file`."""
        return self._answer(self._http.post(self._path(path), files={"file": (file.name, file.read_bytes())}))

    def download(self, path: str) -> bytes:
        """The bytes behind a path, e.g. a report's PDF."""
        answer = self._http.get(self._path(path))
        if answer.is_error:
            self._answer(answer)
        return answer.content

    def everything(self, path: str, **query: str | int) -> list[dict[str, Any]]:
        """All rows of a list, page by page."""
        rows: list[dict[str, Any]] = []
        page = self.get(path, limit=200, **query)
        rows += page["results"]
        while page["next"]:
            page = self._answer(self._http.get(page["next"]))
            rows += page["results"]
        return rows

    def finish(
        self, job: dict[str, Any], *, within_s: float = 180, watch: Callable[[dict[str, Any]], None] | None = None
    ) -> dict[str, Any]:
        """Wait until a job succeeded. Raises JobFailed, or TimeoutError after `within_s`."""
        deadline = time.monotonic() + within_s
        while job["state"] not in JOB_ENDED:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{job['kind']} is still {job['state']} after {within_s:.0f} s: {job.get('message', '')}")
            time.sleep(0.25)
            job = self.get(f"jobs/{job['id']}")
            if watch is not None:
                watch(job)
        if job["state"] != "succeeded":
            raise JobFailed(job)
        return job

    def run(self, path: str, body: Any = None, *, within_s: float = 180) -> dict[str, Any]:
        """POST something that starts work, and wait for its job."""
        return self.finish(self.post(path, body), within_s=within_s)

    def _path(self, path: str) -> str:
        return f"projects/{self.project_id}/{path[2:]}" if path.startswith("./") else path

    @staticmethod
    def _answer(answer: httpx.Response) -> Any:
        if answer.is_error:
            is_json = "json" in answer.headers.get("content-type", "")
            raise Refused(answer.status_code, answer.json() if is_json else {"detail": answer.text[:300]})
        return answer.json() if answer.content else None
