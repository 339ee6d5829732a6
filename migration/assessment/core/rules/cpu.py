"""Rules on CPUs (CPU)."""

from __future__ import annotations

from estate.facts.source import VmFacts
from estate.facts.unknown import Unknown
from migration.assessment.core.context import RuleContext
from migration.assessment.core.registry import rule
from migration.assessment.core.results import Answer, Parts, Severity, answered, both, either, judged, known, opposite

OFF_WORDS = frozenset({"", "false", "f", "no", "n", "off", "0"})
"""Values of an advanced setting that switch it off. Source: the values that .vmx files are read with."""


def setting(vm: VmFacts, key: str) -> str | Unknown:
    """One advanced setting of the machine, in lower case; empty when it is not set."""
    if isinstance(vm.extra_config, Unknown):
        return vm.extra_config
    wanted = key.lower()
    return next((value.strip().lower() for name, value in vm.extra_config if name.lower() == wanted), "")


@rule(
    "CPU-001",
    severity=Severity.CRITICAL,
    sources="VRO",
    title="The machine has more vCPUs than a VM can have",
    why="The target does not support a VM of this size.",
    remediation="Size it down, or split the role.",
)
def too_many_vcpus(vm: VmFacts, context: RuleContext) -> Parts:
    """Windows can have its own limit; the guest is asked only between the two."""
    limits = context.limits
    if isinstance(vm.vcpus, Unknown) or vm.vcpus > limits.vcpus_max or vm.vcpus <= limits.vcpus_windows_max:
        return judged("vcpus", vm.vcpus, lambda count: count > limits.vcpus_max, lambda count: {"vcpus": count})
    windows = known(vm.guest_id, lambda guest_id: guest_id.startswith("win"))
    raw = vm.guest_id if isinstance(vm.guest_id, Unknown) else vm.vcpus
    return answered(windows, "vcpus", raw, {"vcpus": vm.vcpus})


@rule(
    "CPU-002",
    severity=Severity.WARNING,
    sources="VRO",
    title="The machine has more vCPUs than is advised",
    why="It leaves the size with security support; some guests stop there too.",
    remediation="Size it from a month of measurements, or accept it in writing.",
)
def many_vcpus(vm: VmFacts, context: RuleContext) -> Parts:
    """The advised number is still fine."""
    advised = context.limits.vcpus_advised_max
    return judged("vcpus", vm.vcpus, lambda count: count > advised, lambda count: {"vcpus": count, "advised": advised})


@rule(
    "CPU-003",
    severity=Severity.INFO,
    sources="VRO",
    title="The machine's vCPUs are grouped into sockets",
    why="Licences count sockets, and the cores of a socket must divide the vCPUs.",
    remediation="Set platform:cores-per-socket to the same value.",
)
def grouped_vcpus(vm: VmFacts, context: RuleContext) -> Parts:
    """More than one core a socket; one core divides every number."""
    return judged("cores_per_socket", vm.cores_per_socket, lambda cores: cores > 1, lambda cores: {"cores_per_socket": cores})


@rule(
    "CPU-004",
    severity=Severity.WARNING,
    sources="V",
    title="The vCPUs are pinned to CPUs of the host",
    why="The pinning does not move along.",
    remediation="Set a VCPUs mask again only where a measurement asks for it.",
)
def pinned(vm: VmFacts, context: RuleContext) -> Parts:
    """Any pinned CPU."""
    return judged("cpu_affinity", vm.cpu_affinity, bool)


@rule(
    "CPU-005",
    severity=Severity.WARNING,
    sources="VR",
    title="CPUs or memory can be added while the machine runs",
    why="A VM grows only up to the maximum that was fixed when it started.",
    remediation="Give VCPUs_max and static memory headroom, or plan restarts.",
)
def hot_add(vm: VmFacts, context: RuleContext) -> Parts:
    """Any of the three switches."""
    return (
        *judged("cpu_hot_add", vm.cpu_hot_add, bool),
        *judged("cpu_hot_remove", vm.cpu_hot_remove, bool),
        *judged("memory_hot_add", vm.memory_hot_add, bool),
    )


@rule(
    "CPU-006",
    severity=Severity.CRITICAL,
    sources="V",
    title="The guest runs virtual machines itself",
    why="Nested virtualisation is not supported on the target.",
    remediation="Remove the role, or leave the machine where it is.",
)
def nested(vm: VmFacts, context: RuleContext) -> Parts:
    """Nesting for VBS alone is no role of its own."""
    extra = setting(vm, "vhv.enable")
    wanted = either(known(vm.nested_hv, bool), known(extra, lambda value: value not in OFF_WORDS))
    answer = both(wanted, opposite(known(vm.vbs, bool)))
    unread = next((value for value in (vm.nested_hv, extra, vm.vbs) if isinstance(value, Unknown)), vm.nested_hv)
    return answered(answer, "nested_hv", unread if answer is Answer.UNKNOWN else True)


@rule(
    "CPU-007",
    severity=Severity.WARNING,
    sources="V",
    title="The machine is tuned for latency or NUMA nodes",
    why="The tuning does not move along; placement is automatic.",
    remediation="Test under load and pin where needed.",
)
def latency_tuned(vm: VmFacts, context: RuleContext) -> Parts:
    """Latency sensitivity, or memory or NUMA affinity."""
    return (
        *judged("latency_sensitivity", vm.latency_sensitivity, lambda level: level.lower() == "high"),
        *judged("memory_affinity", vm.memory_affinity, bool),
        *judged("extra_config", setting(vm, "numa.nodeAffinity"), bool),
    )


@rule(
    "CPU-008",
    severity=Severity.WARNING,
    sources="VP",
    title="The machine needs newer CPU features than the pool has",
    why="Software tuned for instructions that are missing may crash.",
    remediation="Choose another pool, or test a cold boot.",
)
def newer_cpu_needed(vm: VmFacts, context: RuleContext) -> Parts:
    """Only a machine with a required EVC mode asks for the pool. One that only some pools have, or nobody listed, stays open."""
    mode, modes = vm.min_evc_mode, context.target.evc_modes
    if mode is None:
        return ()
    if isinstance(mode, Unknown) or isinstance(modes, Unknown):
        return answered(Answer.UNKNOWN, "min_evc_mode", mode if isinstance(mode, Unknown) else modes)
    return judged(
        "min_evc_mode",
        mode if mode.lower() in modes else Unknown(f"whether the target has EVC mode {mode} is not known"),
        lambda wanted: not modes[wanted.lower()],
        lambda wanted: {"evc_mode": wanted},
    )


@rule(
    "CPU-009",
    severity=Severity.CRITICAL,
    sources="V",
    title="The machine uses confidential computing",
    why="The target has nothing like SGX, SEV or TDX for a VM.",
    remediation="Change the design, or exclude the machine.",
)
def confidential(vm: VmFacts, context: RuleContext) -> Parts:
    """Any of the technologies that is on."""
    return judged("confidential", vm.confidential, bool, lambda names: {"technologies": list(names)})
