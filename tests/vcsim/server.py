"""Builds and runs the govmomi simulator (someone else's vCenter) for tests, with a certificate of our own making.

The binary is cached in var/vcsim under the hash of its source. Tests skip, with the reason, where go or govmomi is missing.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from estate.connection import Connection
from lab.tls import CertFiles, make_certificate

SOURCE = Path(__file__).parent / "main.go"
CACHE = Path(__file__).parents[2] / "var" / "vcsim"
GOPATH = Path("/usr/share/gocode")
USER, PASSWORD = "administrator@vsphere.local", "correct horse"


class ToolMissing(RuntimeError):
    """go or the govmomi library is not installed here."""


@dataclass(frozen=True, slots=True)
class Vcsim:
    """A running simulator: its URL, its key pair, and the connection a test would store for it."""

    url: str
    files: CertFiles

    def connection(self, **changes: object) -> Connection:
        values = {"url": self.url, "username": USER, "password": PASSWORD, "name": "vcsim"}
        return Connection(**(values | {"pins": frozenset({self.files.sha256_fingerprint})} | changes))  # type: ignore[arg-type]


def build() -> Path:
    """The simulator's binary, built on first use (about 15 s). Raises ToolMissing."""
    if shutil.which("go") is None:
        raise ToolMissing("go is not installed (Debian package golang-go)")
    if not (GOPATH / "src/github.com/vmware/govmomi/simulator").is_dir():
        raise ToolMissing("govmomi is not installed (Debian package golang-github-vmware-govmomi-dev)")
    CACHE.mkdir(parents=True, exist_ok=True)
    binary = CACHE / f"vcsim-{hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:16]}"
    with (CACHE / "build.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not binary.exists():
            _compile(binary)
    return binary


def _compile(binary: Path) -> None:
    environment = os.environ | {"GOPATH": str(GOPATH), "GO111MODULE": "off", "GOFLAGS": "", "GOCACHE": str(CACHE / "cache")}
    fresh = binary.with_suffix(".new")
    subprocess.run(["go", "build", "-o", str(fresh), "."], cwd=SOURCE.parent, env=environment, check=True, timeout=600)
    fresh.rename(binary)


# Two clusters of two hosts and one bare host, three VMs on each; everything inside folders.
ESTATE: dict[str, int | bool] = {"cluster": 2, "host": 2, "bare": 1, "vm": 3, "datastore": 2, "pg": 2, "folder": 1}


@contextlib.contextmanager
def running_vcsim(directory: Path, *, port: int = 0, load: Path | None = None, **options: int | bool) -> Iterator[Vcsim]:
    """A simulator with a fresh key pair, on loopback; `options` are flags of main.go over `ESTATE` (`vm=3`, `esx=True`).

    `load` is a folder of tests.vcsim.saved, whose estate is served instead of a made one.
    """
    files = make_certificate(directory, "vcsim", ["127.0.0.1"])
    flags = [f"-{name}={str(value).lower()}" for name, value in (ESTATE | options).items()]
    command = [build(), f"-listen=127.0.0.1:{port}", "-cert", files.cert_path, "-key", files.key_path, "-until-eof"]
    command += ["-user", USER, "-pass", PASSWORD, *flags, *(["-load", load] if load else [])]
    with subprocess.Popen(
        [str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        try:
            yield Vcsim(json.loads(process.stdout.readline())["url"], files)
        finally:
            process.terminate()
