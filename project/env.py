"""Strict reading of environment variables: a wrong value stops the start with a sentence that names the variable."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit


class WrongSetting(SystemExit):
    """A value in the environment cannot be used. Ends the process with the sentence, without a traceback."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"{name}: {problem}")


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, "") or default


def flag(name: str, default: bool) -> bool:
    value = os.environ.get(name, "").lower()
    if value in ("", "1", "true", "yes", "on", "0", "false", "no", "off"):
        return default if value == "" else value in ("1", "true", "yes", "on")
    raise WrongSetting(name, f"{value!r} is neither yes nor no; write 1 or 0.")


def number(name: str, default: float, *, least: float, most: float) -> float:
    """A number between two limits, in the unit the variable's name ends with."""
    value = os.environ.get(name, "")
    if not value:
        return default
    try:
        given = float(value)
    except ValueError:
        raise WrongSetting(name, f"{value!r} is not a number.") from None
    if not least <= given <= most:
        raise WrongSetting(name, f"{value} is outside {least:g} to {most:g}.")
    return given


def one_of(name: str, default: str, allowed: tuple[str, ...]) -> str:
    value = text(name, default)
    if value not in allowed:
        raise WrongSetting(name, f"{value!r} is not one of {', '.join(allowed)}.")
    return value


def words(name: str) -> list[str]:
    """A comma-separated list."""
    return [word.strip() for word in os.environ.get(name, "").split(",") if word.strip()]


def database(name: str, sqlite_path: Path) -> dict[str, object]:
    """Django's database settings from `postgresql://user:password@host:port/name`; SQLite under `sqlite_path` when unset."""
    url = os.environ.get(name, "")
    if not url:
        return _sqlite(sqlite_path)
    parts = split_url(name, url)
    if parts.scheme not in ("postgresql", "postgres"):
        raise WrongSetting(name, "only postgresql:// is understood; leave it unset for the embedded SQLite database.")
    if not parts.path.strip("/"):
        raise WrongSetting(name, "names no database; write postgresql://user:password@host:port/name.")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.strip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "OPTIONS": dict(parse_qsl(parts.query)),
    }


def split_url(name: str, url: str) -> SplitResult:
    """The URL's parts, with a port that is a number."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as wrong:
        raise WrongSetting(name, f"is no URL: {wrong}.") from None
    return parts


def redis_url(name: str) -> str:
    """`redis://host:port/number` (or rediss://), empty when unset."""
    url = os.environ.get(name, "")
    if url and split_url(name, url).scheme not in ("redis", "rediss"):
        raise WrongSetting(name, "only redis:// and rediss:// are understood; leave it unset for embedded mode.")
    return url


def _sqlite(path: Path) -> dict[str, object]:
    """Many readers and one writer at a time: writers take the lock when their transaction begins and queue for it."""
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 30,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA busy_timeout=30000;",
        },
    }


def secret(name: str, path: Path) -> str:
    """A secret from the environment, or the one in `path`, made there (readable by the owner alone) at the first start."""
    given = os.environ.get(name, "")
    if given:
        if len(given) < 32:
            raise WrongSetting(name, "is shorter than 32 characters; use a long random one or leave it unset.")
        return given
    path.parent.mkdir(parents=True, exist_ok=True)
    candidate = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    if not path.exists():
        with os.fdopen(os.open(candidate, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
        with contextlib.suppress(FileExistsError):  # the first process wins; a second one then reads the same key
            os.link(candidate, path)
        candidate.unlink()
    return path.read_text().strip()
