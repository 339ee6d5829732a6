"""`manage.py copydisk`: a disk from file to file, every kind of both, and nothing left behind when it cannot be."""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import signal
import subprocess
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from estate.disks import errors, verify
from estate.disks.files import VhdSink
from estate.errors import Retry
from lab.disks.sparse_extents import descriptor_text
from lab.disks.stream_vmdk import write_stream_vmdk
from migration.conversion.work.hand_carried import AGAIN_BY_HAND
from tests.builders import ova

MIB = 1 << 20
CAPACITY_BYTES = 9 * MIB + 512 * 3
DISK = random.Random(7).randbytes(3 * MIB) + bytes(4 * MIB) + b"data" * (MIB // 4) + bytes(CAPACITY_BYTES - 8 * MIB)
KINDS = {"raw": "raw", "img": "raw", "vhd": "vpc", "qcow2": "qcow2"}


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """The disk as VMware's stream; its raw form lies beside it."""
    raw, packed = tmp_path / "disk.raw", tmp_path / "disk.vmdk"
    raw.write_bytes(DISK)
    with packed.open("wb") as out:
        write_stream_vmdk(raw, out)
    return packed


def copied(*words: Any) -> str:
    out = StringIO()
    call_command("copydisk", *map(str, words), stdout=out)
    return out.getvalue()


def refused(*words: Any) -> tuple[str, int]:
    with pytest.raises(CommandError) as caught:
        copied(*words)
    return str(caught.value), caught.value.returncode


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.qemu
@pytest.mark.skipif(shutil.which("qemu-img") is None, reason="qemu-img is not installed")
@pytest.mark.parametrize("ending", KINDS)
def test_every_kind_of_file_holds_the_disk_as_qemu_reads_it(disk: Path, tmp_path: Path, ending: str) -> None:
    target = tmp_path / f"out.{ending}"
    told = json.loads(copied(disk, target, "--json"))
    compared = subprocess.run(
        ["qemu-img", "compare", "-f", "raw", "-F", KINDS[ending], tmp_path / "disk.raw", target], check=False
    )
    assert (compared.returncode, told["capacity_bytes"], told["blocks_compared"]) == (0, CAPACITY_BYTES, 5)
    assert names(tmp_path) == {"disk.raw", "disk.vmdk", target.name}


def test_a_raw_file_a_descriptor_with_its_extent_and_a_member_of_a_package_are_the_same_disk(disk: Path, tmp_path: Path) -> None:
    flat = descriptor_text([f'RW {CAPACITY_BYTES // 512} VMFS "disk.raw"'], create_type="vmfs", cid=1)
    (tmp_path / "thick.vmdk").write_bytes(flat)
    (tmp_path / "box.ova").write_bytes(ova.archive(ova.package(disk.read_bytes(), ovf=ova.vmware_ovf(capacity=9))))
    digests = {
        json.loads(copied(tmp_path / source, tmp_path / f"{number}.raw", "--json"))["digest"]
        for number, source in enumerate(("disk.vmdk", "disk.raw", "thick.vmdk", "box.ova"))
    }
    assert len(digests) == 1
    assert all((tmp_path / f"{number}.raw").read_bytes() == DISK for number in range(4))


def test_the_sentence_for_people_names_size_and_digest(disk: Path, tmp_path: Path) -> None:
    told = copied(disk, tmp_path / "out.vhd")
    assert "all 5 blocks equal their source" in told and "BLAKE3 over the blocks: " in told


BAD = [
    ("out.vmdk", 2, "name the new file with one of"),
    ("nowhere/out.raw", 2, "no such folder"),
    ("disk.raw", 1, "disk_target_exists"),
]


@pytest.mark.parametrize(("target", "code", "words"), BAD)
def test_a_target_that_cannot_be_is_refused_before_any_work(
    disk: Path, tmp_path: Path, target: str, code: int, words: str
) -> None:
    text, returncode = refused(disk, tmp_path / target)
    assert (words in text, returncode) == (True, code), text
    assert names(tmp_path) == {"disk.raw", "disk.vmdk"}


SOURCES = {
    "torn": (lambda packed: packed[:-1500], "disk_stream_truncated"),
    "no disk": (lambda _: b"hello", "disk_image_malformed"),
    "empty": (lambda _: b"", "disk_image_malformed"),
    "damaged": (lambda packed: packed[:70_000] + b"\0" * 64 + packed[70_064:], "vmdk_grain_corrupt"),
}


@pytest.mark.parametrize("what", SOURCES)
def test_a_source_that_is_no_whole_disk_leaves_nothing_and_says_why(disk: Path, tmp_path: Path, what: str) -> None:
    change, code = SOURCES[what]
    (tmp_path / "bad.vmdk").write_bytes(change(disk.read_bytes()))
    text, returncode = refused(tmp_path / "bad.vmdk", tmp_path / "out.qcow2")
    assert (code in text, returncode) == (True, 1), text
    assert not (tmp_path / "out.qcow2").exists() and not list(tmp_path.glob(".out*"))


def test_a_missing_source_and_a_package_without_one_disk_ask_for_what_they_need(disk: Path, tmp_path: Path) -> None:
    assert "disk_image_missing" in refused(tmp_path / "gone.vmdk", tmp_path / "out.raw")[0]
    folder = tmp_path / "two"
    folder.mkdir()
    (folder / "box.ovf").write_text("<Envelope/>")
    for name in ("one.vmdk", "two.vmdk"):
        shutil.copy(disk, folder / name)
    assert "one.vmdk, two.vmdk [disk_choice_needed]" in refused(folder, tmp_path / "out.raw")[0]
    copied(folder, tmp_path / "out.raw", "--disk", "two.vmdk")
    assert (tmp_path / "out.raw").read_bytes() == DISK


@pytest.mark.parametrize("source", ["disk.vmdk", "disk.raw"])
def test_a_disk_named_of_a_file_that_is_one_is_refused_unless_it_is_that_file(disk: Path, tmp_path: Path, source: str) -> None:
    text, returncode = refused(tmp_path / source, tmp_path / "out.raw", "--disk", "other.vmdk")
    assert ("other.vmdk" in text, "[disk_choice_refused]" in text, returncode) == (True, True, 1), text
    assert names(tmp_path) == {"disk.raw", "disk.vmdk"}
    copied(tmp_path / source, tmp_path / "out.raw", "--disk", source)
    assert (tmp_path / "out.raw").read_bytes() == DISK


def test_a_torn_source_asks_a_person_because_nothing_starts_again_by_itself(disk: Path, tmp_path: Path) -> None:
    (tmp_path / "torn.vmdk").write_bytes(disk.read_bytes()[:-1500])
    text, _ = refused(tmp_path / "torn.vmdk", tmp_path / "out.raw")
    assert "by itself" not in text and text.endswith("then copy again."), text


def test_every_fault_of_a_disk_that_a_job_would_try_again_has_a_step_for_a_person() -> None:
    passing = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, Retry) and each is not Retry]
    assert passing and {each.code for each in passing} <= set(AGAIN_BY_HAND)


def test_a_medium_that_fills_up_leaves_nothing(disk: Path, tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3 * MIB, before[1]))
    try:
        text, _ = refused(disk, tmp_path / "out.vhd")
        assert "disk_target_full" in text and str(tmp_path / "out.vhd") in text and "unproven" not in text
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert names(tmp_path) == {"disk.raw", "disk.vmdk"}


@pytest.mark.parametrize("ending", KINDS)
def test_a_file_that_reads_back_otherwise_is_removed(
    disk: Path, tmp_path: Path, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The medium gives one wrong byte of the data."""
    honest = verify.read_back
    target = tmp_path / f"out.{ending}"

    def spoilt(*arguments: Any, **options: Any) -> verify.VerifyResult:
        assert not target.exists(), "it has its name only when it is proven"
        [unproven] = tmp_path.glob(f".*.unproven.{ending}")
        content = bytearray(unproven.read_bytes())
        content[content.index(DISK[: 1 << 10]) + 100] ^= 1
        with unproven.open("r+b") as file:
            file.write(content)
        return honest(*arguments, **options)

    monkeypatch.setattr(verify, "read_back", spoilt)
    text, _ = refused(disk, target)
    assert f"bytes 0-{2 * MIB}" in text and "verification_failed" in text
    assert names(tmp_path) == {"disk.raw", "disk.vmdk"}


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("when", ["while it is copied", "while it is read back"])
def test_told_to_end_it_leaves_nothing(
    disk: Path, tmp_path: Path, when: str, by: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end(*_arguments: Any, **_options: Any) -> None:
        if signal.getsignal(by) == signal.SIG_DFL:
            pytest.fail(f"{by.name} would end it with its part left behind")
        os.kill(os.getpid(), by)

    monkeypatch.setattr(*((VhdSink, "write") if when == "while it is copied" else (verify, "read_back")), end)
    before = signal.signal(by, signal.SIG_DFL)  # whoever runs the tests may have it ignored, as nohup does
    try:
        text, returncode = refused(disk, tmp_path / "out.vhd")
    finally:
        signal.signal(by, before)
    assert ("Stopped; nothing is left" in text, returncode) == (True, 130)
    assert names(tmp_path) == {"disk.raw", "disk.vmdk"}


def test_a_link_that_leads_nowhere_is_a_target_that_exists(disk: Path, tmp_path: Path) -> None:
    (tmp_path / "out.raw").symlink_to(tmp_path / "gone")
    assert "disk_target_exists" in refused(disk, tmp_path / "out.raw")[0]
    assert (tmp_path / "out.raw").is_symlink()


def test_a_name_that_the_system_refuses_is_told_as_such(tmp_path: Path) -> None:
    assert "disk_image_missing" in refused(tmp_path / f"{'x' * 300}.vmdk", tmp_path / "out.raw")[0]


def test_a_lost_terminal_is_ignored_where_whoever_started_it_has_it_ignored(disk: Path, tmp_path: Path) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        copied(disk, tmp_path / "out.raw")
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("name", ["x" * 253, "x" * 300])
def test_a_target_whose_name_the_system_refuses_is_told_as_such(disk: Path, tmp_path: Path, name: str) -> None:
    text, returncode = refused(disk, tmp_path / f"{name}.raw")
    assert ("disk_target_failed" in text, returncode) == (True, 1), text
    assert names(tmp_path) == {"disk.raw", "disk.vmdk"}


NOT_RAW = {b"QFI\xfb": "a qcow2", b"conectix": "a VHD", b"vhdxfile": "a VHDX", b"KDMV": "a VMDK", b"\x1f\x8b": "compressed"}


@pytest.mark.parametrize("start", NOT_RAW)
def test_an_image_of_another_kind_is_not_taken_for_a_raw_disk(tmp_path: Path, start: bytes) -> None:
    (tmp_path / "other.img").write_bytes(start.ljust(MIB, b"\x01"))
    text, returncode = refused(tmp_path / "other.img", tmp_path / "out.vhd")
    assert (f"is {NOT_RAW[start]}, not a raw disk [disk_image_kind]" in text, returncode) == (True, 1), text
    assert names(tmp_path) == {"other.img"}
