"""A KMS host of the standing people's project with readings, made through the services as an upload makes them."""

from __future__ import annotations

import json
from datetime import timedelta

from estate.facts.kms import KmsContact
from kms.models import KmsHost
from kms.services.hosts import add_host
from kms.work.take_upload import take_reading
from project.backbone.clock import frozen
from tests.builders.inventory import SYSTEM
from tests.builders.jobs import run_jobs
from tests.builders.kms import day, named, script_event, script_output, weekly
from tests.builders.people import People


def script_file(at: float, count: int, contacts: list[KmsContact], name: str = "KMS01") -> bytes:
    """The collection script's output as a file."""
    asked_on = ((contact, (contact.seen_at - day(0)) / timedelta(days=1)) for contact in contacts)
    events = [script_event(contact.machine_name.split(".")[0], asked, contact.required_count) for contact, asked in asked_on]
    return json.dumps(script_output(at, events, count, name=name)).encode()


def a_read_host(people: People, *, at: float = 35, servers: int = 9, name: str = "KMS01") -> KmsHost:
    """A host whose servers renew weekly until day `at`, read then."""
    host = add_host(people.project, name=name, actor=SYSTEM)
    with frozen(day(at)):
        take_reading(host, script_file(at, servers, weekly(named("s", servers), until=at), name), collected_at=None, actor=SYSTEM)
        run_jobs()
    return host
