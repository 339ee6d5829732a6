"""Rules on ESXi hosts that shall serve again as hosts of a pool (HST)."""

from __future__ import annotations

from estate.facts.pool import PoolFacts, PoolHostFacts
from estate.facts.source import HostFacts, LunFacts, VmFacts
from estate.facts.unknown import Unknown
from migration.assessment.core.context import RuleContext
from migration.assessment.core.cpu_generations import brand_of, generation_of, same_model
from migration.assessment.core.registry import Subject, rule
from migration.assessment.core.results import Answer, Part, Parts, Severity, answered, both, either, judged, known, opposite

CARD_WORDS = ("idsdm", "sd card", "sdcard", "sd-card", "card reader", "cruzer", "microsd", "dual sd")
"""Words in the model of a boot device that is a memory card."""
NOT_TOLD = Unknown("the host does not tell what it boots from")
NOT_AMONG_DISKS = Unknown("the boot device is not among the disks that were read")
NOT_ATTESTED = Unknown("nobody has looked it up in the compatibility list yet")
NO_POOL = Unknown("no pool was read yet")
NO_GENERATION = Unknown("the processor generation cannot be told from the model's name")
NOT_LISTED = Unknown("the datastore is not in the inventory")


@rule(
    "HST-001",
    severity=Severity.CRITICAL,
    sources="VR",
    title="The host boots from a memory card or has no local disk that is large enough",
    why="A Xen host writes logs and its control domain all the time: cards wear out, and small disks cannot be installed on.",
    remediation="Put a mirrored pair of local SSDs into the host.",
    subject=Subject.HOST,
)
def no_system_disk(host: HostFacts, context: RuleContext) -> Parts:
    """What it boots from now, and whether any local disk is fit for the installation."""
    boot = _boot_disk(host)
    card = boot if isinstance(boot, Unknown) else _is_card(boot)
    parts = judged("boot_device", card, bool, lambda _: {"boot_device": host.boot_device})
    if isinstance(host.luns, Unknown):
        return (*parts, Part(Answer.UNKNOWN, "luns", host.luns))
    fit = either(*(_is_fit(lun, context) for lun in host.luns))
    raw = Unknown("size or place of a disk was not read") if fit is Answer.UNKNOWN else len(host.luns)
    limit = {"local_disk_min_bytes": context.limits.local_disk_min_bytes}
    return (*parts, *answered(opposite(fit), "luns", raw, limit))


def _boot_disk(host: HostFacts) -> LunFacts | Unknown:
    if isinstance(host.boot_device, Unknown):
        return host.boot_device
    if host.boot_device is None:
        return NOT_TOLD
    if isinstance(host.luns, Unknown):
        return host.luns
    return next((lun for lun in host.luns if lun.name == host.boot_device), NOT_AMONG_DISKS)


def _is_card(lun: LunFacts) -> bool | Unknown:
    """By its transport or its model; a model alone proves a card, but not the opposite."""
    if not isinstance(lun.model, Unknown) and any(word in lun.model.lower() for word in CARD_WORDS):
        return True
    return lun.transport if isinstance(lun.transport, Unknown) else lun.transport == "usb"


def _is_fit(lun: LunFacts, context: RuleContext) -> Answer:
    card = _is_card(lun)
    return both(
        known(lun.local, bool),
        known(lun.capacity_bytes, lambda size: size >= context.limits.local_disk_min_bytes),
        known(card, lambda is_card: not is_card),
    )


@rule(
    "HST-002",
    severity=Severity.WARNING,
    sources="VR",
    title="The host has too few network ports, or all on one card",
    why="Management in a bond and separate NICs for guests and storage need ports on two cards.",
    remediation="Add a network card before the host is used again.",
    subject=Subject.HOST,
)
def too_few_ports(host: HostFacts, context: RuleContext) -> Parts:
    """Ports of one card share their PCI address up to the function."""
    least = context.limits.physical_nics_min
    if isinstance(host.physical_nics, Unknown):
        return (Part(Answer.UNKNOWN, "physical_nics", host.physical_nics),)
    count = len(host.physical_nics)
    if count < least:
        return answered(Answer.TRUE, "physical_nics", count, {"ports": count, "needed": least})
    cards = {nic.pci.rpartition(".")[0] for nic in host.physical_nics if not isinstance(nic.pci, Unknown)}
    if len(cards) > 1:
        return ()
    unread = next((nic.pci for nic in host.physical_nics if isinstance(nic.pci, Unknown)), None)
    if unread is not None:
        return (Part(Answer.UNKNOWN, "physical_nics.pci", unread),)
    return answered(Answer.TRUE, "physical_nics.pci", sorted(cards), {"ports": count, "cards": 1})


@rule(
    "HST-003",
    severity=Severity.WARNING,
    sources="VR",
    title="The hardware is not confirmed on the target's compatibility list",
    why="Drivers or functions may be missing for the server, its processors, adapters or network cards.",
    remediation="Look the model up in the hardware compatibility list of the target product and attest what it says.",
    subject=Subject.HOST,
)
def compatibility_unconfirmed(host: HostFacts, context: RuleContext) -> Parts:
    """Open until a person attests it: the list is nothing that facts could answer."""
    names = {"vendor": host.vendor, "model": host.model, "cpu_model": host.cpu_model}
    params = {name: value for name, value in names.items() if not isinstance(value, Unknown)}
    return (Part(Answer.UNKNOWN, "model", NOT_ATTESTED, params),)


@rule(
    "HST-004",
    severity=Severity.WARNING,
    sources="VR",
    title="The host's processors differ from those of the pool",
    why="Another vendor cannot join at all, and another generation takes features from every machine of the pool.",
    remediation="Plan the host for another pool, or accept the lower common level.",
    subject=Subject.HOST,
)
def foreign_processor(host: HostFacts, context: RuleContext) -> Parts:
    """It fits when one pool has hosts of its kind only."""
    pools = [pool for pool in context.target.pools if pool.hosts]
    if not pools:
        return (Part(Answer.UNKNOWN, "cpu_model", NO_POOL),)
    differs = both(*(_differs_from(host, pool) for pool in pools))
    if differs is Answer.UNKNOWN:
        read = (
            *(host.cpu_vendor, host.cpu_model),
            *(fact for pool in pools for each in pool.hosts for fact in _cpu(each)),
            *(Unknown(reason) for pool in pools if (reason := pool.unread("host"))),
        )
        return (Part(differs, "cpu_model", next((fact for fact in read if isinstance(fact, Unknown)), NO_GENERATION)),)
    name = "cpu_vendor" if isinstance(host.cpu_model, Unknown) else "cpu_model"
    return answered(differs, name, getattr(host, name), {"pools": sorted(pool.name for pool in pools)})


def _cpu(host: HostFacts | PoolHostFacts) -> tuple[str | Unknown, str | Unknown]:
    return host.cpu_vendor, host.cpu_model


def _differs_from(host: HostFacts, pool: PoolFacts) -> Answer:
    more = Answer.UNKNOWN if pool.unread("host") else Answer.FALSE
    return either(more, *(_differ(_cpu(host), _cpu(there)) for there in pool.hosts))


def _differ(one: tuple[str | Unknown, str | Unknown], other: tuple[str | Unknown, str | Unknown]) -> Answer:
    """Vendor and generation; equal models need no generation."""
    vendors = [brand_of(vendor) for vendor, _ in (one, other) if not isinstance(vendor, Unknown)]
    another_vendor = Answer.UNKNOWN if len(vendors) < len((one, other)) else _unequal(vendors)
    models = [model for _, model in (one, other) if not isinstance(model, Unknown)]
    if len(models) < len((one, other)):
        return either(another_vendor, Answer.UNKNOWN)
    if same_model(*models):
        return another_vendor
    generations = [generation_of(model) for model in models]
    return either(another_vendor, Answer.UNKNOWN if None in generations else _unequal(generations))


def _unequal(values: list[str] | list[str | None]) -> Answer:
    return Answer.TRUE if len(set(values)) > 1 else Answer.FALSE


@rule(
    "HST-005",
    severity=Severity.CRITICAL,
    sources="VR",
    title="The host's local datastores still hold machines",
    why="Installing the host anew destroys them, and with them the way back.",
    remediation="Move or migrate these machines first, and wait until nobody needs them for a rollback.",
    subject=Subject.HOST,
)
def machines_on_local_disks(host: HostFacts, context: RuleContext) -> Parts:
    """A store that only this host reaches, with machines on it. Machines without a known host may lie there too."""
    if isinstance(host.datastore_ids, Unknown):
        return (Part(Answer.UNKNOWN, "datastore_ids", host.datastore_ids),)
    there = (*context.estate.vms_of_host.get(host.native_id, ()), *context.estate.homeless_vms)
    parts: Parts = ()
    for store_id in host.datastore_ids:
        store = context.estate.datastores.get(store_id)
        local = NOT_LISTED if store is None else store.local
        if local is not False:
            name = store_id if store is None else store.name
            parts = (*parts, *_machines_on(store_id, name, local, there))
    return parts


def _machines_on(store_id: str, name: str, local: bool | Unknown, vms: tuple[VmFacts, ...]) -> Parts:
    """One that is known to lie there decides; one of which nobody knows where it lies leaves it open."""
    found = sorted(vm.name for vm in vms if not isinstance(vm.datastore_ids, Unknown) and store_id in vm.datastore_ids)
    if found:
        return answered(known(local, bool), "datastore_ids", _raw(local, store_id), {"datastore": name, "machines": found})
    unread = next((vm.datastore_ids for vm in vms if isinstance(vm.datastore_ids, Unknown)), None)
    return () if unread is None else (Part(Answer.UNKNOWN, "vms.datastore_ids", unread, {"datastore": name}),)


def _raw(local: bool | Unknown, store_id: str) -> str | Unknown:
    return local if isinstance(local, Unknown) else store_id
