"""What a login leaves behind: server, token and project in config.toml (0600), and how environment and options override it.

The stored token goes to the server it came from and to no other.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from xenbound_cli.exits import CliError, UsageError

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700
OTHERS = 0o077


@dataclass(frozen=True, slots=True)
class Settings:
    """Which server, as whom, on which project. `project` is an id or a name; `ca` a file of trusted certificates."""

    url: str = ""
    token: str = ""
    username: str = ""
    project: str = ""
    ca: str = ""


def config_file(environ: Mapping[str, str]) -> Path:
    """`~/.config/xenbound/config.toml`, or below XDG_CONFIG_HOME."""
    home = environ.get("XDG_CONFIG_HOME") or str(Path(environ.get("HOME") or Path.home()) / ".config")
    return Path(home) / "xenbound" / "config.toml"


def read(path: Path) -> Settings:
    """The stored settings; empty ones without a file. Raises: CliError when the file cannot be read or is no TOML."""
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Settings()
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CliError(
            f"{path} cannot be read: {error}.", next_step="Correct it, or remove it and run xenbound login again."
        ) from error
    known = {name: found[name] for name in asdict(Settings()) if isinstance(found.get(name), str)}
    return Settings(**known)


def write(path: Path, settings: Settings) -> None:
    """Replace the file in one step; nobody but its owner can read it at any moment. Raises: CliError."""
    try:
        path.parent.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".config-")  # mkstemp makes it 0600
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as out:
                out.write("# Written by xenbound login. The token acts in your name: keep this file to yourself.\n")
                out.writelines(f"{name} = {_toml(value)}\n" for name, value in asdict(settings).items() if value)
            os.replace(temporary, path)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
            raise
    except OSError as error:
        raise CliError(f"{path} cannot be written: {error.strerror}.", next_step="Make the folder writable for you.") from error


def exposure(path: Path) -> str:
    """A warning when others can read or write the file; empty when all is well. Only where files have such modes."""
    if os.name != "posix" or not path.exists():
        return ""
    mode = stat.S_IMODE(path.stat().st_mode)
    if not mode & OTHERS:
        return ""
    return f"warning: {path} holds your token and others can reach it (mode {mode:04o}). Close it: chmod 600 {path}"


def checked_url(text: str) -> str:
    """The server's base URL without a slash at its end. Raises: UsageError."""
    plain = text.strip().rstrip("/").removesuffix("/api/v1").rstrip("/")
    try:
        parts = urlsplit(plain)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable or parts.username is not None or parts.query or parts.fragment:
        raise UsageError(
            f"{text!r} is not the address of a server.", next_step="Write https://host or https://host:port, without a user name."
        )
    return plain


def is_exposed(url: str) -> bool:
    """Whether a password sent there could be read on the way: plain http to another machine."""
    parts = urlsplit(url)
    return parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1")


def effective(stored: Settings, environ: Mapping[str, str], *, url: str = "", project: str = "", ca: str = "") -> Settings:
    """Options over environment over file. Token, project and user of the file count only for the file's own server."""
    wanted = url or environ.get("XENBOUND_URL", "")
    chosen = checked_url(wanted) if wanted else stored.url
    kept = stored if chosen == stored.url else Settings()
    return Settings(
        url=chosen,
        token=environ.get("XENBOUND_TOKEN", "") or kept.token,
        username=kept.username,
        project=project or environ.get("XENBOUND_PROJECT", "") or kept.project,
        ca=ca or kept.ca,
    )


def _toml(text: str) -> str:
    """A TOML basic string: JSON's escapes are TOML's, but for the delete character."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
