"""What every command is given: the server, the screen, the chosen project. Opened once per run by main.py."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import UUID

from xenbound_cli.api import Api
from xenbound_cli.config import Settings
from xenbound_cli.exits import CannotReach, CliError, UsageError
from xenbound_cli.screen import Screen
from xenbound_cli.shell import Shell


@dataclass
class Session:
    """One run. The connection is opened at first use, so that usage errors need no server."""

    shell: Shell
    screen: Screen
    settings: Settings
    config_path: Path

    @cached_property
    def api(self) -> Api:
        """The server, signed in. Raises: CannotReach when no server or token is known."""
        if not self.settings.url:
            raise CannotReach("No server is known.", next_step="Run xenbound login URL, or set XENBOUND_URL and XENBOUND_TOKEN.")
        if not self.settings.token:
            raise CannotReach(
                f"You are not signed in at {self.settings.url}.",
                code="not_signed_in",
                next_step=f"Run xenbound login {self.settings.url}, or set XENBOUND_TOKEN.",
            )
        return Api(self.settings, self.shell.transport)

    @cached_property
    def project_id(self) -> str:
        """The chosen project's id; without a choice the only one there is. Raises: UsageError, CliError."""
        chosen = self.settings.project
        if is_id(chosen):
            return chosen
        rows = self.api.rows("projects", {"name": chosen} if chosen else {})
        if len(rows) == 1:
            return str(rows[0]["id"])
        if chosen:
            raise CliError(
                f"{'There is no' if not rows else 'There are several'} projects named {chosen} among yours.",
                next_step="See xenbound projects list, and give the id.",
            )
        raise UsageError(
            "No project is chosen." if rows else "You have a part in no project yet.",
            next_step="xenbound projects use NAME, or --project, or XENBOUND_PROJECT."
            if rows
            else "xenbound projects create NAME, or ask an admin to make you a member.",
        )

    def path(self, tail: str) -> str:
        """A path below the chosen project."""
        return f"projects/{self.project_id}/{tail}"

    def close(self) -> None:
        """Close the connection if there is one."""
        api: Any = self.__dict__.get("api")
        if api is not None:
            api.close()


def is_id(text: str) -> bool:
    """Whether a text is an id rather than a name."""
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False
