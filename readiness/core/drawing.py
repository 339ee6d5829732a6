"""Draws a pool's picture as plain SVG 1.1 for pages and print: switches above, hosts in the middle, heartbeat storage below.

State is told by stroke (solid, long dashes, dots), by a mark and by words, never by colour alone. No CSS, no fonts of our own, no
foreignObject: the same text goes into HTML and into a typesetter.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from readiness.core.picture import UNKNOWN_SWITCH, HostBox, NicBox, PathLine, PoolPicture, Status

HOST_WIDTH, HOST_HEIGHT, GAP, MARGIN = 210, 128, 40, 24
SWITCH_Y, HOST_Y, NODE_Y, BOX_HEIGHT = 60, 190, 460, 44
NIC_WIDTH, NIC_HEIGHT = 88, 34
SR_Y, LEGEND_Y, HEIGHT = 560, 650, 690
LEAST_WIDTH = 760
INK, PAPER = "#1b2733", "#ffffff"
FONT = 'font-family="Helvetica, Arial, sans-serif"'

_STROKES = {
    Status.OK: 'stroke="#1d6b3f" stroke-width="2"',
    Status.BROKEN: 'stroke="#a61b1b" stroke-width="3" stroke-dasharray="12 6"',
    Status.UNKNOWN_: 'stroke="#6b5a00" stroke-width="2" stroke-dasharray="2 5"',
}
_FILLS = {Status.OK: "#f1f8f3", Status.BROKEN: "#fbeeee", Status.UNKNOWN_: "#fbf8e9"}
_MARKS = {Status.OK: "", Status.BROKEN: "\u2715 ", Status.UNKNOWN_: "? "}


@dataclass(frozen=True, slots=True)
class _Point:
    x: float
    y: float


def _safe(words: str) -> str:
    """Words for XML: markup escaped, characters that XML does not allow replaced."""
    return escape("".join(letter if letter.isprintable() else "\ufffd" for letter in words), {'"': "&quot;"})


def _text(x: float, y: float, words: str, *, size: int = 12, bold: bool = False, anchor: str = "middle") -> str:
    weight = ' font-weight="bold"' if bold else ""
    return (
        f'<text x="{x:g}" y="{y:g}" {FONT} font-size="{size}"{weight} text-anchor="{anchor}" fill="{INK}">{_safe(words)}</text>'
    )


def _box(x: float, y: float, width: float, height: float, status: Status) -> str:
    size = f'width="{width:g}" height="{height:g}" rx="4"'
    return f'<rect x="{x:g}" y="{y:g}" {size} fill="{_FILLS[status]}" {_STROKES[status]}/>'


def _line(start: _Point, end: _Point, status: Status) -> str:
    return f'<line x1="{start.x:g}" y1="{start.y:g}" x2="{end.x:g}" y2="{end.y:g}" {_STROKES[status]}/>'


def _shortened(words: str, letters: int) -> str:
    return words if len(words) <= letters else words[: letters - 1] + "\u2026"


def _spread(count: int, width: float) -> list[float]:
    """Centres of `count` boxes spread evenly over the drawing's width."""
    return [width * (2 * n + 1) / (2 * count) for n in range(count)]


def _host_left(n: int, hosts: int, width: float) -> float:
    row = hosts * HOST_WIDTH + (hosts - 1) * GAP
    return (width - row) / 2 + n * (HOST_WIDTH + GAP)


def _nic_centre(left: float, n: int, nics: int) -> _Point:
    return _Point(left + HOST_WIDTH * (2 * n + 1) / (2 * nics), HOST_Y)


def _nic(centre: _Point, nic: NicBox) -> Iterator[str]:
    yield _box(centre.x - NIC_WIDTH / 2, centre.y - NIC_HEIGHT / 2, NIC_WIDTH, NIC_HEIGHT, nic.status)
    yield _text(centre.x, centre.y - 2, _MARKS[nic.status] + nic.device, bold=True, size=11)
    yield _text(centre.x, centre.y + 11, _shortened(nic.label, 17), size=9)


def _host(left: float, host: HostBox) -> Iterator[str]:
    middle = left + HOST_WIDTH / 2
    yield _box(left, HOST_Y, HOST_WIDTH, HOST_HEIGHT, host.status)
    words = {Status.OK: "live and enabled", Status.BROKEN: "down or disabled", Status.UNKNOWN_: "state not known"}[host.status]
    role = " (coordinator)" if host.coordinator else ""
    yield _text(middle, HOST_Y + 44, _MARKS[host.status] + _shortened(host.name, 26), size=13, bold=True)
    yield _text(middle, HOST_Y + 62, words + role, size=11)
    yield _box(left + 14, HOST_Y + 76, HOST_WIDTH - 28, 36, host.bond_status)
    yield _text(middle, HOST_Y + 90, _MARKS[host.bond_status] + "management bond", size=11)
    yield _text(middle, HOST_Y + 104, host.bond, size=10)
    for n, nic in enumerate(host.nics):
        yield from _nic(_nic_centre(left, n, len(host.nics)), nic)


def _wires(picture: PoolPicture, width: float) -> Iterator[str]:
    centres = dict(zip(picture.switches, _spread(max(1, len(picture.switches)), width), strict=False))
    for h, host in enumerate(picture.hosts):
        left = _host_left(h, len(picture.hosts), width)
        for n, nic in enumerate(host.nics):
            start = _Point(centres[nic.switch], SWITCH_Y + BOX_HEIGHT)
            yield _line(start, _Point(_nic_centre(left, n, len(host.nics)).x, HOST_Y - NIC_HEIGHT / 2), nic.wire)


def _switches(picture: PoolPicture, width: float) -> Iterator[str]:
    for name, centre in zip(picture.switches, _spread(max(1, len(picture.switches)), width), strict=False):
        status = Status.UNKNOWN_ if name == UNKNOWN_SWITCH else Status.OK
        label = "switch not known" if name == UNKNOWN_SWITCH else f"switch {name}"
        yield _box(centre - 100, SWITCH_Y, 200, BOX_HEIGHT, status)
        yield _text(centre, SWITCH_Y + 27, _MARKS[status] + _shortened(label, 30), bold=True)


def _words_end(paths: Sequence[PathLine]) -> float:
    """Where the words under a host end and its lines begin."""
    return HOST_Y + HOST_HEIGHT + 12 + 16 * len(paths)


def _paths(picture: PoolPicture, width: float) -> Iterator[str]:
    """One line per host and storage node; its words sit in a box right under the host."""
    nodes = dict(zip(picture.storage_nodes, _spread(len(picture.storage_nodes), width), strict=True))
    for h, host in enumerate(picture.hosts):
        left = _host_left(h, len(picture.hosts), width)
        mine = [path for path in picture.paths if path.host_uuid == host.uuid]
        for n, path in enumerate(mine):
            start = _Point(left + HOST_WIDTH * (2 * n + 1) / (2 * len(mine)), _words_end(mine))
            yield _line(start, _Point(nodes[path.node], NODE_Y), path.status)
        worst = next((s for s in (Status.BROKEN, Status.UNKNOWN_) if any(path.status is s for path in mine)), Status.OK)
        yield _box(left, HOST_Y + HOST_HEIGHT, HOST_WIDTH, _words_end(mine) - HOST_Y - HOST_HEIGHT, worst)
        yield from _path_words(left + HOST_WIDTH / 2, mine)


def _path_words(middle: float, paths: Sequence[PathLine]) -> Iterator[str]:
    for n, path in enumerate(paths):
        way = "heartbeat disk" if path.node == "?" else path.node
        words = _shortened(f"{_MARKS[path.status]}{way}: {path.label}", 40)
        yield _text(middle, HOST_Y + HOST_HEIGHT + 17 + 16 * n, words, size=10)


def _storage(picture: PoolPicture, width: float) -> Iterator[str]:
    for name, centre in zip(picture.storage_nodes, _spread(len(picture.storage_nodes), width), strict=True):
        status = Status.UNKNOWN_ if name == "?" else Status.OK
        yield _line(_Point(centre, NODE_Y + BOX_HEIGHT), _Point(width / 2, SR_Y), status)
        yield _box(centre - 100, NODE_Y, 200, BOX_HEIGHT, status)
        label = "storage nodes not known" if name == "?" else f"storage node {name}"
        yield _text(centre, NODE_Y + 27, _MARKS[status] + _shortened(label, 30), bold=True)
    yield _box(width / 2 - 160, SR_Y, 320, 52, picture.heartbeat_status)
    yield _text(width / 2, SR_Y + 22, _MARKS[picture.heartbeat_status] + "heartbeat disk", bold=True)
    yield _text(width / 2, SR_Y + 40, _shortened(picture.heartbeat_sr, 48), size=11)


def _legend() -> Iterator[str]:
    said = {Status.OK: "healthy", Status.BROKEN: "\u2715 broken", Status.UNKNOWN_: "? not known"}
    for n, (status, words) in enumerate(said.items()):
        x = MARGIN + 150 * n
        yield _line(_Point(x, LEGEND_Y), _Point(x + 50, LEGEND_Y), status)
        yield _text(x + 58, LEGEND_Y + 4, words, size=11, anchor="start")


def draw(picture: PoolPicture) -> str:
    """The picture as one SVG element, with a title and a description for readers who cannot see it."""
    hosts = len(picture.hosts)
    width = max(
        LEAST_WIDTH, hosts * (HOST_WIDTH + GAP) + 2 * MARGIN, len(picture.switches) * 220, len(picture.storage_nodes) * 220
    )
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" version="1.1" role="img" width="{width}" height="{HEIGHT}" '
        f'viewBox="0 0 {width} {HEIGHT}" aria-label="{_safe(picture.title)}">',
        f"<title>{_safe(picture.title)}</title>",
        f"<desc>{_safe(picture.summary)}</desc>",
        f'<rect x="0" y="0" width="{width}" height="{HEIGHT}" fill="{PAPER}"/>',
        _text(MARGIN, 34, f"{picture.title}: {picture.timeout}", size=15, bold=True, anchor="start"),
        *_wires(picture, width),
        *_paths(picture, width),
        *_switches(picture, width),
        *(part for h, host in enumerate(picture.hosts) for part in _host(_host_left(h, hosts, width), host)),
        *_storage(picture, width),
        *_legend(),
        "</svg>",
    ]
    return "\n".join(parts)
