"""What the gate is asked about a wave, as values: findings, readiness, KMS, conversions; and the reason it answers with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Reason:
    """Why the gate is closed: a stable code, what it is about, what is wrong, what to do, and what that rests on."""

    code: str
    subject: str
    detail: str
    remedy: str
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class FindingView:
    """One un-waived finding on a machine of the wave, or on its hosts, sources or pool."""

    rule_id: str
    subject: str
    severity: str
    result: str
    title: str
    remedy: str


@dataclass(frozen=True, slots=True)
class ReadinessView:
    """The target pool as evaluated just now: what stands against it, and what only advises. Waivers are already in it."""

    verdict: str
    evaluated_at: datetime
    against: tuple[Reason, ...]
    advice: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class KmsView:
    """The KMS verdict for the Windows machines of the wave. `state`: low, tight, ok, partial or unknown."""

    state: str
    detail: str
    remedy: str
    reading_id: str = ""


@dataclass(frozen=True, slots=True)
class ConversionView:
    name: str
    state: str
    error: str = ""
    next_step: str = ""
    verify: str = "full"


@dataclass(frozen=True, slots=True)
class GateFacts:
    """Everything the gate looks at. A part that could not be had is None and closes the gate."""

    wave: str
    pool: str
    readiness: ReadinessView | None
    kms: KmsView | None
    windows_machines: int
    findings: tuple[FindingView, ...]
    conversions: tuple[ConversionView, ...]
    accepted_risks: frozenset[str]
    boot_proven: bool
    not_assessed: tuple[str, ...] = ()
    """Machines whose latest inventory has no finished assessment: nobody knows what stands against them."""
    off_at_source: tuple[str, ...] = ()
    """Machines that are powered off at their source and would be started in the pool."""
    from_packages: tuple[str, ...] = ()
    """Machines that come out of OVF packages: whether their originals still run, and hold newer data, cannot be read."""
    unproven: tuple[str, ...] = ()
    """Those of them whose package has no digest for each of its files: nobody can tell whether their disks are whole."""
    ha_intent: str = "required"
    ha_enabled: bool | None = True
    """Whether HA is on in the pool; None where that could not be read."""
    readiness_error: str = ""
