"""Sessions with the servers of a conversion. A refused password is remembered for every job and worker.

A wave has many machines and each has jobs of its own: without this, one wrong password would lock the account.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

from estate.errors import AskPerson
from estate.vsphere.errors import LoginRefused
from estate.vsphere.session import VsphereSession
from estate.xapi.errors import AuthenticationRefused
from estate.xapi.session import XapiSession
from migration.conversion.core.spec import ConversionSpec
from project.backbone.clock import now
from project.backbone.endpoints.selectors import connection_of, endpoint, refused_just_now
from project.backbone.endpoints.services import note_login_refused
from project.backbone.models import Endpoint


@contextmanager
def server_of(spec: ConversionSpec) -> Iterator[VsphereSession]:
    """The source's vCenter or ESXi, logged in; logged out at the end. Raises EdgeError, AskPerson `login_not_tried`."""
    place = endpoint(spec.source_endpoint_id)
    with _remembering_refusals(place), VsphereSession(connection_of(place)) as session:
        yield session


@contextmanager
def pool_of(spec: ConversionSpec, alive: Callable[[], None]) -> Iterator[XapiSession]:
    """The target pool, likewise; `alive` ends long operations by raising."""
    with pool_at(spec.pool_endpoint_id, alive) as session:
        yield session


@contextmanager
def pool_at(endpoint_id: UUID | str, alive: Callable[[], None]) -> Iterator[XapiSession]:
    """The pool at an endpoint, likewise."""
    place = endpoint(endpoint_id)
    with _remembering_refusals(place), XapiSession(connection_of(place), alive=alive) as session:
        yield session


@contextmanager
def _remembering_refusals(place: Endpoint) -> Iterator[None]:
    if refused_just_now(place, now()):
        raise AskPerson(
            f"{place.name} refused the name {place.username} and its password less than a minute ago; they were not sent again",
            code="login_not_tried",
            next_step="Correct the stored name and password, or unlock the account, then retry.",
            where=place.name,
        )
    try:
        yield
    except (LoginRefused, AuthenticationRefused):
        note_login_refused(place)
        raise
