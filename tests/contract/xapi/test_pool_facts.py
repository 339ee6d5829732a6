"""A pool's facts against the lab's pool, and against pools that lack classes and fields."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from estate.facts.codec import from_json, to_json
from estate.facts.pool import PoolFacts
from estate.facts.unknown import Unknown
from estate.xapi.pool import read_facts
from estate.xapi.session import XapiSession
from lab.xapi_sim import PoolSim

NOW = datetime(2026, 11, 22, 19, 0, tzinfo=UTC)


@pytest.fixture
def facts(session: XapiSession) -> PoolFacts:
    return read_facts(session, NOW)


def test_facts_agree_with_the_pool_that_was_built(facts: PoolFacts, pool: PoolSim) -> None:
    assert (facts.name, facts.ha_enabled, facts.ha_configuration) == ("pool-west", True, {"timeout": "60"})
    assert sorted(host.name for host in facts.hosts) == ["xen01", "xen02", "xen03"]
    assert {host.address for host in facts.hosts} == {host["address"] for host in pool.lab_json()["hosts"]}
    assert {host.tls_sha256 for host in facts.hosts} == {host["sha256"] for host in pool.lab_json()["hosts"]}
    assert facts.coordinator_uuid == next(host.uuid for host in facts.hosts if host.name == "xen01")
    assert all(host.live is True and host.enabled is True for host in facts.hosts)
    assert facts.unreadable == ()


def test_bonds_and_vlans_are_joined_by_uuid(facts: PoolFacts) -> None:
    pifs = {pif.uuid: pif for pif in facts.pifs}
    management = [pif for pif in facts.pifs if pif.management]
    masters = {bond.master_pif_uuid for bond in facts.bonds}
    assert len(management) == 3
    assert {pif.uuid for pif in management} <= masters
    assert all(len(bond.slave_pif_uuids) == 2 and bond.links_up == 2 for bond in facts.bonds)
    tagged = [pif for pif in facts.pifs if pif.vlan == 20]
    assert tagged
    assert all(pifs[pif.untagged_pif_uuid or ""].device == "eth4" for pif in tagged)


def test_storage_facts_tell_paths_zeroing_and_the_statefile(facts: PoolFacts) -> None:
    srs = {sr.name: sr for sr in facts.srs}
    assert srs["san-lun-01"].can_host_statefile is True
    assert srs["nfs-01"].new_vdis_are_zeroed is True
    assert isinstance(srs["iso-library"].can_host_statefile, Unknown)
    san = [pbd for pbd in facts.pbds if pbd.sr_uuid == srs["san-lun-01"].uuid]
    assert [(pbd.multipathed, pbd.paths_active, pbd.paths_max) for pbd in san] == [(True, 2, 2)] * 3
    assert san[0].scsi_id == "360030d903131325f48415f4865617274"
    assert {"10.20.0.201:3260", "10.20.0.202:3260"} <= set(san[0].portals)
    assert not isinstance(facts.statefiles, Unknown)
    assert {file.sr_uuid for file in facts.statefiles} == {srs["san-lun-01"].uuid}
    named = {file.vdi_uuid for file in facts.statefiles}
    assert all(not isinstance(host.ha_statefiles, Unknown) and set(host.ha_statefiles) <= named for host in facts.hosts)


def test_vms_and_templates_carry_what_planner_and_gate_ask(facts: PoolFacts) -> None:
    dns = next(vm for vm in facts.vms if vm.name == "dns-01")
    assert (dns.power_state, dns.ha_restart_priority, dns.mac_addresses) == ("Running", "restart", ("0a:58:00:00:00:01",))
    assert sum(vm.is_control_domain for vm in facts.vms) == 3
    assert "Windows Server 2022 (64-bit)" in {template.name for template in facts.templates}


def test_facts_tell_what_rules_ask_of_cpus_certificates_mounts_and_earlier_imports(facts: PoolFacts) -> None:
    assert {(host.cpu_vendor, host.cpu_model) for host in facts.hosts} == {("GenuineIntel", "Intel(R) Xeon(R) Gold 6430")}
    assert all(str(host.cpu_features).startswith("178bfbff-") for host in facts.hosts)
    assert facts.secure_boot_authority == "2023"
    assert {pbd.mount_options for pbd in facts.pbds} == {""}
    assert {(vm.start_blocked, vm.source_instance_uuid) for vm in facts.vms} == {(False, None)}


def test_facts_survive_being_stored(facts: PoolFacts) -> None:
    assert from_json(to_json(facts), PoolFacts) == facts


def test_class_and_fields_that_a_pool_lacks_are_unknown_and_named(session: XapiSession, monkeypatch: pytest.MonkeyPatch) -> None:
    ask = session.call

    def older_pool(method: str, *parameters: object) -> object:
        if method == "Certificate.get_all_records":
            raise session.translate(["MESSAGE_METHOD_UNKNOWN", method])
        answer = ask(method, *parameters)
        if method == "pool.get_all_records":
            for record in answer.values():
                del record["ha_overcommitted"]
        if method == "Bond.get_all_records":
            for record in answer.values():
                record["mode"] = "a-mode-of-tomorrow"
                del record["links_up"]
        return answer

    monkeypatch.setattr(session, "call", older_pool)
    facts = read_facts(session, NOW)
    assert isinstance(facts.ha_overcommitted, Unknown)
    assert all(isinstance(host.tls_sha256, Unknown) for host in facts.hosts)
    assert all(bond.mode == "a-mode-of-tomorrow" and isinstance(bond.links_up, Unknown) for bond in facts.bonds)
    assert [what for what, _ in facts.unreadable] == ["Certificate"]


def test_pool_that_falls_silent_is_an_error_not_a_pool_of_unknowns(session: XapiSession, monkeypatch: pytest.MonkeyPatch) -> None:
    ask = session.call

    def falls_silent(method: str, *parameters: object) -> object:
        if method == "SR.get_all_records":
            raise session.translate(["CANNOT_CONTACT_HOST", "xen01"])
        return ask(method, *parameters)

    monkeypatch.setattr(session, "call", falls_silent)
    with pytest.raises(Exception, match="cannot be reached"):
        read_facts(session, NOW)
