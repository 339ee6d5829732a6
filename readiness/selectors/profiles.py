"""Reads the versioned policy and gate profiles from their data files. Judging by them is core's."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files

from readiness.core.policy import FenceModel, GateProfile, Policy

POLICIES = ("xenserver-8", "xenserver-2010")
GATES = ("field", "strict")
_LISTS = ("heartbeat_types", "heartbeat_types_xcp", "heartbeat_types_clustered", "heartbeat_types_refused", "block_types")


class UnknownProfile(LookupError):
    """No profile of this name is shipped."""

    code = "unknown_profile"


def _read(name: str) -> dict[str, object]:
    return tomllib.loads(files("readiness").joinpath(f"data/policy/{name}.toml").read_text(encoding="utf-8"))


@cache
def policy(name: str) -> Policy:
    """The policy profile of a product generation. Raises: UnknownProfile."""
    if name not in POLICIES:
        raise UnknownProfile(f"There is no policy profile {name!r}; known are {', '.join(POLICIES)}.")
    values = _read(name)
    values["fence_model"] = FenceModel(str(values["fence_model"]))
    for key in _LISTS:
        values[key] = tuple(values[key])  # type: ignore[arg-type]  # the file's own arrays of strings
    return Policy(**values)  # type: ignore[arg-type]  # a missing or extra key stops the start with its name


@cache
def gate_profile(name: str, policy_name: str) -> GateProfile:
    """What closes a gate under a gate profile and a product generation. Raises: UnknownProfile."""
    if name not in GATES:
        raise UnknownProfile(f"There is no gate profile {name!r}; known are {', '.join(GATES)}.")
    data = _read("gates")
    version = int(str(data["version"]))
    if name == "strict":
        return GateProfile(name, version, None)
    field_set, additions = data["field"], data["field_additions"]
    assert isinstance(field_set, dict) and isinstance(additions, dict)
    return GateProfile(name, version, frozenset(field_set["blocking"]) | frozenset(additions.get(policy_name, [])))
