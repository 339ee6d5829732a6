"""The picture of applications: every one drawn, arrows to what is needed, cycles and missing machines told in words too."""

from __future__ import annotations

import pytest
from lxml import etree

from migration.assessment.core.application_drawing import DrawnApplication, drawn, told

SVG = "{http://www.w3.org/2000/svg}"
KNOWN_TAGS = {f"{SVG}{tag}" for tag in ("svg", "defs", "marker", "path", "g", "title", "rect", "text")}


def an_application(
    name: str, *needs: str, layer: int = 0, machine_count: int = 1, in_cycle: bool = False
) -> DrawnApplication[str]:
    return DrawnApplication(name, machine_count, layer, needs, in_cycle)


SHOP = {
    "db": an_application("DB"),
    "shop": an_application("Shop", "db", "pay", layer=1, machine_count=0, in_cycle=True),
    "pay": an_application("Pay", "shop", layer=1, machine_count=3, in_cycle=True),
}


def test_everything_that_is_drawn_is_told_in_words() -> None:
    words = "DB (1 machine) needs nothing. Shop (no machine) needs DB, Pay, and is needed by them in turn. "
    assert told(SHOP) == words + "Pay (3 machines) needs Shop, and is needed by them in turn."
    assert etree.fromstring(drawn(SHOP)).get("aria-label") == told(SHOP)


def test_each_application_has_a_box_and_each_need_an_arrow() -> None:
    picture = etree.fromstring(drawn(SHOP))
    boxes = picture.findall(f"{SVG}g/{SVG}rect")
    assert len(boxes) == 3 and len({(box.get("x"), box.get("y")) for box in boxes}) == 3
    assert [box.get("stroke-width") for box in boxes] == [None, "3", "3"]
    assert [box.get("stroke-dasharray") is not None for box in boxes] == [False, True, False]
    assert len(picture.findall(f"{SVG}path")) == 3
    assert float(boxes[0].get("x")) < float(boxes[1].get("x")) == float(boxes[2].get("x"))


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", 'a"b&c', "x\x01y", "long " * 40])
def test_a_name_stays_a_name(name: str) -> None:
    picture = etree.fromstring(drawn({"a": an_application(name), "b": an_application("b", "a", "gone", layer=1)}))
    assert {each.tag for each in picture.iter()} <= KNOWN_TAGS
    assert len(picture.findall(f"{SVG}path")) == 1
