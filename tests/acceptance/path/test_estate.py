"""One estate out of a workbook, a vCenter a week later and two appliances: one machine each, and all of them arrive."""

from __future__ import annotations

import filecmp
import io
import random
from pathlib import Path
from typing import Any

import pytest

from estate.vsphere.inventory.collect import collect
from estate.vsphere.session import VsphereSession
from estate.xapi.session import XapiSession
from lab.disks.stream_vmdk import write_stream_vmdk
from lab.testing import Lab
from migration.conversion.models import Conversion
from tests.builders import ova
from tests.builders.operator import ORIGINAL_RISK, Operator
from tests.builders.path import connection_to, pool_pins, source_pins, vdi_file
from tests.builders.people import People
from tests.builders.workbooks import workbook_of, xlsx

pytestmark = pytest.mark.django_db
MIB = 1 << 20
CAPACITY_BYTES = 16 * MIB
APPLIANCES = {"web": "servers-120", "box": "dmz-110"}


@pytest.fixture
def operator(people: People, lab: Lab) -> Operator:
    return Operator(people, lab)


@pytest.fixture
def packages(tmp_path: Path, settings: Any) -> Path:
    """The import folder: an archive as VMware writes it, and a folder as VirtualBox writes it, which tells less."""
    folder = tmp_path / "import"
    folder.mkdir()
    settings.IMPORT_DIR = folder
    web = a_disk(folder / "web.raw", seed=1)
    (folder / "web.ova").write_bytes(ova.archive(ova.package(web, ovf=ova.vmware_ovf(capacity=CAPACITY_BYTES // MIB))))
    box = a_disk(folder / "box.raw", seed=2)
    files = {"box.ovf": ova.virtualbox_ovf(capacity_bytes=CAPACITY_BYTES), "box-disk001.vmdk": box}
    ova.folder({**files, "box.mf": ova.manifest(files, "sha1")}, folder / "box")
    return folder


def a_disk(raw: Path, *, seed: int) -> bytes:
    """A disk's content at `raw`, and the stream of it."""
    packed = io.BytesIO()
    raw.write_bytes(random.Random(seed).randbytes(5 * MIB) + bytes(CAPACITY_BYTES - 6 * MIB) + b"end." * (MIB // 4))
    write_stream_vmdk(raw, packed)
    return packed.getvalue()


def workbook_of_the_lab(lab: Lab) -> bytes:
    """What RVTools would export of the lab's vCenter."""
    found: dict[str, list[Any]] = {}
    with VsphereSession(connection_to(lab.json, "vcenter", source_pins(lab.json))) as session:
        collect(session, on_page=lambda kind, page: found.setdefault(kind, []).extend(page))
    return xlsx(workbook_of(found))


def uploaded(operator: Operator, book: bytes) -> None:
    path = f"sources/{operator.post('sources', {'kind': 'rvtools', 'name': 'first look'})['id']}"
    file = io.BytesIO(book)
    file.name = "estate.xlsx"
    answer = operator.people.client("owner").post(f"{operator.base}/{path}/workbook", {"file": file}, format="multipart")
    assert answer.status_code in (200, 201), answer.content
    assert operator.ran(f"{path}/collect").state == "succeeded"


def test_a_workbook_a_vcenter_and_two_appliances_are_one_estate_and_arrive(operator: Operator, lab: Lab, packages: Path) -> None:
    uploaded(operator, workbook_of_the_lab(lab))
    by_workbook = operator.ids("web02", "db01")
    operator.added("sources", "vcenter", kind="vcenter")
    assert operator.ids("web02", "db01") == by_workbook, "the machines of the workbook are those of the vCenter"
    operator.collected("ova", "web appliance", path="web.ova")
    operator.collected("ova", "box appliance", path="box")

    pool = operator.pool_without_ha()
    box = operator.ids("box")["box"]
    said = {
        box: {"guest_id": "debian12_64Guest", "cores_per_socket": 1, "secure_boot": "off"},
        by_workbook["web02"]: {"vtpm": "on", "vif_locking": "unlocked"},
    }
    wave = operator.planned(
        pool,
        *("web02", "web", "box"),
        networks={"VM Network": APPLIANCES["web"], "NAT": APPLIANCES["box"]},
        templates={"*": "Other install media"},
        overrides=said,
    )
    assert operator.ran(f"{wave}/start").result == {"conversions": {"ready": 3}, "left_behind": []}
    assert operator.ran(f"{wave}/gate").state == "succeeded"
    (asked,) = [reason for reason in operator.get(f"{wave}/gate")["reasons"] if reason["code"] == ORIGINAL_RISK]
    assert "web" in asked["detail"] and "box" in asked["detail"] and "web02" not in asked["detail"]
    operator.accept_named_risks(wave)
    operator.asked_and_signed(wave)
    job = operator.ran(f"{wave}/cutover")
    assert (job.state, job.result) == ("succeeded", {"conversions": {"done": 3}, "left_behind": []}), job.error

    arrived = Conversion.objects.get(name="web02")
    with XapiSession(connection_to(lab.json, "pool", pool_pins(lab.json))) as session:
        record = session.call("VM.get_record", session.call("VM.get_by_uuid", arrived.target_vm_uuid))
        assert len(record["VTPMs"]) == 1, "UEFI, and asked for"
        assert {session.call("VIF.get_locking_mode", vif) for vif in record["VIFs"]} == {"unlocked"}
    for name in APPLIANCES:
        (disk,) = Conversion.objects.get(name=name).disks.all()
        assert disk.verified and filecmp.cmp(packages / f"{name}.raw", vdi_file(lab, disk.vdi_uuid), shallow=False)
