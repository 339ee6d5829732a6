"""The state-file latency out of a host's statistics: the highest of a whole window, and nothing where there is a gap."""

from __future__ import annotations

import pytest

from estate.xapi.statistics import highest

SOURCE = "statefile/v1/latency"


def document(*rows: str, legend: tuple[str, ...] = ("MAX:host:h1:cpu_avg", f"MAX:host:h1:{SOURCE}")) -> bytes:
    entries = "".join(f"<entry>{each}</entry>" for each in legend)
    return f"<xport><meta><legend>{entries}</legend></meta><data>{''.join(rows)}</data></xport>".encode()


def row(*values: str) -> str:
    return "<row><t>1</t>" + "".join(f"<v>{value}</v>" for value in values) + "</row>"


def test_the_highest_of_all_rows_is_told() -> None:
    assert highest(document(row("0.5", "0.0100"), row("0.7", "41.5000"), row("99", "2e0")), SOURCE) == 41.5


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"\xff\x00",
        document(),
        document(row("0.5", "0.01"), row("0.5", "NaN")),
        document(row("0.5", "0.01"), row("0.5")),
        document(row("0.5", "Infinity")),
        document(row("0.5", "soon")),
        document(row("0.5", "0.01"), legend=("MAX:host:h1:cpu_avg", "AVERAGE:host:h1:" + SOURCE)),
        document(row("0.5", "0.01"), legend=("MAX:host:h1:cpu_avg", "MAX:host:h1:statefile/v2/latency")),
        b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]><xport><meta><legend><entry>&e;</entry></legend></meta></xport>',
    ],
)
def test_a_gap_or_an_answer_of_another_shape_is_not_known(body: bytes) -> None:
    assert highest(body, SOURCE) is None
