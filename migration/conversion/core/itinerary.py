"""The recoverable steps of a conversion in their order, each bound to the leg that runs it and to a predicate that may skip it.

Every step is written observe-then-act by the work room, so running one again after a crash is harmless. The cursor stored with
the conversion is the name of the step that was begun last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from migration.conversion.core.spec import ConversionSpec


class Leg(StrEnum):
    """The three jobs of a conversion: in front of the gate, the copy, and behind the second gate."""

    PREPARE = "prepare"
    COPY = "copy"
    GO_LIVE = "go_live"


@dataclass(frozen=True, slots=True)
class Step:
    name: str
    leg: Leg
    title: str
    applies: Callable[[ConversionSpec], bool]


def _always(_spec: ConversionSpec) -> bool:
    return True


def _has_nics(spec: ConversionSpec) -> bool:
    return bool(spec.nics)


def _gets_vtpm(spec: ConversionSpec) -> bool:
    return spec.vtpm


def _is_protected(spec: ConversionSpec) -> bool:
    return bool(spec.ha_restart_priority)


def _is_on_a_server(spec: ConversionSpec) -> bool:
    return not spec.package_path


def _is_in_a_package(spec: ConversionSpec) -> bool:
    return bool(spec.package_path)


ITINERARY: tuple[Step, ...] = (
    Step("check_target", Leg.PREPARE, "Check its MAC addresses against the pool", _always),
    Step("make_vm", Leg.PREPARE, "Make the halted, blocked VM", _always),
    Step("make_disks", Leg.PREPARE, "Make the VDIs and attach them", _always),
    Step("attach_nics", Leg.PREPARE, "Attach the network interfaces", _has_nics),
    Step("attach_cd", Leg.PREPARE, "Attach an empty CD drive", _always),
    Step("add_vtpm", Leg.PREPARE, "Give the VM a new, empty TPM", _gets_vtpm),
    Step("count_devices", Leg.PREPARE, "Count disks and interfaces in against out", _always),
    Step("stop_source", Leg.COPY, "Shut the source down and confirm that it is off", _is_on_a_server),
    Step("check_package", Leg.COPY, "Check that the package is the one that was planned with", _is_in_a_package),
    Step("copy_disks", Leg.COPY, "Copy the disks", _always),
    Step("verify_disks", Leg.COPY, "Read the disks back and compare", _always),
    Step("count_bytes", Leg.COPY, "Count disks, interfaces and bytes once more", _always),
    Step("confirm_unchanged", Leg.COPY, "Confirm that nothing happened to the source", _always),
    Step("confirm_fresh", Leg.GO_LIVE, "Confirm that the copy is still the last word", _always),
    Step("start", Leg.GO_LIVE, "Unblock the VM and start it", _always),
    Step("check_running", Leg.GO_LIVE, "Check that it runs", _always),
    Step("protect", Leg.GO_LIVE, "Tell HA what to do for it", _is_protected),
    Step("mark_source", Leg.GO_LIVE, "Note the move on the source", _is_on_a_server),
)


def steps_of(spec: ConversionSpec, leg: Leg | None = None) -> Iterator[Step]:
    """The steps that apply to this machine, of one leg or of all, in order."""
    return (step for step in ITINERARY if leg in (None, step.leg) and step.applies(spec))


def title_of(name: str) -> str:
    """What people read for a step name; empty for a conversion that has not begun."""
    return next((step.title for step in ITINERARY if step.name == name), "")
