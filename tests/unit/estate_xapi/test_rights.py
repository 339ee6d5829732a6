"""What a conversion may do in a pool is asked for every call it makes there that changes something."""

from __future__ import annotations

import ast
from pathlib import Path

from estate.xapi.rights import FOR_HA, FOR_VTPM, NEEDED
from lab.xapi_sim import tables

XAPI = Path(__file__).parents[3] / "estate" / "xapi"
ROOMS = ("vm", "vm_devices", "vm_power", "vdi", "vdi_access", "tasks", "leftovers")
MESSAGES = {message.wire_name for each in tables.classes().values() for message in each.messages.values()}
NEVER_USED = {"VM.start_on"}  # only for a host that somebody named, which no conversion does


def calls_made() -> set[str]:
    """Names like `VM.create` that stand as text in the rooms a conversion uses, reads left out."""
    texts = (
        node.value
        for room in ROOMS
        for node in ast.walk(ast.parse((XAPI / f"{room}.py").read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    return {text for text in texts if text in MESSAGES and not text.partition(".")[2].startswith("get_")}


def test_every_call_that_changes_the_pool_is_asked_for() -> None:
    asked = {name for name in {**NEEDED, **FOR_VTPM, **FOR_HA} if not name.startswith("http/")}
    assert calls_made() - NEVER_USED == asked
