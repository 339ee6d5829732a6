"""Certificates of a source or pool: shown, compared by a person, confirmed. Never confirmed by themselves."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from xenbound_cli.exits import CliError, UsageError
from xenbound_cli.screen import Column
from xenbound_cli.session import Session
from xenbound_cli.texts import count, moment

COLUMNS = [
    Column("ADDRESS", "address"),
    Column("SUBJECT", "subject"),
    Column("VALID UNTIL", "not_after", moment),
    Column("CONFIRMED", "confirmed"),
    Column("SHA-256", "sha256"),
]
_DIGITS = re.compile(r"[0-9A-F]{64}")


def canonical(text: str) -> str:
    """A fingerprint as the API spells it, `AA:BB:..`. Raises: UsageError."""
    digits = re.sub(r"[:\s]", "", text).upper()
    if not _DIGITS.fullmatch(digits):
        raise UsageError(f"{text!r} is no SHA-256 fingerprint: 64 hex digits are needed.")
    return ":".join(digits[n : n + 2] for n in range(0, 64, 2))


def show(session: Session, endpoint: dict[str, Any]) -> None:
    """The certificates the last probe saw, and which of them are confirmed."""
    pins = set(endpoint["tls_thumbprints"])
    rows = [{**offered, "confirmed": offered["sha256"] in pins} for offered in endpoint["certificates"]]
    session.screen.table(rows, COLUMNS, empty="No certificate was seen yet.")


def open_ones(endpoint: dict[str, Any]) -> list[str]:
    """Fingerprints the last probe saw that nobody confirmed."""
    return sorted({offered["sha256"] for offered in endpoint["certificates"]} - set(endpoint["tls_thumbprints"]))


def chosen(session: Session, endpoint: dict[str, Any], named: Sequence[str]) -> list[str]:
    """What shall be trusted from now on: what the person vouches for, and what was confirmed and is still shown.

    Raises: UsageError when nobody vouches, CliError when a named fingerprint was not seen or there is nothing to confirm.
    """
    offered = {certificate["sha256"] for certificate in endpoint["certificates"]}
    kept = offered & set(endpoint["tls_thumbprints"])
    if named:
        wanted = {canonical(text) for text in named}
        strangers = sorted(wanted - offered)
        if strangers:
            raise CliError(
                f"{endpoint['name']} did not show {', '.join(strangers)} at the last probe.",
                code="unknown_pin",
                next_step="Probe again and compare with the machine's own console.",
            )
        return sorted(wanted | kept)
    if not open_ones(endpoint):
        raise CliError(f"{endpoint['name']} shows no certificate that is not confirmed.", next_step="Probe it first.")
    return sorted(_vouched(session, endpoint) | kept)


def _vouched(session: Session, endpoint: dict[str, Any]) -> set[str]:
    fresh = open_ones(endpoint)
    if session.shell.is_interactive:
        for offered in endpoint["certificates"]:
            if offered["sha256"] in fresh:
                session.screen.note(f"{offered.get('address', '')}  {offered['subject']}  {offered['sha256']}")
    answer = session.shell.ask(
        f"Did you compare {count(len(fresh), 'fingerprint')} with the machines' own consoles? Type yes to trust: ",
        instead="Name each fingerprint you compared: --sha256 AA:BB:...",
    )
    if answer.casefold() != "yes":
        raise CliError("Nothing was confirmed.", next_step="Compare the fingerprints, then confirm again.")
    return set(fresh)
