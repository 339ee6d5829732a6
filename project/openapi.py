"""What the generator of the schema cannot see by itself: problem answers of every operation, and the event stream of a job."""

from __future__ import annotations

from typing import Any

PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "RFC 9457 problem document; `code` is stable, further members belong to single codes.",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "next_step": {"type": "string"},
        "errors": {
            "type": "array",
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
EVENTS: dict[str, Any] = {
    "get": {
        "operationId": "jobs_events_retrieve",
        "description": "The job's document as a server-sent event `job` at every change; ends with the job.",
        "parameters": [{"in": "path", "name": "id", "required": True, "schema": {"type": "string", "format": "uuid"}}],
        "tags": ["jobs"],
        "security": [{"bearer": []}, {"cookieAuth": []}],
        "responses": {"200": {"description": "The stream.", "content": {"text/event-stream": {"schema": {"type": "string"}}}}},
    }
}


def complete(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Post-processing hook of drf-spectacular: adds the problem document to every operation, and the event stream."""
    result["components"].setdefault("schemas", {})["Problem"] = PROBLEM
    result["paths"]["/api/v1/jobs/{id}/events"] = EVENTS
    result["paths"] = dict(sorted(result["paths"].items()))
    for methods in result["paths"].values():
        for operation in methods.values():
            operation["responses"].setdefault("4XX", REFUSED)
    return result
