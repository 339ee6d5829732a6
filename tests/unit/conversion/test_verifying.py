"""The verify policy as people write it; what is not understood is refused, never taken for something weaker."""

from __future__ import annotations

import pytest

from estate.disks.blockmap import BLOCK_BYTES
from migration.conversion.core.verifying import COMPARED_BYTES, FULL, OFF, blocks_of, policy_from


@pytest.mark.parametrize(
    ("text", "policy"),
    [("full", "full"), (" Full ", "full"), ("off", "off"), ("sampled 10 %", "sampled 10 %"), ("sampled:5", "sampled 5 %"),
     ("SAMPLED 99%", "sampled 99 %"), ("sampled 1", "sampled 1 %")],
)  # fmt: skip
def test_a_policy_reads_as_it_is_written(text: str, policy: str) -> None:
    assert str(policy_from(text)) == policy
    assert policy_from(policy) == policy_from(text)


def test_full_and_off_are_the_ends() -> None:
    assert (FULL.percent, OFF.percent) == (100, 0)


@pytest.mark.parametrize(
    "text", ["", "none", "sampled", "sampled 0 %", "sampled 100 %", "sampled -5 %", "sampled 5.5 %", "of", "sampled ٥ %"]
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no verify policy"):
        policy_from(text)


def test_a_disk_has_as_many_blocks_here_as_are_hashed_of_it() -> None:
    assert COMPARED_BYTES == BLOCK_BYTES
    assert [blocks_of(size) for size in (1, BLOCK_BYTES, BLOCK_BYTES + 1)] == [1, 1, 2]
