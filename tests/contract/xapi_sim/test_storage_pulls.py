"""Pulling plugs: who fences at which timeout, what the records show, how hosts come back."""

from __future__ import annotations

from typing import Any

import pytest
import XenAPI

from tests.contract.xapi_sim.pool_wire import PASSWORD, Wire, frame, refusal, vdi_record

SCSI = "mpath-360030d903131325f48415f4865617274"


def path_counts(session: Any) -> dict[str, str]:
    hosts = {ref: host["name_label"] for ref, host in session.xenapi.host.get_all_records().items()}
    pbds = session.xenapi.PBD.get_all_records().values()
    return {hosts[pbd["host"]]: pbd["other_config"][SCSI] for pbd in pbds if SCSI in pbd["other_config"]}


def live(session: Any) -> dict[str, bool]:
    return {
        host["name_label"]: session.xenapi.host_metrics.get_live(host["metrics"])
        for host in session.xenapi.host.get_all_records().values()
    }


def alerts(session: Any, name: str) -> list[str]:
    hosts = {host["uuid"]: host["name_label"] for host in session.xenapi.host.get_all_records().values()}
    found = session.xenapi.message.get_all_records().values()
    return [hosts[message["obj_uuid"]] for message in found if message["name"] == name]


@pytest.mark.parametrize(("node", "fenced"), [("san-a", "xen03"), ("san-b", "xen02")])
def test_at_60_seconds_each_node_fences_one_host_and_the_vms_move(fresh_wire: Wire, node: str, fenced: str) -> None:
    session = fresh_wire.login()
    trial = fresh_wire.run_trial("/pool/storage/cut", node=node)
    assert (trial["timeout_s"], trial["fenced"], trial["statefile_lost"]) == (60, [fenced], False)
    assert (trial["max_latency_s"], trial["failover_s"]) == (60, 40)
    assert live(session) == {"xen01": True, "xen02": True, "xen03": True} | {fenced: False}
    assert alerts(session, "HA_HOST_FAILED") == [fenced]
    dead = session.xenapi.host.get_by_name_label(fenced)[0]
    guests = [vm for vm in session.xenapi.VM.get_all_records().values() if vm["power_state"] == "Running"]
    assert [vm["name_label"] for vm in guests if vm["resident_on"] == dead] == [f"Control domain on host: {fenced}"]
    assert {"dns-01", "print-01", "web-01"} <= {vm["name_label"] for vm in guests}


def test_at_120_seconds_neither_node_fences_anybody(fresh_wire: Wire) -> None:
    fresh_wire.desk("POST", "/pool/ha", enabled=True, timeout_s=120)
    for node in ("san-a", "san-b"):
        trial = fresh_wire.run_trial("/pool/storage/cut", node=node)
        assert (trial["fenced"], trial["statefile_lost"]) == ([], False)
        assert (trial["max_latency_s"], trial["failover_s"], trial["timeout_s"]) == (85, 85, 120)
        assert trial["elapsed_lab_s"] >= 85
        assert fresh_wire.desk("POST", "/pool/storage/heal", node=node)["rejoined"] == []


def test_path_counts_drop_at_the_cut_and_come_back_at_the_heal(fresh_wire: Wire) -> None:
    session = fresh_wire.login()
    fresh_wire.desk("POST", "/pool/ha", enabled=True, timeout_s=120)
    fresh_wire.desk("POST", "/pool/storage/cut", node="san-a")
    assert path_counts(session) == dict.fromkeys(("xen01", "xen02", "xen03"), "[1, 2]")
    bodies = [m["body"] for m in session.xenapi.message.get_all_records().values() if m["name"] == "MULTIPATH_PERIODIC_ALERT"]
    assert len(bodies) == 1 and bodies[0].count("current=1; max=2") == 3
    assert not next(n for n in fresh_wire.desk("GET", "/state")["storage_nodes"] if n["name"] == "san-a")["up"]
    fresh_wire.desk("POST", "/pool/storage/heal", node="san-a")
    assert set(path_counts(session).values()) == {"[2, 2]"}


def test_a_fenced_host_answers_nobody_and_joins_again_after_the_heal(fresh_wire: Wire) -> None:
    session = fresh_wire.login()
    host = session.xenapi.host.get_by_name_label("xen03")[0]
    booted = session.xenapi.host.get_other_config(host)["boot_time"]
    fresh_wire.run_trial("/pool/storage/cut", node="san-a")
    url = next(h for h in fresh_wire.sim.lab_json()["hosts"] if h["name"] == "xen03")
    with pytest.raises(OSError):
        fresh_wire.connect(f"https://{url['address']}:{url['port']}")
    assert fresh_wire.desk("POST", "/pool/storage/heal", node="san-a")["rejoined"] == ["xen03"]
    assert live(session)["xen03"] is True
    assert session.xenapi.host.get_other_config(host)["boot_time"] != booted
    assert alerts(session, "HA_HOST_WAS_FENCED") == ["xen03"]
    assert len(session.xenapi.host.get_ha_network_peers(host)) == 3
    fresh_wire.connect(f"https://{url['address']}:{url['port']}").close()


def test_both_nodes_down_is_survived_together_and_said_so(fresh_wire: Wire) -> None:
    session = fresh_wire.login()
    fresh_wire.desk("POST", "/pool/ha", enabled=True, timeout_s=120)
    fresh_wire.run_trial("/pool/storage/cut", node="san-a")
    trial = fresh_wire.run_trial("/pool/storage/cut", node="san-b")
    assert (trial["fenced"], trial["statefile_lost"]) == ([], True)
    assert trial["max_latency_s"] == 120 and trial["failover_s"] is None
    assert alerts(session, "HA_STATEFILE_LOST")
    assert {tuple(h["ha_statefiles"]) for h in session.xenapi.host.get_all_records().values()} == {()}
    fresh_wire.desk("POST", "/pool/storage/heal", node="san-b")
    assert all(h["ha_statefiles"] for h in session.xenapi.host.get_all_records().values())


def test_losing_the_statefile_and_then_the_network_fences_all_and_all_come_back(fresh_wire: Wire) -> None:
    fresh_wire.desk("POST", "/pool/ha", enabled=True, timeout_s=120)
    fresh_wire.run_trial("/pool/storage/cut", node="san-a")
    fresh_wire.run_trial("/pool/storage/cut", node="san-b")
    trial = fresh_wire.run_trial("/pool/network/cut", host="xen02")
    assert trial["fenced"] == ["xen01", "xen02", "xen03"]
    with pytest.raises(OSError):
        fresh_wire.connect()
    fresh_wire.desk("POST", "/pool/storage/heal", node="san-a")
    assert fresh_wire.desk("POST", "/pool/network/heal", host="xen02")["rejoined"] == ["xen02"]
    assert all(host["live"] and not host["fenced"] for host in fresh_wire.desk("GET", "/state")["hosts"])


def test_an_isolated_host_fences_and_an_isolated_coordinator_hands_over(fresh_wire: Wire) -> None:
    trial = fresh_wire.run_trial("/pool/network/cut", host="xen01")
    assert trial["fenced"] == ["xen01"]
    state = fresh_wire.desk("GET", "/state")
    heir = next(host["name"] for host in state["hosts"] if host["coordinator"])
    assert heir != "xen01"
    session = fresh_wire.login()
    assert alerts(session, "POOL_MASTER_TRANSITION") == [heir]


def test_one_cut_path_stalls_one_host_only(fresh_wire: Wire) -> None:
    session = fresh_wire.login()
    trial = fresh_wire.run_trial("/pool/storage/cut", host="xen02", path="san-a")
    assert (trial["fenced"], trial["max_latency_s"]) == ([], 40)
    assert path_counts(session) == {"xen01": "[2, 2]", "xen02": "[1, 2]", "xen03": "[2, 2]"}
    fresh_wire.desk("POST", "/pool/storage/heal", host="xen02", path="san-a")
    assert path_counts(session)["xen02"] == "[2, 2]"


def test_a_host_that_loses_its_last_path_fences(fresh_wire: Wire) -> None:
    fresh_wire.desk("POST", "/pool/ha", enabled=True, timeout_s=120)
    fresh_wire.run_trial("/pool/storage/cut", host="xen02", path="san-a")
    trial = fresh_wire.run_trial("/pool/storage/cut", host="xen02", path="san-b")
    assert trial["fenced"] == ["xen02"]


def test_with_ha_off_a_pull_only_stalls(fresh_wire: Wire) -> None:
    fresh_wire.desk("POST", "/pool/ha", enabled=False)
    trial = fresh_wire.run_trial("/pool/storage/cut", node="san-a")
    assert (trial["timeout_s"], trial["fenced"], trial["max_latency_s"]) == (None, [], 85)


def test_an_import_on_a_host_that_fences_breaks_and_fails_its_task(fresh_wire: Wire) -> None:
    session = fresh_wire.login()
    sr = session.xenapi.SR.get_by_name_label("san-lun-01")[0]
    vdi, task = session.xenapi.VDI.create(vdi_record(sr, 8 << 20)), session.xenapi.task.create("import", "")
    host = next(h for h in fresh_wire.sim.lab_json()["hosts"] if h["name"] == "xen03")
    with fresh_wire.connect(f"https://{host['address']}:{host['port']}") as sock:
        query = f"session_id={session._session}&task_id={task}&vdi={vdi}&chunked=1"
        sock.sendall(f"PUT /import_raw_vdi?{query} HTTP/1.1\r\n\r\n".encode() + frame(0, b"A" * 512))
        fresh_wire.run_trial("/pool/storage/cut", node="san-a")
        sock.settimeout(5)
        try:
            while sock.recv(4096):
                pass
        except TimeoutError:
            pytest.fail("the fenced host kept the connection open")
        except OSError:
            pass  # a reset is as good as an end
    assert session.xenapi.task.get_status(task) == "failure"
    session.xenapi.VDI.destroy(vdi)


def test_a_moved_coordinator_answers_as_member_and_ends_sessions(fresh_wire: Wire) -> None:
    session = fresh_wire.login()
    old = fresh_wire.sim.url
    assert fresh_wire.desk("POST", "/pool/coordinator", host="xen02") == {"coordinator": "xen02"}
    assert refusal(session.xenapi.pool.get_all) == ["HOST_IS_SLAVE", "127.0.0.12"]
    assert fresh_wire.sim.url != old
    moved = XenAPI.Session(fresh_wire.sim.url, ignore_ssl=True)
    moved.xenapi.login_with_password("root", PASSWORD, "2.0", "t")
    assert moved.xenapi.pool.get_all()


def test_the_desk_names_what_there_is_when_asked_for_something_else(fresh_wire: Wire) -> None:
    for path, body, hint in (
        ("/pool/storage/cut", {"node": "san-z"}, "san-a, san-b"),
        ("/pool/network/cut", {"host": "xen99"}, "xen01, xen02, xen03"),
        ("/pool/ha", {"enabled": "yes"}, "true or false"),
        ("/pool/fault", {"kind": "task_failure"}, "error"),
        ("/pool/fault", {"kind": "task_failure", "error": "VDI_IO_ERROR"}, "array of texts"),
        ("/pool/fault", {"kind": "sr_full", "sr": "nowhere"}, "san-lun-01"),
        ("/pool/fault", {"kind": "redirect", "to": "xen99"}, "xen01"),
        ("/pool/fault", {"kind": "slow", "bytes_per_s": -1}, "whole numbers"),
    ):
        status, answer = fresh_wire.control.answer("POST", path, "Bearer control-token", str(body).replace("'", '"').encode())
        assert status == 400 and hint in answer["error"]
