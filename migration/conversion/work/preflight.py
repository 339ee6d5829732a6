"""Looks at both sides before the first byte of a wave: facts of the pool, rights, power, every address, this worker's memory.

Changes nothing and decides nothing; a password goes only to servers whose certificate is confirmed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

from estate.errors import AskPerson, EdgeError
from estate.facts.pool import PoolFacts
from estate.facts.source import PowerState
from estate.facts.unknown import Unknown
from estate.tls import fetch_certificates, fingerprint
from estate.vsphere import power, privileges
from estate.vsphere.session import VsphereSession
from estate.xapi import rights, vm
from estate.xapi.pool import read_facts
from estate.xapi.session import XapiSession
from migration.assessment import selectors as assessment
from migration.conversion import selectors
from migration.conversion.core.bandwidth import bytes_until_read_back, lanes_at_once, longest_s, windows_from
from migration.conversion.core.preflight import LONGEST_TASK_S, Look, Seen, SrView, Way, look
from migration.conversion.core.spec import ConversionSpec
from migration.conversion.core.states import State
from migration.conversion.core.verifying import Level, policy_from
from migration.conversion.models import Conversion
from migration.conversion.services.describing import specs_of
from migration.conversion.work.sessions import pool_of, server_of
from migration.planning import selectors as planning
from migration.planning.core.target import is_thick, thick_vdi_bytes
from migration.planning.services import batches
from project.backbone.clock import now
from project.backbone.endpoints.selectors import endpoint
from project.backbone.jobs.context import JobContext
from project.backbone.models import Endpoint, Project

MEMINFO = Path("/proc/meminfo")
AT_ONCE = 16
TO_COME = frozenset({State.PLANNED, State.PREPARING, State.READY, State.COPYING})


@dataclass(frozen=True, slots=True)
class ToMove:
    """A machine that is to be copied: what is made of it, under which policy, and what is made of it already."""

    spec: ConversionSpec
    verify: str
    pool_id: str
    conversion_id: str = ""
    disks_made: frozenset[int] = frozenset()
    """Device keys."""


def look_at_wave(job: JobContext, wave_id: str) -> dict[str, Any]:
    """Every answer for the wave's machines that are not copied yet, and how many there are of each kind."""
    rows = [row for row in selectors.conversions_of_wave(wave_id) if State(row.state) in TO_COME]
    if not rows:
        return {"looks": [], "counts": {}}
    return _told(look_at(job, rows[0].project, [_to_move(row) for row in rows]))


def look_at_batch(job: JobContext, wanted: dict[str, Any], *, verify: str) -> dict[str, Any]:
    """The same for the machines of a batch that can be planned; `{name, pool, mapping, conversions}` in JSON values."""
    project = Project.objects.get(jobs=job.id)
    request = batches.request_of(wanted["name"], wanted["pool"], wanted["mapping"], wanted["conversions"])
    drafted, _ = batches.draft(project, request)
    specs = specs_of(planning.drafted_machines(project, request.pool_id, drafted))
    if not specs:
        return {"looks": [], "counts": {}}
    return _told(look_at(job, project, [ToMove(spec, verify, str(request.pool_id)) for spec in specs]))


def _told(looks: list[Look]) -> dict[str, Any]:
    return {"looks": [asdict(each) for each in looks], "counts": dict(Counter(each.result.value for each in looks))}


def _to_move(row: Conversion) -> ToMove:
    made = frozenset(copy.device_key for copy in selectors.disks_of(row) if copy.vdi_uuid)
    return ToMove(selectors.spec_of(row), row.verify, str(row.pool_id), str(row.pk), made)


def look_at(job: JobContext, project: Project, machines: Sequence[ToMove]) -> list[Look]:
    """Every answer for these machines, all of one pool. Raises: EdgeError when the pool cannot be read."""
    return look([each.spec for each in machines], _seen(job, project, machines))


def _seen(job: JobContext, project: Project, machines: Sequence[ToMove]) -> Seen:
    specs = [each.spec for each in machines]
    job.say("Looking at the pool")
    with pool_of(specs[0], job.alive) as pool:
        facts = read_facts(pool, now())
        taken = vm.macs_in_use(pool, except_conversions={each.conversion_id for each in machines if each.conversion_id})
        forbidden = _forbidden(pool, specs)
    running = selectors.running_settings(project)
    windows = windows_from(running.bandwidth)
    at_once = settings.JOBS_SLOTS["disks"]
    lanes = lanes_at_once(sum(len(spec.disks) for spec in specs), machines_at_once=at_once, disks_at_once=running.disks_at_once)
    job.say("Looking at the sources and the ways to both sides")
    sources = _sources(job, specs)
    return Seen(
        pool=facts.name,
        srs=tuple(_srs(facts, machines)),
        macs_taken=taken,
        templates=frozenset(template.name for template in facts.templates),
        ways=_ways(specs),
        rights_missing={name: missing for name, (missing, _) in sources.items()},
        pool_forbids=forbidden,
        power={machine_id: state for _, states in sources.values() for machine_id, state in states.items()},
        slowest_bytes_per_s=min((window.bytes_per_s for window in windows), default=None),
        readback_s=longest_s(windows, machines[0].pool_id, _until_read_back_bytes(machines, lanes), most_s=LONGEST_TASK_S),
        disks_on_their_way=lanes,
        segment_bytes=settings.SEGMENT_BYTES,
        segment_s=settings.SEGMENT_S,
        memory_free_bytes=_memory_free_bytes(),
        copies_per_worker=at_once,
        disks_at_once=running.disks_at_once,
        limits=assessment.limits(project.target_product, project.policy_profile),
        sr_kinds={sr.uuid: sr.kind for sr in facts.srs},
    )


def _until_read_back_bytes(machines: Sequence[ToMove], lanes: int) -> int:
    read_back = [each.spec for each in machines if policy_from(each.verify).level is not Level.OFF]
    largest = max((disk.capacity_bytes for spec in read_back for disk in spec.disks), default=0)
    everything = sum(disk.capacity_bytes for each in machines for disk in each.spec.disks)
    return bytes_until_read_back(largest, everything - largest, lanes) if largest else 0


def _srs(facts: PoolFacts, machines: Sequence[ToMove]) -> Iterator[SrView]:
    """What each SR still has to take: of a thick one only VDIs that are not made, of a thin one all that is not copied."""
    wanted = {disk.sr_uuid for each in machines for disk in each.spec.disks}
    for uuid in sorted(wanted - {sr.uuid for sr in facts.srs}):
        yield SrView(uuid, Unknown("the pool does not show this SR"), thick=True, claims={})
    for sr in facts.srs:
        thick, claims = is_thick(sr), Counter[str]()
        for each in machines:
            for disk in each.spec.disks:
                if disk.sr_uuid == sr.uuid and not (thick and disk.device_key in each.disks_made):
                    claims[each.spec.name] += thick_vdi_bytes(disk.capacity_bytes) if thick else disk.capacity_bytes
        if sr.uuid in wanted:
            yield SrView(sr.name, sr.free_bytes, thick, claims)


def _forbidden(pool: XapiSession, specs: Iterable[ConversionSpec]) -> tuple[str, ...] | Unknown:
    """What the pool's account may not call for these machines, in words."""
    machines = list(specs)
    needed = dict(rights.NEEDED)
    needed |= rights.FOR_VTPM if any(spec.vtpm for spec in machines) else {}
    needed |= rights.FOR_HA if any(spec.ha_restart_priority for spec in machines) else {}
    try:
        calls = rights.forbidden_calls(pool, needed)
    except EdgeError as fault:
        return Unknown(fault.message)
    return calls if isinstance(calls, Unknown) else tuple(f"{call} ({needed[call]})" for call in calls)


Missing = tuple[str, ...] | Unknown
States = dict[str, PowerState | Unknown]


def _sources(job: JobContext, specs: Iterable[ConversionSpec]) -> dict[str, tuple[Missing, States]]:
    """Per source, by name: what its account lacks for the machines that come from it, and whether these run, by machine id."""
    of_source: dict[str, list[ConversionSpec]] = {}
    for spec in specs:
        if spec.source_endpoint_id:
            of_source.setdefault(spec.source_endpoint_id, []).append(spec)
    return {endpoint(endpoint_id).name: _source(job, own) for endpoint_id, own in of_source.items()}


def _source(job: JobContext, own: list[ConversionSpec]) -> tuple[Missing, States]:
    try:
        with server_of(own[0]) as session:
            return _privileges(session, own), {spec.machine_id: _power(job, session, spec) for spec in own}
    except EdgeError as fault:
        unknown = Unknown(fault.message)
        return unknown, {spec.machine_id: unknown for spec in own}


def _privileges(session: VsphereSession, own: list[ConversionSpec]) -> Missing:
    from_files = any(disk.from_files for spec in own for disk in spec.disks)
    needed = {**privileges.NEEDED, **privileges.FOR_FILES} if from_files else privileges.NEEDED
    missing = privileges.missing_privileges(session, needed)
    return missing if isinstance(missing, Unknown) else tuple(f"{each.privilege} ({each.purpose})" for each in missing)


def _power(job: JobContext, session: VsphereSession, spec: ConversionSpec) -> PowerState | Unknown:
    job.alive()
    try:
        return power.state(session, spec.source_vm_id).power_state
    except AskPerson as refused:
        return Unknown(refused.message)


def _ways(specs: Iterable[ConversionSpec]) -> tuple[Way, ...]:
    ids = {key for spec in specs for key in (spec.source_endpoint_id, spec.pool_endpoint_id) if key}
    asked = [(address, place) for place in Endpoint.objects.filter(pk__in=ids) for address in sorted(_addresses(place))]
    with ThreadPoolExecutor(AT_ONCE) as threads:
        return tuple(threads.map(lambda pair: _way(*pair), asked))


def _addresses(place: Endpoint) -> set[str]:
    """The server itself, and the hosts behind it that showed a certificate."""
    shown = {str(each.get("address", "")) for each in place.offered_pins}
    return {place.url, *(f"https://{address}" for address in shown if ":" in address)}


def _way(address: str, place: Endpoint) -> Way:
    shown = address.removeprefix("https://")
    try:
        offered = fetch_certificates(address)
    except EdgeError as fault:
        return Way(shown, place.name, fault.message, certain=address == place.url)
    if fingerprint(offered.sha256) in {fingerprint(pin) for pin in place.pins}:
        return Way(shown, place.name)
    return Way(shown, place.name, f"it shows the certificate {offered.sha256}, which nobody confirmed")


def _memory_free_bytes() -> int | Unknown:
    """What this worker's machine has left. Source: proc(5), MemAvailable in KiB."""
    try:
        line = next(line for line in MEMINFO.read_text(encoding="ascii").splitlines() if line.startswith("MemAvailable:"))
        return int(line.split()[1]) << 10
    except (OSError, ValueError, IndexError, StopIteration):
        return Unknown("this system does not tell")
