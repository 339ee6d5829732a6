"""Disks of a datastore over `/folder`: the same bytes as on its files, and every answer that is none is told."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from estate.disks.errors import ImageFileMissing
from estate.disks.images import ImageSource, open_image
from estate.errors import AskPerson, EdgeError, Retry
from estate.tls import CertificateChanged, PinnedHTTPSConnection
from estate.vsphere.datastore import DatastoreFolder
from lab.disks import sparse_extents as writers
from lab.disks.sparse_extents import descriptor_text
from tests.builders.vmdk import replay
from tests.contract.vsphere.folder_server import FakeSession, Folder, folder_server, send

MIB = 1 << 20
SECTORS = 9 * MIB // 512


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Folder]:
    root = tmp_path / "store"
    (root / "vm ü").mkdir(parents=True)
    with folder_server(root, tmp_path / "tls") as folder:
        yield folder


def a_folder(served: Folder, **options: Any) -> DatastoreFolder:
    session: Any = FakeSession(served.connection, options.pop("cookie", "vmware_soap_session=good"))
    return DatastoreFolder(session, "Folder/DC1", "ds 1", timeout_s=5, **options)


def a_snapshot(served: Folder, *, parent: str = "vm.vmdk") -> bytes:
    """A thick disk and a SESPARSE delta on it; gives what the delta reads as."""
    base = bytearray(random.Random(1).randbytes(SECTORS * 512))
    here = served.root / "vm ü"
    (here / "vm-flat.vmdk").write_bytes(base)
    (here / "vm.vmdk").write_bytes(descriptor_text([f'RW {SECTORS} VMFS "vm-flat.vmdk"'], create_type="vmfs", cid=5))
    grains = {3: b"d" * 4096, 900: None, 2000: b"e" * 4096}
    writers.write_sesparse(here / "vm-000001-sesparse.vmdk", SECTORS, grains)
    text = descriptor_text(
        [f'RW {SECTORS} SESPARSE "vm-000001-sesparse.vmdk"'],
        create_type="seSparse",
        cid=6,
        parent_cid=5,
        parent_name=parent,
    )
    (here / "vm-000001.vmdk").write_bytes(text)
    for number, content in grains.items():
        base[number * 4096 : (number + 1) * 4096] = content or bytes(4096)
    return bytes(base)


@pytest.mark.parametrize("parent", ["vm.vmdk", "/vmfs/volumes/52d3-aa/vm ü/vm.vmdk", "/vmfs/volumes/ds 1/vm ü/vm.vmdk"])
def test_snapshot_over_its_base_is_read_like_from_the_files(served: Folder, parent: str) -> None:
    expected = a_snapshot(served, parent=parent)
    image = open_image(a_folder(served, volume_ids=frozenset({"52d3-aa"})), "vm ü/vm-000001.vmdk")
    source = ImageSource(image)
    assert replay(image.capacity_bytes, source.extents()) == expected
    source.close()
    assert served.connections < len(served.asked)


def test_expired_session_is_logged_in_again_once(served: Folder) -> None:
    (served.root / "a.bin").write_bytes(b"x" * 1000)
    file = a_folder(served, cookie="vmware_soap_session=old").open("a.bin")
    room = bytearray(10)
    file.read_into(990, memoryview(room))
    assert (bytes(room), file.size_bytes) == (b"x" * 10, 1000)


def test_idle_connection_that_the_server_dropped_is_no_error(served: Folder) -> None:
    (served.root / "a.bin").write_bytes(b"x" * 1000)

    def close_after(handler: BaseHTTPRequestHandler, *_: object) -> bool:
        handler.close_connection = True  # without saying so
        return False

    served.misbehave = close_after
    file = a_folder(served).open("a.bin")
    for offset in range(3):
        file.read_into(offset, memoryview(bytearray(5)))
    assert served.connections >= 3


def test_a_file_is_closed_while_one_of_its_lines_is_still_connecting(served: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when another part of the disk has failed: closing raises nothing, and the late line brings no bytes."""
    (served.root / "disk.raw").write_bytes(bytes(2 * MIB))
    file = a_folder(served).open("disk.raw")
    while not file._idle.empty():
        file._idle.get_nowait().close()
    connecting, go_on = threading.Event(), threading.Event()
    connect = PinnedHTTPSConnection.connect

    def slow(line: PinnedHTTPSConnection) -> None:
        connecting.set()
        assert go_on.wait(20)
        connect(line)

    monkeypatch.setattr(PinnedHTTPSConnection, "connect", slow)
    with ThreadPoolExecutor(1) as threads:
        reading = threads.submit(file.read_into, 0, memoryview(bytearray(MIB)))
        assert connecting.wait(20)
        file.close()
        asked = len(served.asked)
        go_on.set()
        with pytest.raises(Retry):
            reading.result(20)
    assert len(served.asked) <= asked + 1


def test_read_that_waits_for_a_silent_server_ends_when_the_file_is_closed(served: Folder) -> None:
    (served.root / "a.bin").write_bytes(b"x" * 1000)
    file, silent, over = a_folder(served).open("a.bin"), threading.Event(), threading.Event()

    def stand_still(*_: object) -> bool:
        silent.set()
        return over.wait(4)

    served.misbehave = stand_still
    with ThreadPoolExecutor(1) as threads:
        reading = threads.submit(file.read_into, 0, memoryview(bytearray(10)))
        assert silent.wait(5)
        closed_at_s = time.monotonic()
        file.close()
        with pytest.raises(Retry):
            reading.result()
        assert time.monotonic() - closed_at_s < 1
    over.set()


Misbehaviour = Any
WRONG: dict[str, tuple[Misbehaviour, type[EdgeError], str]] = {
    "the whole file": (lambda h, c, *_: send(h, 200, c) or True, AskPerson, "range_ignored"),
    "another part": (lambda h, c, *_: send(h, 206, c[:5], "bytes 0-4/1000") or True, AskPerson, "range_ignored"),
    "no part named": (lambda h, c, s, e: send(h, 206, c[s : e + 1]) or True, AskPerson, "range_ignored"),
    "more than asked for": (lambda h, c, s, e: send(h, 206, c, f"bytes {s}-{e}/1000") or True, AskPerson, "range_ignored"),
    "less than promised": (lambda h, c, s, e: send(h, 206, c[s:e], f"bytes {s}-{e}/1000") or True, Retry, "connection_lost"),
    "another size than before": (
        lambda h, c, s, e: send(h, 206, c[s : e + 1], f"bytes {s}-{e}/999") or True,
        AskPerson,
        "datastore_file_changed",
    ),
    "a refusal": (lambda h, *_: send(h, 403) or True, AskPerson, "datastore_refused"),
    "too much work": (lambda h, *_: send(h, 503) or True, Retry, "server_busy"),
    "a file that is gone": (lambda h, *_: send(h, 404) or True, AskPerson, "disk_image_missing"),
    "a file that shrank": (lambda h, *_: send(h, 416) or True, AskPerson, "datastore_file_changed"),
    "a session that never works": (lambda h, *_: send(h, 401) or True, Retry, "session_expired"),
}


@pytest.mark.parametrize(("wrong", "kind", "code"), WRONG.values(), ids=WRONG.keys())
def test_answer_that_is_not_the_part_asked_for_is_told_with_its_code(
    served: Folder, wrong: Misbehaviour, kind: type[EdgeError], code: str
) -> None:
    (served.root / "a.bin").write_bytes(b"x" * 1000)
    file = a_folder(served).open("a.bin")
    served.misbehave = wrong
    with pytest.raises(kind) as caught:
        file.read_into(100, memoryview(bytearray(50)))
    assert caught.value.code == code
    assert "ds 1" in caught.value.message


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "/vmfs/volumes/other/a.bin", "gone.bin", "."])
def test_path_that_leads_elsewhere_or_nowhere_is_missing(served: Folder, name: str) -> None:
    with pytest.raises(ImageFileMissing):
        a_folder(served).open(name)


def test_certificate_nobody_confirmed_gets_no_cookie(served: Folder) -> None:
    connection = served.connection
    session: Any = FakeSession(type(connection)(connection.url, "u", "p", frozenset({"AA:" * 31 + "AA"}), "esx01"))
    with pytest.raises(CertificateChanged):
        DatastoreFolder(session, "Folder/DC1", "ds 1").open("a.bin")
    assert served.asked == []
