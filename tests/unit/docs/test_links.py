"""Links between our own pages lead somewhere, and no page of docs/ is left out of its table of contents."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def targets(page: Path) -> set[Path]:
    """The files a page links to, relative to itself; addresses elsewhere and places within the page left out."""
    links = (link.split("#")[0] for link in LINK.findall(page.read_text(encoding="utf-8")))
    return {(page.parent / link).resolve() for link in links if link and ":" not in link}


def _name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_link_to_a_file_leads_to_one(page: Path) -> None:
    dead = [str(target) for target in targets(page) if not target.exists()]
    assert not dead


def test_the_table_of_contents_has_every_page() -> None:
    contents = ROOT / "docs" / "README.md"
    assert set(contents.parent.rglob("*.md")) - {contents} - targets(contents) == set()


def test_no_page_names_a_path_outside_of_the_project() -> None:
    naming = {_name(page) for page in PAGES if re.search(r"(?<![\w.])/(?:work|tmp|home|root)/", page.read_text(encoding="utf-8"))}
    assert not naming
