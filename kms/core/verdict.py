"""Whether KMS activation will hold for the machines of a wave: the values the cutover gate asks for and gets.

Values only; judge.py arrives at them. The figure is the lowest projected count from the move to 45 days on, never today's.
Without a fresh reading the answer is UNKNOWN, and unknown never counts as a pass. `tight` and `partial` are for showing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from estate.facts.kms import KmsGuestReading
from estate.facts.unknown import Unknown
from kms.core.alarm import Level
from kms.core.duplicates import DuplicateCmid
from kms.core.forecast import ForecastDay
from kms.core.machines import AliasBook, MachineAlias
from kms.core.observed import HostCount, Quality
from kms.core.plan import CmidPolicy


@dataclass(frozen=True, slots=True)
class PlannedMachine:
    """A Windows machine of the wave, by the ids and names it is known by."""

    machine: MachineAlias
    cmid_policy: CmidPolicy = CmidPolicy.UNKNOWN


@dataclass(frozen=True, slots=True)
class Placement:
    """A VM of a pool: the server it runs on and the SRs of its disks, by names that are one in the whole project."""

    vm_uuid: str
    vm_name: str
    server: str | Unknown
    srs: frozenset[str] | Unknown


@dataclass(frozen=True, slots=True)
class VerdictQuestion:
    """The machines that move at `moves_at`, asked at `now`; `book` joins each machine's names before and after a conversion.

    `guests` are what Windows machines said of themselves, oldest first; `placements` where the VMs of the project's pools run.
    """

    now: datetime
    moves_at: datetime
    machines: tuple[PlannedMachine, ...] = ()
    book: AliasBook = field(default_factory=AliasBook)
    guests: tuple[KmsGuestReading, ...] = ()
    placements: tuple[Placement, ...] = ()


@dataclass(frozen=True, slots=True)
class Reason:
    """One sentence behind a verdict: a stable code, the host, machine or CMID by name, what is wrong, what to do next."""

    code: str
    subject: str
    detail: str
    remedy: str


@dataclass(frozen=True, slots=True)
class HostVerdict:
    """One KMS host's part.

    `server` and `client` hold its projected count against 5 and 25; `state` is what the machines of this wave need of it
    (`needs`, the N of each kind). `lowest` is None where nothing could be projected. `host_moves`: the host itself is in the
    wave; `serves_clients_only`: it runs a client Windows and activates no server, whatever it counts.
    """

    host_id: str
    host_name: str
    state: Level
    server: Level
    client: Level
    count: HostCount
    is_fresh: bool
    lowest: ForecastDay | None
    needs: tuple[int, ...]
    evidence_id: str = ""
    host_moves: bool = False
    serves_clients_only: bool = False


@dataclass(frozen=True, slots=True)
class KmsVerdict:
    """The project's answer: the worst of the hosts the wave's machines rely on.

    `count` is today's smallest count among those hosts; `server_ok`/`client_ok` hold it against 5 and 25 and are None while
    nobody knows. `detail` is the answer in one sentence, `remedy` the next step when there is one, `evidence_id` the reading
    it rests on. `machines_not_seen` are planned machines in no host's log: they may use another way of activation.
    """

    at: datetime
    moves_at: datetime
    state: Level
    quality: Quality | None
    count: int | None
    server_ok: bool | None
    client_ok: bool | None
    server: Level
    client: Level
    lowest: ForecastDay | None
    hosts: tuple[HostVerdict, ...]
    duplicates: tuple[DuplicateCmid, ...]
    machines_not_seen: tuple[str, ...]
    reasons: tuple[Reason, ...]
    detail: str
    remedy: str
    evidence_id: str

    @property
    def closes_gate(self) -> bool:
        """`low` and `unknown` do; `tight` and `partial` are shown."""
        return self.state in (Level.LOW, Level.UNKNOWN)
