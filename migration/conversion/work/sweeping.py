"""Lists everything in a pool that carries our tag, and removes what a listing showed and a person asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any
from uuid import UUID

from estate.errors import EdgeError
from estate.xapi import vm
from estate.xapi.pool_vms import CONVERSION_KEY
from estate.xapi.session import XapiSession
from migration.conversion import selectors
from migration.conversion.core.leftovers import Leftover, Tagged, chosen, sort_out
from migration.conversion.work import target
from migration.conversion.work.sessions import pool_at
from project.backbone.jobs.context import JobContext
from readiness.selectors import pools


def list_leftovers(job: JobContext, pool_id: str) -> dict[str, Any]:
    """Everything tagged, by conversion, with what may become of it. Changes nothing."""
    with pool_at(pools.pool(pool_id).endpoint_id, job.alive) as pool:
        return {"pool_id": pool_id, "leftovers": [asdict(each) for each in _found(pool, pool_id)]}


def sweep(job: JobContext, pool_id: str, conversion_ids: list[str], *, even_if_they_ran: list[str]) -> dict[str, Any]:
    """Remove what these conversions left, as far as that may still be; each by itself, so that one refusal stops no other.

    A VM that has run is removed if its conversion is among `even_if_they_ran`: the list showed it so, and it was named.
    """
    removed, refused = [], []
    with pool_at(pools.pool(pool_id).endpoint_id, job.alive) as pool:
        todo = chosen(_found(pool, pool_id), conversion_ids) if conversion_ids else []
        for each in todo:
            job.alive()
            try:
                row = selectors.conversion(each.conversion_id)
                gone = target.remove_everything(pool, row, even_if_it_ran=each.conversion_id in even_if_they_ran)
            except EdgeError as fault:
                told = {"code": fault.code, "message": fault.message, "next_step": fault.next_step}
                refused.append({"conversion_id": each.conversion_id, "name": each.name, **told})
                continue
            removed += [{"conversion_id": each.conversion_id, "uuid": uuid, "name": name} for uuid, name in gone]
    left = sorted(set(conversion_ids) - {each.conversion_id for each in todo})
    return {"removed": removed, "refused": refused, "not_removable": left}


def _found(pool: XapiSession, pool_id: str) -> list[Leftover]:
    tagged = [*_tagged(pool, "VM"), *_tagged(pool, "VDI")]
    ids = {each.conversion_id for each in tagged}
    unclosed = selectors.with_open_ledger(pool_id)
    own = selectors.states_of(pools.pool(pool_id).project_id, _uuids(ids))
    return sort_out(tagged, own | unclosed, unclosed)


def _uuids(texts: Iterable[str]) -> list[UUID]:
    """Those that are ids at all: anybody can write into other_config."""
    found = []
    for text in texts:
        try:
            found.append(UUID(text))
        except ValueError:
            continue
    return found


def _tagged(pool: XapiSession, kind: str) -> Iterator[Tagged]:
    """Snapshots and templates inherit tags and are nobody's leftovers."""
    for record in pool.call(f"{kind}.get_all_records").values():
        tag = record["other_config"].get(CONVERSION_KEY)
        if tag and not record["is_a_snapshot"] and not record.get("is_a_template", False):
            yield Tagged(
                kind=kind.lower(),
                uuid=str(record["uuid"]),
                name=str(record["name_label"]),
                conversion_id=str(tag),
                size_bytes=int(record.get("virtual_size", 0)),
                runs=record.get("power_state", "Halted") != "Halted",
                has_run=kind == "VM" and vm.has_run(pool, record),
            )
