"""The picture of a pool and its drawing: what is broken or unknown is told by stroke, mark and words."""

from __future__ import annotations

from xml.etree import ElementTree

from msgspec.structs import replace

from estate.facts.unknown import UNKNOWN
from readiness.core.drawing import draw
from readiness.core.picture import PoolPicture, Status, picture_of
from tests.builders.evidence import full_evidence, storage_nodes
from tests.builders.pools import a_host, a_pool, with_host, with_pbd, with_pif, with_sr, without_bond
from tests.unit.readiness.cases import a_case

POOL = a_pool()
SVG = "{http://www.w3.org/2000/svg}"


def picture(pool=POOL, evidence=None) -> PoolPicture:  # type: ignore[no-untyped-def]
    return picture_of(a_case(pool, full_evidence(POOL) if evidence is None else evidence))


def test_a_healthy_pool_is_drawn_whole() -> None:
    drawn = picture()
    assert (drawn.switches, drawn.storage_nodes) == (("sw-a", "sw-b"), ("san-a", "san-b"))
    assert {path.status for path in drawn.paths} == {Status.OK} and len(drawn.paths) == 6
    assert "every line drawn is healthy" in drawn.summary


def test_a_dead_link_and_a_host_in_maintenance_are_broken() -> None:
    drawn = picture(with_pif(with_host(POOL, "h3", enabled=False), "h2-eth1", carrier=False))
    assert [host.status for host in drawn.hosts] == [Status.OK, Status.OK, Status.BROKEN]
    assert drawn.hosts[1].nics[1].wire is Status.BROKEN
    assert "xen-h2 eth1: no link" in drawn.summary


def test_a_switch_nobody_attested_is_drawn_as_unknown() -> None:
    drawn = picture(evidence=(storage_nodes(),))
    assert drawn.switches == ("?",)
    assert {nic.wire for host in drawn.hosts for nic in host.nics} == {Status.UNKNOWN_}


def test_a_lost_path_is_unknown_per_node_because_the_pool_counts_them_together() -> None:
    drawn = picture(with_pbd(POOL, "h2", paths_active=1))
    assert {path.status for path in drawn.paths if path.host_uuid == "h2"} == {Status.UNKNOWN_}


def test_a_host_without_a_portal_to_a_node_has_no_path_to_it() -> None:
    drawn = picture(with_pbd(POOL, "h2", portals=("10.9.0.1:3260",)))
    assert [(p.node, p.status) for p in drawn.paths if p.host_uuid == "h2"] == [("san-a", Status.OK), ("san-b", Status.BROKEN)]


def test_without_a_state_file_the_heartbeat_disk_is_unknown() -> None:
    drawn = picture(replace(POOL, statefiles=UNKNOWN))
    assert (drawn.heartbeat_status, drawn.storage_nodes) == (Status.UNKNOWN_, ("?",))


def test_the_drawing_is_plain_svg_with_title_and_description() -> None:
    root = ElementTree.fromstring(draw(picture(without_bond(POOL, "h2"))))
    assert root.tag == f"{SVG}svg" and root.get("role") == "img"
    assert root.findtext(f"{SVG}title") == "Pool xen-pool"
    assert "3 hosts" in (root.findtext(f"{SVG}desc") or "")
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {"svg", "title", "desc", "rect", "line", "text"}


def test_state_is_told_without_colour() -> None:
    broken, healthy = draw(picture(with_pif(POOL, "h2-eth1", carrier=False))), draw(picture())
    assert "\u2715 eth1" in broken and "no link" in broken
    assert "\u2715 eth1" not in healthy
    assert broken.count('stroke-dasharray="12 6"') > healthy.count('stroke-dasharray="12 6"')


def test_names_are_escaped() -> None:
    hostile = replace(POOL, name='<script>"&\x01', hosts=(a_host("h1", name="<b>"), *POOL.hosts[1:]))
    text = draw(picture(with_sr(hostile, name="</svg>")))
    assert "<script>" not in text and "<b>" not in text
    ElementTree.fromstring(text)


def test_a_pool_that_shows_nothing_can_still_be_drawn() -> None:
    empty = replace(POOL, hosts=(), pifs=(), bonds=(), pbds=(), srs=(), statefiles=())
    assert ElementTree.fromstring(draw(picture(empty, ()))).tag.endswith("svg")
