"""The exact commands with this pool's uuids, the listing that must come back, the runbook, and the sentences."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from readiness.core.campaign.commands import emergency_runbook, latency_commands, lookup_commands, timeout_commands
from readiness.core.campaign.ladder import Step, StepKind
from readiness.core.campaign.pbd_listing import ListingRefused, sr_of_listing
from readiness.core.campaign.sentences import ended_sentence, sentence
from readiness.core.campaign.states import (
    OPEN_CAMPAIGN,
    OPEN_TRIAL,
    CampaignEvent,
    CampaignState,
    IllegalTransition,
    TrialEvent,
    TrialState,
    next_campaign_state,
    next_trial_state,
)
from tests.builders.pools import a_pool
from tests.unit.readiness.cases import a_case

POOL = a_pool()


def lines(*, profile: str = "xenserver-8", **changes: object) -> list[str]:
    return [each.line for each in timeout_commands(a_case(replace(POOL, **changes), profile=profile), 90)]


def test_the_timeout_is_kept_as_default_and_set_by_switching_ha_off_and_on() -> None:
    assert lines() == [
        "xe pbd-list device-config:SCSIid=3600abc params=host-uuid,sr-uuid,currently-attached",
        "xe pool-param-set uuid=pool-1 other-config:default_ha_timeout=90",
        "xe pool-ha-disable",
        "xe pool-ha-enable heartbeat-sr-uuids=sr-hb ha-config:timeout=90",
        "xe pool-list uuid=pool-1 params=ha-enabled,ha-configuration",
    ]


def test_an_old_product_gets_no_default_and_a_pool_without_ha_no_disable() -> None:
    assert not [line for line in lines(profile="xenserver-2010") if "default_ha_timeout" in line]
    assert "xe pool-ha-disable" not in lines(ha_enabled=False)


def test_the_waiting_time_after_enable_is_the_join_timeout() -> None:
    assert "within 150 s" in timeout_commands(a_case(POOL), 90)[-1].expect


def test_an_sr_without_scsi_id_is_looked_up_by_its_uuid() -> None:
    files = tuple(replace(pbd, scsi_id=None) for pbd in POOL.pbds)
    assert lookup_commands(a_case(replace(POOL, pbds=files)))[0].line == "xe sr-list uuid=sr-hb params=uuid,type,name-label"


def test_every_host_is_told_to_keep_its_latency_by_the_state_files_uuid() -> None:
    told = [each.line for each in latency_commands(a_case(POOL))]
    assert told[0] == "xe host-data-source-record uuid=h1 data-source=statefile/vdi-statefile/latency" and len(told) == 3
    assert latency_commands(a_case(replace(POOL, statefiles=()))) == ()


def test_what_a_pool_calls_itself_never_becomes_a_command() -> None:
    hostile = replace(POOL, uuid="x; reboot", pbds=tuple(replace(pbd, scsi_id="$(reboot)") for pbd in POOL.pbds))
    told = [each.line for each in timeout_commands(a_case(hostile), 90)]
    assert "uuid='x; reboot'" in told[1] and "SCSIid='$(reboot)'" in told[0]


def test_the_emergency_command_is_there_for_every_host_by_name_address_and_uuid() -> None:
    runbook = emergency_runbook(POOL)
    assert {each.line for each in runbook} == {"xe host-emergency-ha-disable --force"}
    assert [each.where for each in runbook] == [f"console of xen-h{n} (10.0.0.{n}, uuid h{n})" for n in (1, 2, 3)]


def block(host: str, sr: str = "sr-hb", attached: str = "true") -> str:
    return (
        f"host-uuid ( RO)              : {host}\n             sr-uuid ( RO): {sr}\n  currently-attached ( RO): {attached}\n\n\n"
    )


def test_a_listing_with_one_attached_block_per_host_gives_the_sr() -> None:
    assert sr_of_listing("".join(block(host) for host in ("h2", "h1", "h3")), ("h1", "h2", "h3")) == "sr-hb"


@pytest.mark.parametrize(
    ("listing", "words"),
    [
        ("", "holds no"),
        (block("h1"), "missing: h2"),
        (block("h1") * 2, "missing: h2"),
        (block("h1") + block("h9"), "missing: h2"),
        (block("h1") + block("h2") + block("h3"), "missing: none"),
        (block("h1") + block("h2", "sr-other"), "2 SRs"),
        (block("h1") + block("h2", attached="false"), "not attached on h2"),
        (block("h1") + "host-uuid ( RO): h2\n", "2 SRs"),
    ],
)
def test_any_other_listing_is_refused_with_the_reason(listing: str, words: str) -> None:
    with pytest.raises(ListingRefused, match=words):
        sr_of_listing(listing, ("h1", "h2"))


def test_every_step_has_one_sentence_with_names_in_it() -> None:
    said = {kind: sentence(Step(kind, 90, "san-a", ("h1",), "because of this"), {"h1": "xen01"}) for kind in StepKind}
    assert said[StepKind.TRIAL].endswith("begin the trial of san-a at 90 s, on xen01.")
    assert all(text.strip() and "{" not in text and "h1" not in text for text in said.values())
    assert "120 s is in force" in ended_sentence(CampaignState.COMPLETE, 120, in_force=True)
    assert "commands below" in ended_sentence(CampaignState.COMPLETE, 120, in_force=False)


def test_no_campaign_leaves_an_end_and_every_open_one_can_be_abandoned() -> None:
    for state in CampaignState:
        if state in OPEN_CAMPAIGN:
            assert next_campaign_state(state, CampaignEvent.ABANDON) is CampaignState.ABANDONED
            continue
        for event in CampaignEvent:
            with pytest.raises(IllegalTransition):
                next_campaign_state(state, event)


def test_a_campaign_completes_only_while_it_runs() -> None:
    for state in CampaignState:
        if state is not CampaignState.RUNNING:
            with pytest.raises(IllegalTransition):
                next_campaign_state(state, CampaignEvent.COMPLETE)


def test_only_what_was_watched_can_be_confirmed_and_only_open_trials_discarded() -> None:
    for state in TrialState:
        if state is not TrialState.WATCHED:
            with pytest.raises(IllegalTransition):
                next_trial_state(state, TrialEvent.CONFIRM)
        if state in OPEN_TRIAL:
            assert next_trial_state(state, TrialEvent.DISCARD) is TrialState.DISCARDED
