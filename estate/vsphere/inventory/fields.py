"""Names of custom attributes: machines carry only their keys."""

from __future__ import annotations

from pyVmomi import vim

from estate.facts.unknown import Unknown
from estate.vsphere.session import VsphereSession

ESXI_HAS_NONE = Unknown("only a vCenter keeps custom attributes, and this is an ESXi", everywhere=True)


def custom_fields(session: VsphereSession) -> dict[str, str] | Unknown:
    """Attribute name by key. An ESXi keeps none, and knows nothing of those that its vCenter keeps for the same machines."""
    manager: vim.CustomFieldsManager | None = session.content.customFieldsManager
    if manager is None:
        return ESXI_HAS_NONE
    return {str(each.key): str(each.name) for each in session.call(lambda: manager.field) or ()}
