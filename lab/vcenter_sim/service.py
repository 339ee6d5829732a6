"""The singletons of a vCenter: service instance, session manager and their like, and the methods on them.

Property collectors and views are in collector_methods.py, VMs in vm_methods.py.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from pyVmomi import vim, vmodl

from lab.vcenter_sim.center import Center, method, not_authenticated, session_of
from lab.vcenter_sim.mobs import Registry
from lab.vcenter_sim.neutral import make
from lab.vcenter_sim.paths import require, typed, value_at
from lab.vcenter_sim.places import ROOT
from lab.vcenter_sim.sessions import Session
from lab.vcenter_sim.wire import Call

BUILD = "22617221"
PUBLIC = ("ServiceInstance", "SessionManager")
SINGLETONS = {
    "propertyCollector": vmodl.query.PropertyCollector,
    "viewManager": vim.view.ViewManager,
    "sessionManager": vim.SessionManager,
    "authorizationManager": vim.AuthorizationManager,
    "customFieldsManager": vim.CustomFieldsManager,
    "taskManager": vim.TaskManager,
    "licenseManager": vim.LicenseManager,
    "searchIndex": vim.SearchIndex,
}
MOIDS = {
    "propertyCollector": "propertyCollector",
    "viewManager": "ViewManager",
    "sessionManager": "SessionManager",
    "authorizationManager": "AuthorizationManager",
    "customFieldsManager": "CustomFieldsManager",
    "taskManager": "TaskManager",
    "licenseManager": "LicenseManager",
    "searchIndex": "SearchIndex",
}


def register_singletons(center: Center) -> None:
    """Put the singletons into the registry."""
    registry: Registry = center.registry
    content = partial(service_content, center)
    instance = {
        "content": content,
        "serverClock": center.now,
        "capability": lambda: make(vim.Capability, multiHostSupported=True),
    }
    registry.add(vim.ServiceInstance, "ServiceInstance", instance)
    shapes: dict[str, Any] = {
        "sessionManager": {"message": lambda: "", "supportedLocale": lambda: ["en"], "defaultLocale": lambda: "en"},
        "customFieldsManager": {"field": partial(custom_fields, center)},
        "taskManager": {"recentTask": list, "maxCollector": lambda: 32},
        "authorizationManager": {"privilegeList": list, "roleList": list},
        "licenseManager": {"licenses": list},
    }
    for name, kind in SINGLETONS.items():
        registry.add(kind, MOIDS[name], shapes.get(name, {}))


def service_content(center: Center) -> Any:
    """What RetrieveServiceContent answers, before any login."""
    refs = {name: kind(MOIDS[name]) for name, kind in SINGLETONS.items()}
    about = make(
        vim.AboutInfo,
        name="VMware vCenter Server",
        fullName=f"VMware vCenter Server 8.0.2 build-{BUILD}",
        vendor="VMware, Inc.",
        version="8.0.2",
        build=BUILD,
        osType="linux-x64",
        productLineId="vpx",
        apiType="VirtualCenter",
        apiVersion="8.0.2.0",
        instanceUuid=center.instance_uuid,
        licenseProductName="VMware VirtualCenter Server",
        licenseProductVersion="8.0",
    )
    return make(vim.ServiceInstanceContent, rootFolder=vim.Folder(ROOT), about=about, **refs)


def custom_fields(center: Center) -> list[Any]:
    """`CustomFieldsManager.field`: the names behind the keys of customValue."""
    names = center.places.estate.custom_fields
    kind = vim.CustomFieldsManager.FieldDef
    return [
        make(kind, key=401 + number, name=name, type=str, managedObjectType=vim.VirtualMachine)
        for number, name in enumerate(names)
    ]


@method("RetrieveServiceContent")
def retrieve_service_content(center: Center, _session: Session | None, _call: Call) -> Any:
    """No login needed."""
    return service_content(center)


@method("CurrentTime")
def current_time(center: Center, session: Session | None, _call: Call) -> Any:
    """The clock; keeps a session alive."""
    session_of(session)
    return center.now()


@method("Logout")
def logout(center: Center, session: Session | None, _call: Call) -> None:
    """End the session and what belonged to it."""
    center.sessions.end(session_of(session))


@method("SessionIsActive")
def session_is_active(center: Center, session: Session | None, call: Call) -> bool:
    """Whether a session key is logged in."""
    session_of(session)
    return center.sessions.is_active(call.arguments["sessionID"])


def user_session(session: Session) -> Any:
    """The UserSession object of a login."""
    return make(
        vim.UserSession,
        key=session.key,
        userName=session.user,
        fullName=session.user,
        loginTime=session.login_at,
        lastActiveTime=session.active_at,
        locale="en",
        messageLocale="en",
    )


@method("HasPrivilegeOnEntities")
def has_privilege_on_entities(_center: Center, session: Session | None, call: Call) -> list[Any]:
    """The lab's account may do everything that has a name."""
    session_of(session)
    kind, availability = vim.AuthorizationManager.EntityPrivilege, vim.AuthorizationManager.PrivilegeAvailability
    return [
        make(
            kind,
            entity=entity,
            privAvailability=[make(availability, privId=priv, isGranted=True) for priv in call.arguments["privId"]],
        )
        for entity in call.arguments["entity"]
    ]


@method("Fetch")
def fetch(center: Center, session: Session | None, call: Call) -> Any:
    """One property of one object, as pyvmomi's attribute access asks for it."""
    moid, path = call.target._moId, call.arguments["prop"]
    if session is None and moid not in PUBLIC:
        raise not_authenticated()
    if path == "currentSession":
        return user_session(session) if session else None
    if path == "sessionList":
        return [user_session(one) for one in center.sessions.all()]
    mob = center.mob(moid)
    info = require(mob.kind, path, call.version)
    return typed(info, value_at(mob, path), top_level=True)


def fetch_type(call: Call) -> type:
    """The declared type of the property a Fetch call asks for."""
    kind: type = require(type(call.target), call.arguments["prop"], call.version).type
    return kind
