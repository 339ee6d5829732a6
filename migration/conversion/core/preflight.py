"""What can be known before the first byte: space, addresses, templates, limits, rights, power, ways, tasks' lifetime, memory.

Pure: what was looked at comes in as values. Every question is answered for itself, so that all problems are told at once;
what could not be read is `unknown`, which is shown and is never a pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from estate.facts.source import PowerState
from estate.facts.unknown import Unknown
from migration.assessment.core.limits import Limits
from migration.conversion.core.spec import ConversionSpec, DiskSpec

CD_DRIVES = 1
LONGEST_TASK_S = 20 * 3600.0
"""XAPI forgets a task after 24 h (xapi_globs.ml, task lifetime); a segment has to end well before."""
WORKER_BYTES = 160 << 20
"""What one copy may take in a worker, buffers and interpreter together."""
LANE_BYTES = 64 << 20
"""What each further disk of the same machine takes beside it."""


class Result(StrEnum):
    PASS = "pass"  # noqa: S105 - a word for an answer
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Look:
    """One question about one thing. `next_step` is empty for a pass."""

    code: str
    subject: str
    result: Result
    detail: str
    next_step: str = ""


@dataclass(frozen=True, slots=True)
class SrView:
    """`thick` SRs take a VDI's size at once; `claims` maps a machine to what its VDIs that are not made yet will take there."""

    name: str
    free_bytes: int | Unknown
    thick: bool
    claims: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Way:
    """One address that bytes or calls go to: `fault` says why it cannot be used, empty when it answered as confirmed.

    An address is `certain` unless it is the one under which a vCenter knows a host: the export may name that host otherwise.
    """

    address: str
    of: str
    fault: str = ""
    certain: bool = True


@dataclass(frozen=True, slots=True)
class Seen:
    """All that was looked at for the machines of one wave."""

    pool: str
    srs: tuple[SrView, ...]
    macs_taken: Mapping[str, str]
    templates: frozenset[str]
    ways: tuple[Way, ...]
    rights_missing: Mapping[str, tuple[str, ...] | Unknown]
    """Per source, by name: what its account lacks, in words."""
    pool_forbids: tuple[str, ...] | Unknown
    """Calls of a conversion that the pool's account may not make, in words."""
    power: Mapping[str, PowerState | Unknown]
    """Of the machines of servers, by machine id."""
    slowest_bytes_per_s: int | None
    readback_s: float
    """How long the largest disk that is read back takes at the worst time of the week, sharing the limit; 0 without one."""
    disks_on_their_way: int
    """So many share the limit, at most."""
    segment_bytes: int
    segment_s: float
    memory_free_bytes: int | Unknown
    copies_per_worker: int
    disks_at_once: int
    limits: Limits
    """Of the project's target product."""
    sr_kinds: Mapping[str, str]
    """By SR uuid, as the pool names them."""


def look(specs: Iterable[ConversionSpec], seen: Seen) -> list[Look]:
    """Every answer, for the wave and for each machine."""
    machines = list(specs)
    return [
        *_rights(seen),
        _pool_rights(seen),
        *_power(machines, seen),
        *_ways(seen),
        *_space(seen),
        *_addresses(machines, seen),
        *_templates(machines, seen),
        *_limits(machines, seen),
        _task(seen),
        *_readback(seen),
        _memory(seen),
    ]


def failed(looks: Iterable[Look]) -> list[Look]:
    return [each for each in looks if each.result is Result.FAIL]


def _rights(seen: Seen) -> Iterator[Look]:
    for source, missing in seen.rights_missing.items():
        if isinstance(missing, Unknown):
            remedy = "Probe the source and look at its missing rights."
            yield Look(
                "rights", source, Result.UNKNOWN, f"which rights the account has could not be read ({missing.reason})", remedy
            )
        elif missing:
            remedy = "Give the account these rights at the source, or store another account."
            yield Look("rights", source, Result.FAIL, f"the account lacks {', '.join(missing)}", remedy)
        else:
            yield Look("rights", source, Result.PASS, "the account has every right that is needed")


def _pool_rights(seen: Seen) -> Look:
    if isinstance(seen.pool_forbids, Unknown):
        detail = f"what the account's role allows could not be read ({seen.pool_forbids.reason})"
        return Look("pool_rights", seen.pool, Result.UNKNOWN, detail, "See at the pool which role the account has.")
    if seen.pool_forbids:
        remedy = "Give the account a role that allows these calls at the pool, or store another account."
        return Look("pool_rights", seen.pool, Result.FAIL, f"the account's role forbids {', '.join(seen.pool_forbids)}", remedy)
    return Look("pool_rights", seen.pool, Result.PASS, "the account's role allows every call that is needed")


def _power(machines: list[ConversionSpec], seen: Seen) -> Iterator[Look]:
    """A suspended machine cannot be shut down: what its memory holds would be lost."""
    for spec in machines:
        state = seen.power.get(spec.machine_id)
        if isinstance(state, Unknown):
            remedy = "See in the vSphere Client why its state is not shown."
            yield Look("source_power", spec.name, Result.UNKNOWN, f"whether it runs could not be read ({state.reason})", remedy)
        elif state == PowerState.SUSPENDED:
            remedy = "Resume it and shut its guest down, or power it off in the vSphere Client to discard the state."
            yield Look("source_power", spec.name, Result.FAIL, "it is suspended, and its memory would be lost", remedy)
        elif state is not None:
            yield Look("source_power", spec.name, Result.PASS, "it runs" if state == PowerState.ON else "it is off")


def _ways(seen: Seen) -> Iterator[Look]:
    for way in seen.ways:
        if way.fault:
            remedy = "Open the way from the worker to this address, correct its name, or confirm its certificate; then try again."
            result = Result.FAIL if way.certain else Result.UNKNOWN
            yield Look("way", f"{way.of} ({way.address})", result, way.fault, remedy)
        else:
            yield Look("way", f"{way.of} ({way.address})", Result.PASS, "it answers with the certificate that was confirmed")


def _space(seen: Seen) -> Iterator[Look]:
    for sr in seen.srs:
        need = sum(sr.claims.values())
        if isinstance(sr.free_bytes, Unknown):
            result = Result.FAIL if sr.thick else Result.UNKNOWN  # planning, too, gives no machine to such an SR
            remedy = "Repair the SR's connection, then try again; or map machines to another SR and plan them anew."
            yield Look("sr_space", sr.name, result, f"what it has free could not be read ({sr.free_bytes.reason})", remedy)
        elif need <= sr.free_bytes:
            yield Look("sr_space", sr.name, Result.PASS, f"{need} bytes fit into its {sr.free_bytes} free ones")
        elif sr.thick:
            remedy = f"Make room for {need - sr.free_bytes} bytes more, or map machines to another SR."
            yield Look("sr_space", sr.name, Result.FAIL, f"{need} bytes are needed and {sr.free_bytes} are free", remedy)
        else:
            remedy = "Watch the SR while it fills, make room, or map machines to another one."
            detail = f"its VDIs may grow to {need} bytes and {sr.free_bytes} are free; how much will be written is not known"
            yield Look("sr_space", sr.name, Result.UNKNOWN, detail, remedy)


def _addresses(machines: list[ConversionSpec], seen: Seen) -> Iterator[Look]:
    owner: dict[str, str] = {}
    for spec in machines:
        clashes = []
        for mac in (nic.mac_address for nic in spec.nics if nic.mac_address):
            other = seen.macs_taken.get(mac) or owner.setdefault(mac, spec.machine_id)
            if other != spec.machine_id:
                clashes.append(f"{mac} ({seen.macs_taken.get(mac) or 'another machine of this wave'})")
        if clashes:
            remedy = "Find out whether that VM is an earlier copy of this machine; remove it or change one address."
            yield Look("mac_in_use", spec.name, Result.FAIL, f"addresses in use in the pool: {', '.join(clashes)}", remedy)
        else:
            yield Look("mac_in_use", spec.name, Result.PASS, "none of its addresses is in use in the pool")


def _templates(machines: list[ConversionSpec], seen: Seen) -> Iterator[Look]:
    for name in sorted({spec.template_name for spec in machines}):
        if name in seen.templates:
            yield Look("template", name, Result.PASS, f"pool {seen.pool} has it")
        else:
            remedy = "Choose a template that the pool has, in the mapping, and plan these machines anew."
            yield Look("template", name, Result.FAIL, f"pool {seen.pool} has no template of this name", remedy)


def _limits(machines: list[ConversionSpec], seen: Seen) -> Iterator[Look]:
    remedy = "Make it smaller at the source, collect it and plan anew; a disk may fit on an SR of another kind."
    for spec in machines:
        fits = {f"{disk.label} of {disk.capacity_bytes} bytes on its SR": _fits(disk, seen) for disk in spec.disks}
        over = [*_over(spec, seen.limits), *(disk for disk, answer in fits.items() if answer is False)]
        undecided = [disk for disk, answer in fits.items() if isinstance(answer, Unknown)]
        if over:
            yield Look("limits", spec.name, Result.FAIL, f"{seen.limits.product} does not take {'; '.join(over)}", remedy)
        elif undecided:
            detail = f"whether {seen.limits.product} takes {'; '.join(undecided)} depends on the pool's updates"
            yield Look("limits", spec.name, Result.UNKNOWN, detail, "Ask the pool's vendor about large disks, or map another SR.")
        else:
            yield Look("limits", spec.name, Result.PASS, f"it is within what {seen.limits.product} takes")


def _over(spec: ConversionSpec, limits: Limits) -> Iterator[str]:
    """What the machine has too much of. One place among the drives is the CD's."""
    counts = (
        (len(spec.nics), "interfaces", limits.nics_max),
        (len(spec.disks), "disks", limits.devices_max - CD_DRIVES),
        (spec.vcpus, "vCPUs", limits.vcpus_windows_max if spec.is_windows else limits.vcpus_max),
        (spec.memory_bytes, "bytes of memory", limits.memory_max_bytes),
    )
    return (f"{count} {what} (at most {most})" for count, what, most in counts if count > most)


def _fits(disk: DiskSpec, seen: Seen) -> bool | Unknown:
    """Whether an SR of that kind holds such a disk. Of an SR that the pool does not show, `sr_space` tells."""
    most = seen.limits.vdi_limit_bytes(seen.sr_kinds.get(disk.sr_uuid, ""))
    if isinstance(most, Unknown):
        return True if disk.capacity_bytes <= seen.limits.vhd_vdi_bytes else most
    return disk.capacity_bytes <= most


def _task(seen: Seen) -> Look:
    if seen.slowest_bytes_per_s is None:
        return Look("task_lifetime", seen.pool, Result.PASS, "no bandwidth limit holds a segment up")
    takes_s = min(seen.segment_s, seen.segment_bytes / seen.slowest_bytes_per_s)
    detail = f"a segment ends after {takes_s / 3600:.1f} h at the latest, at {seen.slowest_bytes_per_s} bytes a second"
    if takes_s <= LONGEST_TASK_S:
        return Look("task_lifetime", seen.pool, Result.PASS, detail)
    remedy = "Raise the bandwidth limit, or make segments smaller (XENBOUND_SEGMENT_S): the pool forgets a task after 24 h."
    return Look("task_lifetime", seen.pool, Result.FAIL, detail, remedy)


def _readback(seen: Seen) -> Iterator[Look]:
    """A disk is read back in one request with one task, however large it is."""
    if not seen.readback_s:
        return
    sharing = f" and {seen.disks_on_their_way} disks share the limit" if seen.disks_on_their_way > 1 else ""
    worst = f"if it begins at the slowest time of the week{sharing}"
    detail = f"reading the largest disk back takes {seen.readback_s / 3600:.1f} h {worst}"
    if seen.readback_s < LONGEST_TASK_S:
        yield Look("task_lifetime", f"{seen.pool}, read-back", Result.PASS, detail)
        return
    remedy = (
        "Raise the bandwidth limit, let fewer disks share it (`disks_at_once`, XENBOUND_SLOTS_DISKS), or take that machine in a "
        "batch with another `verify`: a task is forgotten after 24 h."
    )
    yield Look("task_lifetime", f"{seen.pool}, read-back", Result.FAIL, f"{detail}, or more", remedy)


def _memory(seen: Seen) -> Look:
    need = (WORKER_BYTES + LANE_BYTES * (seen.disks_at_once - 1)) * seen.copies_per_worker
    if isinstance(seen.memory_free_bytes, Unknown):
        remedy = f"Make sure that a worker has {need} bytes."
        return Look("worker_memory", "worker", Result.UNKNOWN, f"it could not be read ({seen.memory_free_bytes.reason})", remedy)
    copies = f"{seen.copies_per_worker} copies of {seen.disks_at_once} disks at a time"
    detail = f"{copies} need {need} bytes and {seen.memory_free_bytes} are free"
    if seen.memory_free_bytes >= need:
        return Look("worker_memory", "worker", Result.PASS, detail)
    return Look(
        "worker_memory",
        "worker",
        Result.FAIL,
        detail,
        "Give the worker more memory, lower XENBOUND_SLOTS_DISKS or disks_at_once.",
    )
