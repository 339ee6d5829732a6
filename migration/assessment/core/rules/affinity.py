"""Rules on what ties a machine to others (AFF): cluster rules and groups, vApps, resource pools with limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from estate.facts.source import ClusterFacts, ClusterGroupFacts, ClusterRuleFacts, ContainerFacts, VmFacts
from estate.facts.unknown import Unknown
from migration.assessment.core.context import RuleContext
from migration.assessment.core.registry import rule
from migration.assessment.core.results import Answer, Part, Parts, Severity, judged

CLUSTER_NOT_LISTED = Unknown("the cluster is not in the inventory")
POOL_NOT_LISTED = Unknown("the resource pool is not in the inventory")


@rule(
    "AFF-001",
    severity=Severity.WARNING,
    sources="VR",
    title="Rules of the cluster bind the machine to others or to hosts",
    why="The rules are not carried over; the target has anti-affinity and groups of VMs instead.",
    remediation="Put the members of a pair into different waves and on different hosts; make the rules anew on the target.",
)
def bound_by_rules(vm: VmFacts, context: RuleContext) -> Parts:
    """A rule counts while it is switched off too: someone may switch it on. Groups bind machines to hosts or to each other."""
    return (*_told_of_the_machine(vm), *_told_of_its_cluster(vm, context))


def _told_of_the_machine(vm: VmFacts) -> tuple[Part, ...]:
    """By a source that tells no cluster's rules."""
    names = () if isinstance(vm.cluster_rule_names, Unknown) else vm.cluster_rule_names
    return tuple(Part(Answer.TRUE, f"cluster_rule_names[{n}]", name, {"rule": name}) for n, name in enumerate(names))


def _told_of_its_cluster(vm: VmFacts, context: RuleContext) -> tuple[Part, ...]:
    if isinstance(vm.cluster_id, Unknown):
        return (Part(Answer.UNKNOWN, "cluster_id", vm.cluster_id),)
    if vm.cluster_id is None:
        return ()
    cluster = context.estate.clusters.get(vm.cluster_id)
    if cluster is None:
        return (Part(Answer.UNKNOWN, "cluster_id", CLUSTER_NOT_LISTED, {"cluster_id": vm.cluster_id}),)
    path = f"clusters[{cluster.native_id}]"
    return (*_rules_that_name(vm, cluster, f"{path}.rules"), *_groups_with(vm, cluster, f"{path}.groups"))


def _rules_that_name(vm: VmFacts, cluster: ClusterFacts, path: str) -> tuple[Part, ...]:
    """Without the cluster's rules, a source that tells the machine's own has answered."""
    if isinstance(cluster.rules, Unknown):
        unasked = isinstance(vm.cluster_rule_names, Unknown)
        return (Part(Answer.UNKNOWN, path, cluster.rules, {"cluster": cluster.name}),) if unasked else ()
    named = (each for each in cluster.rules if vm.native_id in each.vm_ids)
    return tuple(Part(Answer.TRUE, path, each.name, {"cluster": cluster.name, **_rule_params(each, vm)}) for each in named)


def _rule_params(each: ClusterRuleFacts, vm: VmFacts) -> dict[str, Any]:
    others = [vm_id for vm_id in each.vm_ids if vm_id != vm.native_id]
    told: dict[str, Any] = {"rule": each.name, "kind": each.kind, "other_vm_ids": others}
    if not isinstance(each.enabled, Unknown):
        told["enabled"] = each.enabled
    return told


def _groups_with(vm: VmFacts, cluster: ClusterFacts, path: str) -> tuple[Part, ...]:
    if isinstance(cluster.groups, Unknown):
        return (Part(Answer.UNKNOWN, path, cluster.groups, {"cluster": cluster.name}),)
    rules = () if isinstance(cluster.rules, Unknown) else cluster.rules
    groups = (group for group in cluster.groups if vm.native_id in group.vm_ids)
    return tuple(Part(Answer.TRUE, path, group.name, {"cluster": cluster.name, **_used_by(group, rules)}) for group in groups)


def _used_by(group: ClusterGroupFacts, rules: Sequence[ClusterRuleFacts]) -> dict[str, Any]:
    using = [each for each in rules if each.vm_group == group.name]
    hosts = sorted({each.host_group for each in using if each.host_group})
    return {"group": group.name, "rules": [each.name for each in using], "host_groups": hosts}


@rule(
    "AFF-002",
    severity=Severity.INFO,
    sources="VR",
    title="The machine is in a vApp or a limited resource pool, or was deployed with OVF properties",
    why="The order of starts, the pool's limits and the OVF environment are gone on the target.",
    remediation="Move the settings into the guest, and the order of starts to the target.",
)
def held_by_container(vm: VmFacts, context: RuleContext) -> Parts:
    """Any of the three; all must be known to be absent."""
    return (
        *judged("vapp_id", vm.vapp_id, lambda vapp_id: vapp_id is not None, lambda vapp_id: _container(vapp_id, context)),
        *_limited_pool(vm, context),
        *judged("has_ovf_properties", vm.has_ovf_properties, bool),
    )


def _container(container_id: str | None, context: RuleContext) -> dict[str, Any]:
    found = context.estate.containers.get(container_id or "")
    return {"container_id": container_id, **({"container": found.name} if found else {})}


def _limited_pool(vm: VmFacts, context: RuleContext) -> tuple[Part, ...]:
    """The machine's own pool and every pool above it."""
    pool_id = vm.resource_pool_id
    if isinstance(pool_id, Unknown):
        return (Part(Answer.UNKNOWN, "resource_pool_id", pool_id),)
    if pool_id is None:
        return ()
    chain = _and_above(pool_id, context.estate.containers)
    if not chain:
        return (Part(Answer.UNKNOWN, "resource_pool_id", POOL_NOT_LISTED, {"container_id": pool_id}),)
    return tuple(part for pool in chain for part in _limits_of(pool, context))


def _and_above(pool_id: str, containers: Mapping[str, ContainerFacts]) -> tuple[ContainerFacts, ...]:
    chain: dict[str, ContainerFacts] = {}
    while pool_id in containers and pool_id not in chain:
        chain[pool_id] = containers[pool_id]
        pool_id = containers[pool_id].parent_id
    return tuple(chain.values())


def _limits_of(pool: ContainerFacts, context: RuleContext) -> tuple[Part, ...]:
    path = f"containers[{pool.native_id}].limited"
    return judged(path, pool.limited, bool, lambda _: _container(pool.native_id, context))
