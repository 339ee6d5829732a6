"""What the value of each simple attestation must hold, and what it may be about.

The kinds with rules of their own are in attestations.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from readiness.core.evidence import EvidenceKind


class About(StrEnum):
    """What the subject must name; FREE asks for nothing."""

    HOST = "host"
    SR = "SR"
    VM = "VM"
    MESSAGE = "message"
    FREE = "free"


def is_number(value: Any) -> bool:
    """A finite number that is not negative."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < math.inf


def _is_offset(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(_is_text(each) for each in value)


def _are_paths(value: Any) -> bool:
    needed, free = ("port", "node"), ("switch", "target")
    return (
        isinstance(value, list)
        and bool(value)
        and all(
            isinstance(path, dict)
            and all(_is_text(path.get(key)) for key in needed)
            and all(path.get(key) is None or _is_text(path[key]) for key in free)
            for path in value
        )
    )


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a value: how it is told right from wrong, in code and in words; `needed` unless it may be left out."""

    key: str
    fits: Callable[[Any], bool]
    words: str
    needed: bool = True


@dataclass(frozen=True, slots=True)
class Shape:
    """What an attestation is about and the members of its value."""

    about: About
    members: tuple[Member, ...]


def _flag(key: str, *, needed: bool = True) -> Member:
    return Member(key, _is_flag, "must be true or false", needed)


def _number(key: str, words: str, *, needed: bool = True) -> Member:
    return Member(key, is_number, f"must be {words}", needed)


SHAPES: dict[EvidenceKind, Shape] = {
    EvidenceKind.NTP_TRACKING: Shape(
        About.HOST,
        (
            _flag("synced"),
            Member("offset_s", _is_offset, "must be the clock's offset in seconds"),
            _number("servers", "how many servers it knows"),
        ),
    ),
    EvidenceKind.COORDINATOR_CHOICE: Shape(About.HOST, (_flag("stays"),)),
    EvidenceKind.DATABASE_DUMP: Shape(About.FREE, (_flag("stored_off_pool"),)),
    EvidenceKind.GUEST_SHUTDOWN_CHOICE: Shape(About.FREE, (_flag("restart"),)),
    EvidenceKind.MAINTENANCE_PLAN: Shape(About.FREE, (_flag("disables_hosts"), _flag("rechecks_timeout"))),
    EvidenceKind.EMERGENCY_RUNBOOK: Shape(About.FREE, (_flag("has_commands"), _flag("console_tested"))),
    EvidenceKind.HEARTBEAT_PORT: Shape(About.FREE, (_flag("open"),)),
    EvidenceKind.NETWORK_PULL_TEST: Shape(About.HOST, (_flag("nic_pulled"), _flag("switch_off"), _flag("fenced"))),
    EvidenceKind.NFS_SERVER: Shape(
        About.SR, (_number("heads", "how many heads the server has"), _number("failover_s", "seconds", needed=False))
    ),
    EvidenceKind.MULTIPATH_CONF: Shape(
        About.HOST, (Member("digest", _is_text, "must be the file's SHA-256, or the word none"), _flag("per_vendor"))
    ),
    EvidenceKind.HEARTBEAT_LATENCY: Shape(
        About.HOST,
        (
            _number("statefile_max_s", "the highest latency in seconds"),
            _number("network_max_s", "the highest latency in seconds"),
        ),
    ),
    EvidenceKind.BUSINESS_ROLE: Shape(
        About.VM,
        (
            _flag("critical"),
            _number("rto_s", "seconds", needed=False),
            Member(
                "role",
                lambda value: value in ("domain_controller", "kms_host", "other"),
                "must be domain_controller, kms_host or other",
                needed=False,
            ),
            Member("start_after", _are_texts, "must list the VMs that have to run before it", needed=False),
        ),
    ),
    EvidenceKind.DOM0_DISK: Shape(About.HOST, (_number("used_percent", "how full the fullest disk is, in percent"),)),
    EvidenceKind.ALERT_TRIAGE: Shape(About.MESSAGE, (Member("note", _is_text, "must say what the alert was"),)),
    EvidenceKind.XAPI_HEALTHCHECK: Shape(About.HOST, (_flag("ok"),)),
    EvidenceKind.FEATURE_REVIEW: Shape(About.FREE, (_flag("ha_left_on"),)),
    EvidenceKind.STORAGE_PATHS: Shape(
        About.HOST, (Member("paths", _are_paths, "must list the host's paths: [{port, node, switch?, target?}]"),)
    ),
    EvidenceKind.POWER_FEED: Shape(
        About.FREE,
        (
            Member("hosts", _are_texts, "must list hosts that go dark with the feed, by uuid or name; it may be empty"),
            Member("switches", _are_texts, "must list switches or stacks as the cabling names them; it may be empty"),
            Member("storage_nodes", _are_texts, "must list storage nodes by their names; it may be empty"),
        ),
    ),
    EvidenceKind.HOST_FAILURE_TEST: Shape(
        About.HOST,
        (
            _flag("vms_restarted"),
            _number("restart_s", "seconds until the VMs answered"),
            _number("boot_s", "seconds", needed=False),
        ),
    ),
}


def faults_of(shape: Shape, value: dict[str, Any]) -> list[tuple[str, str]]:
    """(key, what is wrong) of each member that does not fit, or is missing and needed."""
    return [
        (member.key, member.words)
        for member in shape.members
        if (member.needed or value.get(member.key) is not None) and not member.fits(value.get(member.key))
    ]
