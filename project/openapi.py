"""What the generator of the schema cannot see by itself: problem answers, headers, tags, event streams, and what members mean.

The words for members are in data/api_words.toml. Nothing in here changes an answer of the API.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

Operation = dict[str, Any]
WORDS = Path(__file__).parent / "data" / "api_words.toml"
COLLECTION = re.compile(r"^/api/v1/(?:projects/\{project_id\}/)?([a-z]+)")
FORMS = {"html": "text/html", "pdf": "application/pdf", "json": "application/json"}
"""Media type of an address that ends with its form. One view answers them all, each address only its own."""
EDITED = ("mappings", "waivers")
"""Collections whose rows carry an ETag."""

PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "RFC 9457 problem document; further members belong to single codes.",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string", "description": "`urn:xenbound:problem:` and the code."},
        "title": {"type": "string", "description": "The kind of refusal, the same for every one of its code."},
        "status": {"type": "integer", "description": "The HTTP status."},
        "detail": {"type": "string", "description": "What is wrong here, with names."},
        "code": {"type": "string", "description": "Stable code; docs/errors.md explains each."},
        "next_step": {"type": "string", "description": "What to do about it."},
        "errors": {
            "type": "array",
            "description": "The members of the request that cannot be used.",
            "items": {
                "type": "object",
                "properties": {"field": {"type": "string"}, "code": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
    "additionalProperties": True,
}
REFUSED = {
    "description": "Refused: a problem document.",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
LOCATION = {"Location": {"description": "Address of the job.", "schema": {"type": "string", "format": "uri"}}}
IF_MATCH = {
    "in": "header",
    "name": "If-Match",
    "schema": {"type": "string"},
    "description": "The ETag that was read; 412 `version_changed` when somebody changed the row since.",
}
IDEMPOTENCY_KEY = {
    "in": "header",
    "name": "Idempotency-Key",
    "schema": {"type": "string", "maxLength": 200},
    "description": "The same key and body give the same job; the same key with another body 409 `idempotency_key_reused`.",
}
EVENTS: dict[str, Any] = {
    "get": {
        "operationId": "jobs_events_retrieve",
        "description": "The job's document as a server-sent event `job` at every change; ends with the job.",
        "parameters": [{"in": "path", "name": "id", "required": True, "schema": {"type": "string", "format": "uuid"}}],
        "security": [{"bearer": []}, {"cookieAuth": []}],
        "responses": {"200": {"description": "The stream.", "content": {"text/event-stream": {"schema": {"type": "string"}}}}},
    }
}


def complete(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Post-processing hook of drf-spectacular: operations get tag, headers and problem answer, members their meaning."""
    result["components"].setdefault("schemas", {})["Problem"] = PROBLEM
    result["paths"]["/api/v1/jobs/{id}/events"] = EVENTS
    result["paths"] = dict(sorted(result["paths"].items()))
    for path, methods in result["paths"].items():
        for method, operation in methods.items():
            _complete_operation(path, method, operation)
    result["tags"] = [{"name": name, "description": meaning} for name, meaning in words()["collections"].items()]
    for component, member, schema in members(result):
        meaning = _meaning(component, member)
        if meaning and "description" not in schema:
            schema["description"] = meaning
    return result


def members(schema: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Component, name and schema of every member that can carry a description of its own."""
    for component, about in schema["components"]["schemas"].items():
        for member, inner in about.get("properties", {}).items():
            if "$ref" not in inner:
                yield component, member, inner


@cache
def words() -> dict[str, Any]:
    """The file of meanings: `collections` by tag, `fields` by member, `of` by component and member."""
    return tomllib.loads(WORDS.read_text(encoding="utf-8"))


def _meaning(component: str, member: str) -> str:
    here = words()["of"].get(component) or words()["of"].get(component.removeprefix("Patched"), {})
    return str(here.get(member) or words()["fields"].get(member, ""))


def _complete_operation(path: str, method: str, operation: Operation) -> None:
    found = COLLECTION.match(path)
    collection = found[1] if found else "root"
    operation["tags"] = [collection]
    operation["operationId"] = operation["operationId"].replace("_.", "_")
    operation["responses"].setdefault("default", REFUSED)
    content = operation["responses"].get("200", {}).get("content", {})
    form = FORMS.get(path.rpartition(".")[2])
    if form in content:
        operation["responses"]["200"]["content"] = {form: content[form]}
    if "202" in operation["responses"] and collection != "jobs":
        operation["responses"]["202"]["headers"] = LOCATION
        operation.setdefault("parameters", []).append(IDEMPOTENCY_KEY)
    if method == "patch" and collection in EDITED:
        operation.setdefault("parameters", []).append(IF_MATCH)
