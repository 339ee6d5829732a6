"""Rules on what ties a machine to others: cluster rules and groups, vApps, limited pools however far above."""

from __future__ import annotations

import pytest

from estate.facts.source import ClusterGroupFacts, ClusterRuleFacts
from estate.facts.unknown import UNKNOWN
from migration.assessment.core.results import Answer
from tests.builders.assessment import a_context, answer_of, outcome_of
from tests.builders.estate import a_cluster, a_container, a_vm

T, F, U = Answer.TRUE, Answer.FALSE, Answer.UNKNOWN
ME = "vm-app-01"
APART = ClusterRuleFacts("apart", "anti_affinity", enabled=True, vm_ids=(ME, "vm-2"))
PINNED = ClusterRuleFacts("pinned", "vm_host", enabled=True, vm_group="licensed", host_group="licensed hosts")
GROUP = ClusterGroupFacts("licensed", vm_ids=(ME,))
POOLED = {"resource_pool_id": "ResourcePool-1"}


def cluster(**changes: object) -> dict:
    return {"clusters": {"domain-c1": a_cluster(**{"rules": (), "groups": (), **changes})}}


def pools(limited: object = False, above: object = False) -> dict:
    """A pool below another, which hangs on a cluster that is no container."""
    return {
        "containers": {
            "ResourcePool-1": a_container(limited=limited, parent_id="ResourcePool-2"),
            "ResourcePool-2": a_container(number=2, limited=above, parent_id="domain-c1"),
        }
    }


CASES = [
    ("AFF-001", {}, cluster(), F),
    ("AFF-001", {}, cluster(rules=(APART,)), T),
    ("AFF-001", {}, cluster(rules=(ClusterRuleFacts("off", "affinity", enabled=False, vm_ids=(ME,)),)), T),
    ("AFF-001", {}, cluster(rules=(ClusterRuleFacts("others", "affinity", vm_ids=("vm-2", "vm-3")),)), F),
    ("AFF-001", {}, cluster(groups=(GROUP,), rules=(PINNED,)), T),
    ("AFF-001", {}, cluster(groups=(GROUP,), rules=UNKNOWN), T),
    ("AFF-001", {}, cluster(groups=(ClusterGroupFacts("licensed", vm_ids=("vm-2",)),), rules=(PINNED,)), F),
    ("AFF-001", {}, cluster(rules=(APART,), groups=UNKNOWN), T),
    ("AFF-001", {}, cluster(rules=UNKNOWN), U),
    ("AFF-001", {}, cluster(groups=UNKNOWN), U),
    ("AFF-001", {}, {"clusters": {}}, U),
    ("AFF-001", {"cluster_id": UNKNOWN}, cluster(), U),
    ("AFF-001", {"cluster_id": None}, {"clusters": {}}, F),
    ("AFF-001", {"cluster_rule_names": ("apart",)}, cluster(rules=UNKNOWN, groups=UNKNOWN), T),
    ("AFF-001", {"cluster_rule_names": ()}, cluster(rules=UNKNOWN), F),
    ("AFF-001", {"cluster_rule_names": ()}, cluster(rules=UNKNOWN, groups=UNKNOWN), U),
    ("AFF-001", {"cluster_rule_names": ("apart",)}, cluster(rules=(APART,)), T),
    ("AFF-001", {"cluster_rule_names": ("apart",)}, {"clusters": {}}, T),
    ("AFF-001", {"cluster_rule_names": ("apart",), "cluster_id": UNKNOWN}, {}, T),
    ("AFF-001", {"cluster_rule_names": ()}, {"clusters": {}}, U),
    ("AFF-002", {}, {}, F),
    ("AFF-002", {"vapp_id": "vapp-1"}, {}, T),
    ("AFF-002", {"vapp_id": UNKNOWN}, {}, U),
    ("AFF-002", {"has_ovf_properties": True, "vapp_id": UNKNOWN}, {}, T),
    ("AFF-002", {"has_ovf_properties": UNKNOWN}, {}, U),
    ("AFF-002", POOLED, pools(), F),
    ("AFF-002", POOLED, pools(limited=True), T),
    ("AFF-002", POOLED, pools(above=True), T),
    ("AFF-002", POOLED, pools(limited=UNKNOWN), U),
    ("AFF-002", POOLED, pools(limited=UNKNOWN, above=True), T),
    ("AFF-002", POOLED, {"containers": {}}, U),
    ("AFF-002", {"resource_pool_id": UNKNOWN}, pools(), U),
]


@pytest.mark.parametrize(("rule_id", "vm", "context", "expected"), CASES)
def test_rule_answers_from_what_surrounds_the_machine(rule_id: str, vm: dict, context: dict, expected: Answer) -> None:
    assert answer_of(rule_id, a_vm(**vm), a_context(**context)) is expected


def test_the_finding_names_the_rule_and_the_other_machines() -> None:
    outcome = outcome_of("AFF-001", a_vm(), a_context(**cluster(rules=(APART,))))
    assert outcome.params["parts"] == [
        {"cluster": "Cluster A", "rule": "apart", "kind": "anti_affinity", "other_vm_ids": ["vm-2"], "enabled": True}
    ]


def test_the_finding_names_the_group_with_the_rules_and_hosts_it_is_bound_to() -> None:
    outcome = outcome_of("AFF-001", a_vm(), a_context(**cluster(groups=(GROUP,), rules=(PINNED,))))
    assert outcome.params["parts"] == [
        {"cluster": "Cluster A", "group": "licensed", "rules": ["pinned"], "host_groups": ["licensed hosts"]}
    ]


def test_only_rules_of_this_very_group_and_machines_on_both_sides_of_it_are_named() -> None:
    rules = tuple(ClusterRuleFacts(name, "vm_host", vm_group=name) for name in ("a first", "licensed", "z last"))
    outcome = outcome_of("AFF-001", a_vm(), a_context(**cluster(groups=(GROUP,), rules=rules)))
    assert [part["rules"] for part in outcome.params["parts"]] == [["licensed"]]
    ids = ("vm-a", ME, "vm-z")
    outcome = outcome_of("AFF-001", a_vm(), a_context(**cluster(rules=(ClusterRuleFacts("all", "affinity", vm_ids=ids),))))
    assert [part["other_vm_ids"] for part in outcome.params["parts"]] == [["vm-a", "vm-z"]]


def test_pools_that_contain_each_other_end_the_walk() -> None:
    around = {"containers": {"ResourcePool-1": a_container(parent_id="ResourcePool-1")}}
    assert answer_of("AFF-002", a_vm(**POOLED), a_context(**around)) is F


def test_the_finding_names_the_limited_pool() -> None:
    outcome = outcome_of("AFF-002", a_vm(**POOLED), a_context(**pools(above=True)))
    assert outcome.params["parts"] == [{"container_id": "ResourcePool-2", "container": "ResourcePool 2"}]


def test_a_rule_that_the_source_tells_of_the_machine_alone_is_named() -> None:
    outcome = outcome_of("AFF-001", a_vm(cluster_rule_names=("apart", "licensed")), a_context(**cluster(rules=UNKNOWN)))
    assert outcome is not None
    assert outcome.params["parts"] == [{"rule": "apart"}, {"rule": "licensed"}]
    assert [(each.path, each.raw) for each in outcome.evidence] == [
        ("cluster_rule_names[0]", "apart"),
        ("cluster_rule_names[1]", "licensed"),
    ]
