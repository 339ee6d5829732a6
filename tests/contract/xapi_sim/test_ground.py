"""What the pool stands on: the API's tables, key pairs, loopback ports, the spec, and the program alone."""

from __future__ import annotations

import signal
import socket
import ssl
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import XenAPI

from lab.netbind import NoCommonPort, listen_on_common_port, require_loopback
from lab.tls import make_certificate, server_context
from lab.xapi_sim import tables
from lab.xapi_sim.spec import small_pool
from lab.xapi_sim.store import RELATIONS, Store
from tests.contract.xapi_sim.pool_wire import vm_record


def test_vm_create_demands_exactly_the_keys_without_a_default() -> None:
    required = {field.name for field in tables.classes()["VM"].fields.values() if field.required}
    assert required == vm_record().keys() - {"name_label"}
    assert len(required) == 25


def test_every_class_can_be_stored_with_its_defaults_alone() -> None:
    store = Store()
    for name, api_class in tables.classes().items():
        record = store.snapshot(name, store.create(name))
        assert record.keys() == api_class.fields.keys()


def test_every_relation_joins_a_reference_and_a_set_of_references() -> None:
    classes = tables.classes()
    for (many, ref_field), (one, set_field) in RELATIONS.items():
        assert classes[many].fields[ref_field].type == f"ref {one}"
        assert classes[one].fields[set_field].type == f"set<ref {many}>"


def test_both_sides_of_a_relation_follow_each_other() -> None:
    store = Store()
    host, other = store.create("host"), store.create("host")
    vm = store.create("VM", resident_on=host)
    assert store.get("host", host, "resident_VMs") == [vm]
    store.set("VM", vm, resident_on=other)
    assert (store.get("host", host, "resident_VMs"), store.get("host", other, "resident_VMs")) == ([], [vm])
    store.destroy("VM", vm)
    assert store.get("host", other, "resident_VMs") == []


def test_a_second_key_pair_for_the_same_name_is_another_one_and_its_key_is_private(tmp_path: Path) -> None:
    first = make_certificate(tmp_path, "xen01", ["127.0.0.11"])
    second = make_certificate(tmp_path, "xen01", ["127.0.0.11"])
    assert first.sha256_fingerprint != second.sha256_fingerprint
    assert len(second.sha256_fingerprint) == 95 and len(second.sha1) == 59
    assert second.key_path.stat().st_mode & 0o777 == 0o600
    assert isinstance(server_context(second), ssl.SSLContext)


@pytest.mark.parametrize("address", ["0.0.0.0", "10.0.0.1", "::"])
def test_the_lab_never_binds_beyond_loopback(address: str) -> None:
    with pytest.raises(ValueError, match=r"127\.0\.0\.0/8"):
        require_loopback(address)


def test_one_port_is_found_for_several_addresses_and_a_taken_one_is_refused() -> None:
    listeners = listen_on_common_port(["127.0.0.61", "127.0.0.62"])
    try:
        assert {sock.getsockname() for sock in listeners.sockets.values()} == {
            ("127.0.0.61", listeners.port),
            ("127.0.0.62", listeners.port),
        }
        with pytest.raises(NoCommonPort):
            listen_on_common_port(["127.0.0.63", "127.0.0.62"], listeners.port)
        with socket.socket() as free:
            free.bind(("127.0.0.63", listeners.port))
    finally:
        for sock in listeners.sockets.values():
            sock.close()


def test_the_small_pool_has_management_nics_on_two_cards_and_two_switches() -> None:
    pool = small_pool()
    management = next(network for network in pool.networks if network.role == "management")
    for host in pool.hosts:
        nics = [nic for nic in host.nics if nic.device in management.devices]
        assert len({nic.pci_bus_path.rsplit(".", 1)[0] for nic in nics}) == 2
        assert len({nic.switch for nic in nics}) == 2


@pytest.mark.parametrize(("timeout_s", "fencing"), [(60, {"san-a": ["xen03"], "san-b": ["xen02"]}), (120, {})])
def test_the_small_pool_fences_one_host_per_node_at_60_and_none_at_120(timeout_s: int, fencing: dict) -> None:
    pool = small_pool()
    for node in pool.storage_nodes:
        slow = [host.name for host in pool.hosts if host.failover_s[node.name] > timeout_s]
        assert slow == fencing.get(node.name, [])


def test_uuids_of_a_pool_are_the_same_at_every_start_and_differ_between_pools() -> None:
    pool = small_pool()
    assert pool.stable_uuid("vm/a") == small_pool().stable_uuid("vm/a")
    assert pool.stable_uuid("vm/a") != replace(pool, name="pool-east").stable_uuid("vm/a")


def test_the_pool_runs_alone_and_prints_how_to_log_in(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "lab.xapi_sim", "--state", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url, user, password = process.stdout.readline().split()
        session = XenAPI.Session(url, ignore_ssl=True)
        session.xenapi.login_with_password(user, password, "2.0", "alone")
        assert len(session.xenapi.host.get_all()) == 3
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0
