"""HA over the API: what enabling checks, what the timeout becomes, what the plan says."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.xapi_sim.pool_wire import Wire, refusal, vbd_record, vdi_record, vm_record, wait_for


@pytest.fixture
def pool(session: Any) -> str:
    return session.xenapi.pool.get_all()[0]


@pytest.fixture
def san(session: Any) -> str:
    return session.xenapi.SR.get_by_name_label("san-lun-01")[0]


@pytest.fixture
def ha_off(session: Any, pool: str, san: str) -> Any:
    """HA off for the test, on again as the pool began."""
    session.xenapi.pool.disable_ha()
    yield
    session.xenapi.pool.remove_from_other_config(pool, "default_ha_timeout")
    if session.xenapi.pool.get_ha_enabled(pool):
        session.xenapi.pool.disable_ha()
    session.xenapi.pool.enable_ha([san], {"timeout": "60"})


def effective_timeout_s(wire: Wire) -> int | None:
    return wire.desk("GET", "/state")["ha"]["timeout_s"]


def test_the_pool_begins_with_ha_on_and_a_drifted_timeout(wire: Wire, session: Any, pool: str, san: str) -> None:
    record = session.xenapi.pool.get_record(pool)
    assert record["ha_enabled"] is True and record["ha_configuration"] == {"timeout": "60"}
    assert "default_ha_timeout" not in record["other_config"]
    assert (record["ha_host_failures_to_tolerate"], record["ha_plan_exists_for"]) == ("1", "1")
    statefile = session.xenapi.VDI.get_record(record["ha_statefiles"][0])
    assert (statefile["type"], statefile["SR"]) == ("ha_statefile", san)
    for host in session.xenapi.host.get_all_records().values():
        assert host["ha_statefiles"] == record["ha_statefiles"]
        assert len(host["ha_network_peers"]) == 3


def test_disable_keeps_the_history_and_clears_the_live_figures(session: Any, pool: str, ha_off: None) -> None:
    record = session.xenapi.pool.get_record(pool)
    assert (record["ha_enabled"], record["ha_plan_exists_for"]) == (False, "0")
    assert record["ha_configuration"] == {"timeout": "60"} and record["ha_statefiles"]
    assert refusal(session.xenapi.pool.disable_ha) == ["HA_NOT_ENABLED"]


def test_an_empty_map_forgets_the_timeout(wire: Wire, session: Any, pool: str, san: str, ha_off: None) -> None:
    session.xenapi.pool.enable_ha([san], {"timeout": "120"})
    assert effective_timeout_s(wire) == 120
    session.xenapi.pool.disable_ha()
    session.xenapi.pool.enable_ha([san], {})
    assert session.xenapi.pool.get_ha_configuration(pool) == {}
    assert effective_timeout_s(wire) == 60


def test_the_pool_default_survives_a_re_enable(wire: Wire, session: Any, pool: str, ha_off: None) -> None:
    session.xenapi.pool.add_to_other_config(pool, "default_ha_timeout", "120")
    session.xenapi.pool.enable_ha([], {})
    assert effective_timeout_s(wire) == 120
    session.xenapi.pool.remove_from_other_config(pool, "default_ha_timeout")
    assert effective_timeout_s(wire) == 120, "T is frozen at enable"


@pytest.mark.parametrize("timeout", ["9", "soon"])
def test_a_timeout_below_ten_or_no_number_fails(session: Any, san: str, ha_off: None, timeout: str) -> None:
    assert refusal(session.xenapi.pool.enable_ha, [san], {"timeout": timeout})[0] == "INTERNAL_ERROR"


def test_enabling_twice_is_refused(session: Any, san: str) -> None:
    assert refusal(session.xenapi.pool.enable_ha, [san], {}) == ["HA_IS_ENABLED"]


def test_enable_runs_as_a_task_too(session: Any, pool: str, san: str, ha_off: None) -> None:
    task = session.xenapi.Async.pool.enable_ha([san], {"timeout": "90"})
    wait_for(lambda: session.xenapi.task.get_status(task) == "success", "HA")
    assert session.xenapi.pool.get_ha_enabled(pool) is True


def test_an_sr_that_a_host_lacks_cannot_carry_the_statefile(session: Any, ha_off: None) -> None:
    nfs = session.xenapi.SR.get_by_name_label("nfs-01")[0]
    session.xenapi.SR.assert_can_host_ha_statefile(nfs)
    pbd = session.xenapi.SR.get_PBDs(nfs)[1]
    session.xenapi.PBD.unplug(pbd)
    assert refusal(session.xenapi.pool.enable_ha, [nfs], {}) == ["SR_HAS_NO_PBDS", nfs]
    session.xenapi.PBD.plug(pbd)


def test_an_iso_library_cannot_carry_the_statefile(session: Any) -> None:
    iso = session.xenapi.SR.get_by_name_label("iso-library")[0]
    assert refusal(session.xenapi.SR.assert_can_host_ha_statefile, iso) == ["SR_OPERATION_NOT_SUPPORTED", iso]


def test_the_statefile_is_in_use_while_ha_is_on(session: Any, pool: str) -> None:
    statefile = session.xenapi.pool.get_ha_statefiles(pool)[0]
    assert refusal(session.xenapi.VDI.destroy, statefile)[:2] == ["VDI_IN_USE", statefile]


def test_only_the_three_known_priorities_are_taken(session: Any) -> None:
    vm = session.xenapi.VM.get_by_name_label("dns-01")[0]
    assert refusal(session.xenapi.VM.set_ha_restart_priority, vm, "2") == ["INVALID_VALUE", "ha_restart_priority", "2"]


def test_tolerating_less_than_nothing_or_more_than_the_plan_is_refused(session: Any, pool: str) -> None:
    set_ntol = session.xenapi.pool.set_ha_host_failures_to_tolerate
    assert refusal(set_ntol, pool, "-1")[0] == "INVALID_VALUE"
    assert refusal(set_ntol, pool, "3") == ["HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN"]
    set_ntol(pool, "2")
    assert session.xenapi.pool.get_ha_plan_exists_for(pool) == "2"
    set_ntol(pool, "1")


def test_the_hypothetical_maximum_counts_exactly_the_listed_vms_and_changes_nothing(session: Any, pool: str) -> None:
    memory = dict.fromkeys(("memory_static_max", "memory_dynamic_max", "memory_dynamic_min"), str(100 << 30))
    large = [session.xenapi.VM.create(vm_record(name_label=f"large {n}", **memory)) for n in range(3)]
    before = session.xenapi.pool.get_record(pool)
    most = session.xenapi.pool.ha_compute_hypothetical_max_host_failures_to_tolerate
    assert [int(most(dict.fromkeys(large[:n], "restart"))) for n in range(4)] == [3, 2, 1, 0]
    assert session.xenapi.pool.get_record(pool) == before
    for vm in large:
        session.xenapi.VM.destroy(vm)


def test_starting_a_protected_vm_that_breaks_the_plan_is_refused(session: Any) -> None:
    memory = dict.fromkeys(("memory_static_max", "memory_dynamic_max", "memory_dynamic_min"), str(100 << 30))
    large = [session.xenapi.VM.create(vm_record(name_label=f"large {n}", **memory)) for n in range(3)]
    for vm in large:
        session.xenapi.VM.set_ha_restart_priority(vm, "restart")
    session.xenapi.VM.start(large[0], False, False)
    session.xenapi.VM.start(large[1], False, False)
    assert refusal(session.xenapi.VM.start, large[2], False, False) == ["HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN"]
    for vm in large:
        if session.xenapi.VM.get_power_state(vm) == "Running":
            session.xenapi.VM.hard_shutdown(vm)
        session.xenapi.VM.destroy(vm)


def test_agility_names_the_network_that_is_not_everywhere_and_the_sr_that_is_not_attached(session: Any) -> None:
    nfs = session.xenapi.SR.get_by_name_label("nfs-01")[0]
    vm = session.xenapi.VM.create(vm_record())
    vdi = session.xenapi.VDI.create(vdi_record(nfs, 2 << 20))
    session.xenapi.VBD.create(vbd_record(vm, vdi))
    session.xenapi.VM.assert_agile(vm)
    pbd = session.xenapi.SR.get_PBDs(nfs)[0]
    session.xenapi.PBD.unplug(pbd)
    assert refusal(session.xenapi.VM.assert_agile, vm) == ["HA_CONSTRAINT_VIOLATION_SR_NOT_SHARED", nfs]
    session.xenapi.PBD.plug(pbd)
    session.xenapi.VM.destroy(vm)
    session.xenapi.VDI.destroy(vdi)


def test_the_desk_sets_the_timeout_as_a_person_would(wire: Wire, session: Any, pool: str, ha_off: None) -> None:
    assert wire.desk("POST", "/pool/ha", enabled=True, timeout_s=120) == {"enabled": True, "timeout_s": 120}
    assert session.xenapi.pool.get_ha_configuration(pool) == {"timeout": "120"}
    assert wire.desk("POST", "/pool/ha", enabled=True, timeout_s=90)["timeout_s"] == 90, "re-enabled, not refused"
    assert wire.desk("POST", "/pool/ha", enabled=False) == {"enabled": False, "timeout_s": None}
