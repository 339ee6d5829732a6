"""Names of custom attributes: machines carry only their keys."""

from __future__ import annotations

from pyVmomi import vim

from estate.vsphere.session import VsphereSession


def custom_fields(session: VsphereSession) -> dict[str, str]:
    """Attribute name by key; empty on an ESXi, which has none."""
    manager: vim.CustomFieldsManager | None = session.content.customFieldsManager
    if manager is None:
        return {}
    return {str(each.key): str(each.name) for each in session.call(lambda: manager.field) or ()}
