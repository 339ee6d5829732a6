"""Tags made in a running simulator, over REST as an administrator would: it starts without any."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from typing import Any

from estate.connection import Connection
from estate.tls import PinnedHTTPSConnection, host_and_port

REST = "/rest/com/vmware/cis"


class Tagger:
    """One session of an administrator."""

    def __init__(self, connection: Connection) -> None:
        self._connection, self._token = connection, ""
        self._token = self._asked("/session")

    def tag(self, title: str, targets: Iterable[tuple[str, str]]) -> None:
        """Make the tag `category:name` and attach it to these (type, moref value)."""
        category, _, name = title.partition(":")
        kept = {"description": "", "cardinality": "MULTIPLE", "associable_types": []}
        category_id = self._asked("/tagging/category", {"create_spec": {"name": category, **kept}})
        made = self._asked("/tagging/tag", {"create_spec": {"name": name, "description": "", "category_id": category_id}})
        for kind, native_id in targets:
            target = {"object_id": {"id": native_id, "type": kind}}
            self._asked(f"/tagging/tag-association/id:{made}?~action=attach", target)

    def _asked(self, path: str, content: Any = None) -> Any:
        host, port = host_and_port(self._connection.url)
        line = PinnedHTTPSConnection(host, port, pins=self._connection.pins)
        account = base64.b64encode(f"{self._connection.username}:{self._connection.password}".encode()).decode()
        headers = {"vmware-api-session-id": self._token} if self._token else {"Authorization": f"Basic {account}"}
        line.request("POST", REST + path, json.dumps(content) if content is not None else None, headers)
        answer = line.getresponse()
        body = answer.read()
        line.close()
        assert answer.status == 200, body
        return json.loads(body)["value"] if body else None
