"""What the ESXi hosts of a project call their storage, for readiness: LUNs, the targets behind them, file servers.

A host whose storage could not be read says so, and so does a server that nobody has collected yet; a project without an inventory
of hosts answers UNKNOWN.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from estate.facts.source import DatastoreFacts, HostFacts, LunFacts
from estate.facts.unknown import Unknown, is_known
from migration.inventory.core.kinds import FactKind
from migration.inventory.models import Source, SourceKind
from migration.inventory.selectors.inventories import entries, facts_of, latest_inventories
from project.backbone.models import Project
from readiness.core.campaign.overlap import EsxiStorage

_WITH_HOSTS = (SourceKind.VCENTER.value, SourceKind.ESXI.value)


def esxi_storage(project: Project) -> Sequence[EsxiStorage] | Unknown:
    """One value per ESXi host of the project's newest inventories. UNKNOWN where none of them shows a host."""
    found: list[EsxiStorage] = []
    for latest in latest_inventories(project):
        stores = [each for entry in entries(latest, FactKind.DATASTORE) if isinstance(each := facts_of(entry), DatastoreFacts)]
        hosts = (facts_of(entry) for entry in entries(latest, FactKind.HOST))
        found += [storage_of(host, stores) for host in hosts if isinstance(host, HostFacts)]
    if found:
        unread = Source.objects.filter(project=project, latest=None, kind__in=_WITH_HOSTS).select_related("endpoint")
        found += [EsxiStorage(str(source), frozenset(), "it was never collected") for source in unread]
    return found or Unknown("no inventory of this project shows an ESXi host")


def storage_of(host: HostFacts, stores: Iterable[DatastoreFacts]) -> EsxiStorage:
    """All names of one host's storage, local disks left out, and what of it could not be read."""
    names, gaps = set[str](), list[str]()
    if isinstance(host.luns, Unknown):
        gaps.append(f"its LUNs could not be read ({host.luns.reason})")
    else:
        far = [lun for lun in host.luns if lun.local is not True]
        names |= {lun.name for lun in far} | {target for lun in far for target in _targets(lun)}
        untold = sum(isinstance(lun.targets, Unknown) for lun in far)
        gaps += [f"the targets of {untold} of its LUNs were not read"] if untold else []
    for store in stores:
        if not _may_mount(host, store):
            continue
        if isinstance(store.remote_host, Unknown):
            gaps.append(f"where datastore {store.name} lies was not read")
        elif store.remote_host:
            names |= {server.strip() for server in store.remote_host.split(",")}
    return EsxiStorage(host.name, frozenset(names - {""}), "; ".join(gaps))


def _may_mount(host: HostFacts, store: DatastoreFacts) -> bool:
    """Whether a host uses a store; one that does not tell its stores may use any."""
    if host.native_id in store.host_ids or isinstance(host.datastore_ids, Unknown):
        return True
    return store.native_id in host.datastore_ids


def _targets(lun: LunFacts) -> tuple[str, ...]:
    return lun.targets if is_known(lun.targets) else ()
