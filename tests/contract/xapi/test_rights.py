"""What the role of an account forbids, as the pool itself tells it of the session."""

from __future__ import annotations

from dataclasses import replace

import pytest

from estate.connection import Connection
from estate.errors import EdgeError
from estate.facts.unknown import Unknown
from estate.xapi.rights import FOR_HA, FOR_VTPM, NEEDED, forbidden_calls
from estate.xapi.session import XapiSession
from lab.xapi_sim import PoolSim

ALL = {**NEEDED, **FOR_VTPM, **FOR_HA}


@pytest.mark.parametrize(
    ("user", "forbidden"),
    [
        ("root", ()),
        ("vmadmin", ("VM.set_ha_restart_priority",)),
        ("readonly", tuple(name for name in ALL if not name.startswith("task."))),
    ],
)
def test_each_role_is_told_what_it_may_not_call(connection: Connection, user: str, forbidden: tuple[str, ...]) -> None:
    with XapiSession(replace(connection, username=user)) as session:
        assert forbidden_calls(session, ALL) == forbidden


def test_what_is_told_is_what_the_pool_refuses(connection: Connection) -> None:
    with XapiSession(replace(connection, username="vmadmin")) as session:
        vm = session.call("VM.get_all")[0]
        with pytest.raises(EdgeError) as refused:
            session.call("VM.set_ha_restart_priority", vm, "")
        session.call("VM.add_to_blocked_operations", vm, "pool_migrate", "because")
    assert "VM.set_ha_restart_priority" in refused.value.message


def test_the_local_superuser_carries_no_list_and_may_do_everything(session: XapiSession) -> None:
    assert session.call("session.get_rbac_permissions", session.handle) == []
    assert forbidden_calls(session) == ()


def test_a_session_that_names_nothing_is_unknown(pool: PoolSim, connection: Connection) -> None:
    with XapiSession(replace(connection, username="readonly")) as session:
        pool.pool.store.set("session", session.handle, rbac_permissions=[])
        assert isinstance(forbidden_calls(session), Unknown)
