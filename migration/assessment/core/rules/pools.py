"""Rules on the target pool (POL): its hosts' processors, what is plugged in, certificates, mounts, templates."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from estate.facts.pool import PbdFacts, PifFacts, PoolFacts, PoolHostFacts, PoolNetworkFacts, SrFacts
from estate.facts.source import VmFacts
from estate.facts.unknown import Unknown
from migration.assessment.core.context import RuleContext
from migration.assessment.core.registry import Subject, rule
from migration.assessment.core.results import Answer, Part, Parts, Severity, answered, judged, known

NOT_FOR_DISKS = frozenset({"iso", "udev"})
FILE_SERVERS = frozenset({"nfs"})
OLD_AUTHORITIES = frozenset({"none", "2011"})
WHICH_GUEST = Unknown("which of several systems the guest runs is not told, and the pool has templates of some only")
WHOSE_NETWORK = Unknown("which network carries transfers alone, if any does, a pool does not tell: a person has to attest it")
CLASSES = {"host": "hosts", "network": "networks", "PBD": "pbds", "PIF": "pifs", "SR": "srs", "VM": "vms"}
"""XAPI's classes by what the pool's facts call their records."""
CPU_FIELDS = ("cpu_vendor", "cpu_model", "cpu_features")


def disk_srs(pool: PoolFacts) -> tuple[SrFacts, ...]:
    """SRs that disks can be put on: neither ISO libraries nor drives."""
    return tuple(sr for sr in pool.srs if sr.kind not in NOT_FOR_DISKS and sr.content_type != "iso")


def gaps(pool: PoolFacts, *classes: str) -> tuple[Part, ...]:
    """An unknown part for each of XAPI's classes of which not all records were read: what is missing may be of concern."""
    return tuple(Part(Answer.UNKNOWN, CLASSES[name], Unknown(reason)) for name in classes if (reason := pool.unread(name)))


@rule(
    "POL-009",
    severity=Severity.WARNING,
    sources="P",
    title="The pool's hosts have different processors",
    why="Every VM gets only what all hosts have in common, and live moves may be limited.",
    remediation="Group hosts of one kind into pools, or accept the common level.",
    subject=Subject.POOL,
)
def mixed_processors(pool: PoolFacts, context: RuleContext) -> Parts:
    """Vendor, model and features of every host. Two that differ are enough; unread ones can only add to it."""
    parts: Parts = gaps(pool, "host")
    for name in CPU_FIELDS:
        values = [getattr(host, name) for host in pool.hosts]
        told = sorted({value for value in values if not isinstance(value, Unknown)})
        unread = next((value for value in values if isinstance(value, Unknown)), None)
        if len(told) > 1:
            parts = (*parts, Part(Answer.TRUE, f"hosts.{name}", told, {"field": name, "values": told}))
        elif unread is not None and len(values) > 1:
            parts = (*parts, Part(Answer.UNKNOWN, f"hosts.{name}", unread))
    return parts


@rule(
    "POL-011",
    severity=Severity.CRITICAL,
    sources="P",
    title="An SR is not connected on every host",
    why="A VM with a disk there could not start on such a host, and an import may be placed on it.",
    remediation="Plug the connection in again (xe pbd-plug), or end the SR's maintenance.",
    subject=Subject.POOL,
)
def sr_not_connected(pool: PoolFacts, context: RuleContext) -> Parts:
    """An SR in maintenance has its connections unplugged too. A shared SR needs a connection on each host."""
    open_questions = gaps(pool, "PBD", "SR", "host")
    return (*open_questions, *(part for sr in disk_srs(pool) for part in _sr_parts(pool, sr, whole=not open_questions)))


def _sr_parts(pool: PoolFacts, sr: SrFacts, *, whole: bool) -> Iterator[Part]:
    """A connection is missing only where all of them were read."""
    pbds = [pbd for pbd in pool.pbds if pbd.sr_uuid == sr.uuid]
    names = {host.uuid: host.name for host in pool.hosts}
    for pbd in pbds:
        unplugged = known(pbd.currently_attached, lambda attached: not attached)
        params = {"sr": sr.name, "host": names.get(pbd.host_uuid, pbd.host_uuid)}
        yield from answered(unplugged, "pbds.currently_attached", pbd.currently_attached, params)
    missing = sorted(names[uuid] for uuid in names.keys() - {pbd.host_uuid for pbd in pbds})
    if missing and whole:
        yield from answered(known(sr.shared, bool), "srs.shared", sr.shared, {"sr": sr.name, "hosts": missing})


@rule(
    "POL-012",
    severity=Severity.CRITICAL,
    sources="P",
    title="A mapped network is not connected on every host",
    why="A VM's NIC would have no link there, and the VM could not move to that host.",
    remediation="Create the network on every host and plug its interfaces in (xe pif-plug).",
    subject=Subject.POOL,
)
def network_not_connected(pool: PoolFacts, context: RuleContext) -> Parts:
    """Open until networks are mapped. A network without any interface is one inside a single host."""
    mapped = context.target.networks
    if isinstance(mapped, Unknown):
        return (Part(Answer.UNKNOWN, "networks", mapped),)
    wanted, open_questions = set(mapped.values()), gaps(pool, "PIF", "network", "host")
    parts = (
        part
        for network in pool.networks
        if network.uuid in wanted
        for host in pool.hosts
        for part in _network_parts(pool, network, host, whole=not open_questions)
    )
    return (*open_questions, *parts)


def _network_parts(pool: PoolFacts, network: PoolNetworkFacts, host: PoolHostFacts, *, whole: bool) -> Parts:
    """An interface is missing only where all of them were read."""
    pifs = [pif for pif in pool.pifs if pif.network_uuid == network.uuid and pif.host_uuid == host.uuid]
    params = {"network": network.name, "host": host.name}
    if not pifs:
        return () if not whole else (Part(Answer.TRUE, "networks.pif_uuids", [], {**params, "problem": "no interface"}),)
    return _detached(pifs[0], {**params, "problem": "detached"})


def _detached(pif: PifFacts, params: dict[str, str]) -> Parts:
    return judged("pifs.currently_attached", pif.currently_attached, lambda attached: not attached, lambda _: params)


@rule(
    "POL-015",
    severity=Severity.WARNING,
    sources="P",
    title="An import may outlive the pool's tasks, or shares the network with everything else",
    why="XAPI ends a task after a day, and a large disk over a busy network needs longer.",
    remediation="Give transfers a network of their own, split the disk, or raise the pool's task lifetime.",
    subject=Subject.POOL,
)
def imports_take_too_long(pool: PoolFacts, context: RuleContext) -> Parts:
    """Disks that are too large for one task at the slowest planned rate. Whether transfers have a network no pool tells."""
    largest_bytes = context.limits.task_lifetime_s * context.limits.import_rate_min_bytes_s
    return (Part(Answer.UNKNOWN, "networks", WHOSE_NETWORK), *_disks_above(context.estate.vms, largest_bytes))


def _disks_above(vms: Iterable[VmFacts], largest_bytes: int) -> Iterator[Part]:
    """A part for each machine with such a disk, and one for all that could not be read."""
    unread: Unknown | None = None
    for vm in vms:
        sizes = [disk.capacity_bytes for disk in vm.disks] if not isinstance(vm.disks, Unknown) else [vm.disks]
        unread = next((size for size in sizes if isinstance(size, Unknown)), unread)
        size_bytes = max((size for size in sizes if not isinstance(size, Unknown)), default=0)
        if size_bytes > largest_bytes:
            params = {"machine": vm.name, "capacity_bytes": size_bytes, "limit_bytes": largest_bytes}
            yield Part(Answer.TRUE, "vms.disks.capacity_bytes", size_bytes, params)
    if unread is not None:
        yield Part(Answer.UNKNOWN, "vms.disks.capacity_bytes", unread)


@rule(
    "POL-016",
    severity=Severity.WARNING,
    sources="P",
    title="The pool lacks the template of a guest",
    why="Without its template a guest gets the wrong device model and limits.",
    remediation="Install the template, or map the guest to one that the pool has.",
    subject=Subject.POOL,
)
def template_missing(pool: PoolFacts, context: RuleContext) -> Parts:
    """Of every guest in the estate: the mapped template, else the one of the guest table. A guest nobody knows is asked."""
    if open_questions := gaps(pool, "VM"):
        return open_questions
    there = {template.name for template in pool.templates}
    guests = {(vm.guest_id, vm.guest_full_name) for vm in context.estate.vms}
    known_guests = {(each, "" if isinstance(name, Unknown) else name) for each, name in guests if not isinstance(each, Unknown)}
    unread_guests = [guest_id for guest_id, _ in guests if isinstance(guest_id, Unknown)][:1]
    missing = (part for guest in sorted(known_guests) for part in _missing_template(*guest, there, context))
    return (*missing, *(Part(Answer.UNKNOWN, "vms.guest_id", each) for each in unread_guests))


def _missing_template(guest_id: str, full_name: str, there: set[str], context: RuleContext) -> Parts:
    """Unknown where the guest may be one of several, and not all of their templates are there."""
    mapped = context.target.templates
    if not isinstance(mapped, Unknown) and guest_id in mapped:
        wanted = {mapped[guest_id]}
    else:
        wanted = {row.template for row in context.guests.rows_of(guest_id, full_name)}
    if not wanted:
        return (Part(Answer.UNKNOWN, "vms.guest_id", Unknown(f"the guest table has no {guest_id}"), {"guest_id": guest_id}),)
    params = {"guest_id": guest_id, "templates": sorted(wanted - there)}
    if not wanted - there:
        return ()
    if wanted & there:
        return (Part(Answer.UNKNOWN, "templates", WHICH_GUEST, params),)
    return (Part(Answer.TRUE, "templates", sorted(wanted), params),)


@rule(
    "POL-017",
    severity=Severity.WARNING,
    sources="P",
    title="The pool has no Secure Boot certificates, or only those of 2011",
    why="The chain of 2011 expires from June 2026: boot loaders signed since then are refused.",
    remediation="Update the pool's Secure Boot certificates before machines with Secure Boot move.",
    subject=Subject.POOL,
)
def old_certificates(pool: PoolFacts, context: RuleContext) -> Parts:
    """By the newest authority in the pool's archive."""
    return judged(
        "secure_boot_authority",
        pool.secure_boot_authority,
        lambda authority: authority in OLD_AUTHORITIES,
        lambda authority: {"authority": authority},
    )


@rule(
    "POL-018",
    severity=Severity.WARNING,
    sources="P",
    title="An NFS SR is mounted softly",
    why="When the server does not answer in time, writes fail and the guests' file systems turn read-only.",
    remediation="Review the mount options and the server's failover time; add the option hard where writes must wait.",
    subject=Subject.POOL,
)
def soft_mount(pool: PoolFacts, context: RuleContext) -> Parts:
    """The driver mounts softly unless its added options say otherwise; the last word of the options counts."""
    kinds = {sr.uuid: sr for sr in disk_srs(pool) if sr.kind in FILE_SERVERS}
    names = {host.uuid: host.name for host in pool.hosts}
    parts = (
        part
        for pbd in pool.pbds
        if pbd.sr_uuid in kinds
        for part in judged("pbds.mount_options", pbd.mount_options, _is_soft, _naming(pbd, kinds[pbd.sr_uuid], names))
    )
    return (*gaps(pool, "SR"), *(gaps(pool, "PBD") if kinds else ()), *parts)


def _is_soft(options: str) -> bool:
    words = [word for word in re.split(r"[,\s]+", options.lower()) if word in {"hard", "soft"}]
    return words[-1:] != ["hard"]


def _naming(pbd: PbdFacts, sr: SrFacts, names: dict[str, str]) -> Callable[[str], dict[str, str]]:
    return lambda options: {"sr": sr.name, "host": names.get(pbd.host_uuid, pbd.host_uuid), "options": options}
