"""What to do next in a campaign, in one sentence for a person. Names instead of uuids; the commands stand beside it."""

from __future__ import annotations

from collections.abc import Mapping

from readiness.core.campaign.ladder import HIGHEST_RUNG_S, Step, StepKind
from readiness.core.campaign.states import CampaignState

_SENTENCES = {
    StepKind.READ_POOL: "Collect the pool again: its HA timeout is not known ({because}).",
    StepKind.NAME_NODES: "Record which storage nodes serve the heartbeat SR, with addresses, IQNs or WWNs ({because}).",
    StepKind.PASS_PREFLIGHT: "Clear what stands against a trial, then ask for the preflight again: {because}",
    StepKind.SET_TIMEOUT: "Set the HA timeout to {timeout_s} s with the commands below, then collect the pool ({because}).",
    StepKind.TRIAL: "With storage healthy and its mirror in sync, begin the trial of {node} at {timeout_s} s, on {hosts}.",
    StepKind.WAIT: "Wait some seconds: the service looks at the pool for the trial of {node}.",
    StepKind.POWER_CYCLE: "Power-cycle {node} hard through its remote card, wait until it, its mirror and every host are back, "
    "then end the trial.",
    StepKind.CONFIRM: "Confirm what was seen in the trial of {node}; add the state-file latency and failover time you measured.",
    StepKind.REPAIR_STORAGE: "Repair the storage: {because}, and the ladder ends at " + f"{HIGHEST_RUNG_S} s.",
    StepKind.FINISHED: "Nothing is left to test: {timeout_s} s is proven on every storage node and host.",
}
_ABANDONED = "This campaign was abandoned; start another one to go on."
_IN_FORCE = "Nothing: the tuned timeout of {tuned} s is in force and survives the next enable."
_NOT_IN_FORCE = (
    "Enable HA with the tuned timeout of {tuned} s by the commands below: it is not in force, or the next enable loses it."
)


def sentence(step: Step, names: Mapping[str, str]) -> str:
    """The step in words; `names` are the hosts' names by uuid."""
    hosts = ", ".join(names.get(uuid, uuid) for uuid in step.hosts)
    filled = {"timeout_s": step.timeout_s, "node": step.node, "hosts": hosts, "because": step.because}
    return _SENTENCES[step.kind].format(**filled)


def ended_sentence(state: CampaignState, tuned_timeout_s: int | None, *, in_force: bool) -> str:
    """What is to be done after a campaign has ended. `in_force`: the pool runs with its result and keeps it as default."""
    if state is CampaignState.ABANDONED:
        return _ABANDONED
    return (_IN_FORCE if in_force else _NOT_IN_FORCE).format(tuned=tuned_timeout_s)
