"""The pool's dialects: XML-RPC, JSON-RPC, sessions, errors, events, tasks, messages."""

from __future__ import annotations

import datetime
import hashlib
import json
import threading
import time
import urllib.error
import urllib.request
from typing import Any

import pytest
import XenAPI

from tests.contract.xapi_sim.pool_wire import PASSWORD, Wire, refusal, wait_for

BOGUS = "OpaqueRef:00000000-dead-beef-0000-000000000000"


def post(wire: Wire, path: str, body: bytes, url: str = "") -> bytes:
    head = f"POST {path} HTTP/1.1\r\nContent-Length: {len(body)}\r\nConnection: close"
    with wire.connect(url) as sock:
        sock.sendall(f"{head}\r\nHost: lab\r\n\r\n".encode() + body)
        answer = b""
        while piece := sock.recv(65536):
            answer += piece
            if b"\r\n\r\n" in answer and complete(answer):
                break
    return answer.split(b"\r\n\r\n", 1)[1]


def complete(answer: bytes) -> bool:
    head, _, body = answer.partition(b"\r\n\r\n")
    length = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
    return len(body) >= int(length.split(b":")[1])


def jsonrpc(wire: Wire, **request: Any) -> Any:
    return json.loads(post(wire, "/jsonrpc", json.dumps(request).encode()))


def test_integers_travel_as_decimal_strings_in_xml(wire: Wire, session: Any) -> None:
    sr = session.xenapi.SR.get_all()[0]
    assert isinstance(session.xenapi.SR.get_physical_size(sr), str)


def test_xml_rpc_answers_on_both_paths(wire: Wire) -> None:
    call = b"<methodCall><methodName>session.login_with_password</methodName><params>"
    call += b"".join(b"<param><value>%s</value></param>" % word for word in (b"root", PASSWORD.encode(), b"1.0", b"x"))
    for path in ("/", "/RPC2"):
        assert b"<value>Success</value>" in post(wire, path, call + b"</params></methodCall>")


def test_a_body_that_is_no_call_is_a_bad_request(wire: Wire) -> None:
    status, _ = wire.exchange("POST / HTTP/1.1\r\nContent-Length: 0\r\nConnection: close")
    assert status == 400


def test_json_rpc_2_has_native_numbers_and_an_error_object(wire: Wire, session: Any) -> None:
    sr = session.xenapi.SR.get_all()[0]
    good = jsonrpc(wire, jsonrpc="2.0", method="SR.get_physical_size", params=[session._session, sr], id=7)
    assert good["id"] == 7 and isinstance(good["result"], int)
    bad = jsonrpc(wire, jsonrpc="2.0", method="VM.get_record", params=[session._session, BOGUS], id=8)
    assert bad["error"] == {"code": 1, "message": "HANDLE_INVALID", "data": ["VM", BOGUS]}


def test_json_rpc_1_puts_the_description_into_error(wire: Wire) -> None:
    reply = jsonrpc(wire, method="pool.get_all", params=["OpaqueRef:nobody"], id=1)
    assert reply == {"result": None, "error": ["SESSION_INVALID", "OpaqueRef:nobody"], "id": 1}


@pytest.mark.parametrize(
    ("method", "params", "description"),
    [
        ("VM.get_by_uuid", ["nope"], ["UUID_INVALID", "VM", "nope"]),
        ("VM.nonsense", [], ["MESSAGE_METHOD_UNKNOWN", "VM.nonsense"]),
        ("VM.get_record", [], ["MESSAGE_PARAMETER_COUNT_MISMATCH", "VM.get_record", "1", "0"]),
        ("VM.get_record", [BOGUS], ["HANDLE_INVALID", "VM", BOGUS]),
        ("pool.ha_failover_plan_exists", ["many"], ["FIELD_TYPE_ERROR", "n"]),
        ("host.bugreport_upload", [BOGUS, "", {}], ["HANDLE_INVALID", "host", BOGUS]),
        ("pool.rotate_secret", [], ["NOT_IMPLEMENTED", "pool.rotate_secret"]),
    ],
)
def test_documented_errors_carry_their_parameters(session: Any, method: str, params: list, description: list) -> None:
    call = session.xenapi
    for part in method.split("."):
        call = getattr(call, part)
    assert refusal(call, *params) == description


def test_a_wrong_password_is_refused(wire: Wire) -> None:
    session = XenAPI.Session(wire.sim.url, ignore_ssl=True)
    assert refusal(session.xenapi.login_with_password, "root", "wrong", "2.0", "t")[0] == "SESSION_AUTHENTICATION_FAILED"


def test_a_closed_session_is_invalid(wire: Wire) -> None:
    session = wire.login()
    handle = session._session
    session.xenapi.session.logout()
    reply = jsonrpc(wire, jsonrpc="2.0", method="pool.get_all", params=[handle], id=1)
    assert (reply["error"]["message"], reply["error"]["data"]) == ("SESSION_INVALID", [handle])


def test_a_read_only_account_may_not_write(wire: Wire) -> None:
    session = XenAPI.Session(wire.sim.url, ignore_ssl=True)
    session.xenapi.login_with_password("readonly", PASSWORD, "2.0", "t")
    pool = session.xenapi.pool.get_all()[0]
    assert refusal(session.xenapi.pool.set_name_label, pool, "x")[:2] == ["RBAC_PERMISSION_DENIED", "pool.set_name_label"]


def test_a_member_names_the_coordinator(wire: Wire) -> None:
    member = wire.sim.lab_json()["hosts"][1]
    session = XenAPI.Session(f"https://{member['address']}:{member['port']}", ignore_ssl=True)
    assert refusal(session.xenapi.login_with_password, "root", PASSWORD, "2.0", "t") == ["HOST_IS_SLAVE", "127.0.0.11"]


def test_records_can_be_filtered_on_the_server(session: Any) -> None:
    expression = 'field "is_a_template" = "true" and not field "name__label" = "Windows 11"'
    names = {r["name_label"] for r in session.xenapi.VM.get_all_records_where(expression).values()}
    assert "Debian Bookworm 12" in names and "Windows 11" not in names and "dns-01" not in names
    assert refusal(session.xenapi.VM.get_all_records_where, 'field "x"')[0] == "INTERNAL_ERROR"


def test_a_key_is_not_added_twice(session: Any) -> None:
    pool = session.xenapi.pool.get_all()[0]
    session.xenapi.pool.add_to_other_config(pool, "k", "1")
    assert refusal(session.xenapi.pool.add_to_other_config, pool, "k", "2")[0] == "MAP_DUPLICATE_KEY"
    session.xenapi.pool.remove_from_other_config(pool, "k")
    assert "k" not in session.xenapi.pool.get_other_config(pool)


def test_event_from_waits_for_a_change_and_reports_deletion(wire: Wire, session: Any) -> None:
    begin = call_event_from(session, ["task"], "", 1.0)
    task = session.xenapi.task.create("watched", "")
    added = call_event_from(session, ["Task"], begin["token"], 5.0)
    assert [(e["class"], e["operation"], e["ref"]) for e in added["events"]] == [("task", "add", task)]
    other = wire.login()
    threading.Timer(0.2, other.xenapi.task.destroy, [task]).start()
    began = time.monotonic()
    gone = call_event_from(session, ["task"], added["token"], 10.0)
    assert [(e["operation"], "snapshot" in e) for e in gone["events"]] == [("del", False)]
    assert 0.1 < time.monotonic() - began < 5


def call_event_from(session: Any, classes: list[str], token: str, timeout: float) -> Any:
    return session.xenapi_request("event.from", (classes, token, timeout))


def test_event_from_counts_live_references(session: Any) -> None:
    batch = call_event_from(session, ["host", "message"], "", 1.0)
    assert int(batch["valid_ref_counts"]["host"]) == 3


def test_event_from_follows_a_single_object(session: Any) -> None:
    one, other = session.xenapi.host.get_all()[:2]
    token = call_event_from(session, [f"host/{one}"], "", 1.0)["token"]
    session.xenapi.host.set_name_description(other, "not watched")
    session.xenapi.host.set_name_description(one, "watched")
    events = call_event_from(session, [f"host/{one}"], token, 1.0)["events"]
    assert [event["ref"] for event in events] == [one]


def test_odd_tokens_and_subscriptions_are_refused(session: Any) -> None:
    assert refusal(call_event_from, session, ["host"], "yesterday", 1.0) == ["EVENT_FROM_TOKEN_PARSE_FAILURE", "yesterday"]
    assert refusal(call_event_from, session, ["vm/"], "", 1.0) == ["EVENT_SUBSCRIPTION_PARSE_FAILURE", "vm/"]


def test_an_async_call_ends_in_a_task_with_its_result(session: Any) -> None:
    vm = session.xenapi.VM.get_by_name_label("dns-01")[0]
    task = session.xenapi.Async.VM.compute_memory_overhead(vm)
    wait_for(lambda: session.xenapi.task.get_status(task) == "success", "the task")
    assert session.xenapi.task.get_result(task).startswith("<value>")


def test_an_async_call_that_is_refused_leaves_the_error_in_its_task(session: Any) -> None:
    template = session.xenapi.VM.get_by_name_label("Windows 11")[0]
    task = session.xenapi.Async.VM.start(template, False, False)
    wait_for(lambda: session.xenapi.task.get_status(task) == "failure", "the task")
    assert session.xenapi.task.get_error_info(task) == ["VM_IS_TEMPLATE", template]


def test_a_waiting_task_can_be_cancelled(session: Any) -> None:
    task = session.xenapi.task.create("idle", "")
    session.xenapi.task.cancel(task)
    assert session.xenapi.task.get_status(task) == "cancelled"


def test_messages_are_found_since_a_time(session: Any) -> None:
    pool = session.xenapi.pool.get_all_records()
    uuid = next(iter(pool.values()))["uuid"]
    before = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=5)
    message = session.xenapi.message.create("FROM_A_TEST", 4, "Pool", uuid, "body")
    assert message in session.xenapi.message.get_since(before.strftime("%Y%m%dT%H:%M:%SZ"))
    assert refusal(session.xenapi.message.create, "X", 4, "VM", "no-uuid", "")[0] == "UUID_INVALID"
    session.xenapi.message.destroy(message)


def test_every_host_has_its_own_certificate(wire: Wire) -> None:
    hosts = wire.sim.lab_json()["hosts"]
    assert len({host["sha256"] for host in hosts}) == len(hosts)
    url = f"https://{hosts[1]['address']}:{hosts[1]['port']}"
    assert fingerprint(wire, url) == hosts[1]["sha256"]


def test_a_renewed_certificate_is_shown_and_recorded(fresh_wire: Wire) -> None:
    before = fingerprint(fresh_wire, "")
    answer = fresh_wire.desk("POST", "/certificate", of="xen01")
    assert answer["sha256"] == fingerprint(fresh_wire, "") != before
    records = fresh_wire.login().xenapi.Certificate.get_all_records().values()
    assert answer["sha256"] in {record["fingerprint_sha256"] for record in records}


def fingerprint(wire: Wire, url: str) -> str:
    with wire.connect(url) as sock:
        digest = hashlib.sha256(sock.getpeercert(binary_form=True) or b"").hexdigest().upper()
    return ":".join(digest[i : i + 2] for i in range(0, len(digest), 2))


def test_the_log_names_calls_but_no_secrets(wire: Wire, session: Any) -> None:
    session.xenapi.pool.get_all()
    entries = wire.desk("GET", "/log?since=0")
    assert {"server": "xen01", "method": "CALL", "what": "pool.get_all"}.items() <= entries[-1].items()
    assert session._session not in json.dumps(entries) and PASSWORD not in json.dumps(entries)


def test_the_desk_refuses_a_wrong_token_and_unknown_calls(wire: Wire) -> None:
    bad = urllib.request.Request(wire.control.url + "/state", headers={"Authorization": "Bearer guess"})
    with pytest.raises(urllib.error.HTTPError) as denied:
        urllib.request.urlopen(bad, timeout=5)
    assert denied.value.code == 401
    for path, status in (("/pool/nonsense", 404), ("/pool/fault", 400)):
        with pytest.raises(urllib.error.HTTPError) as caught:
            wire.desk("POST", path, kind="nonsense")
        assert caught.value.code == status
