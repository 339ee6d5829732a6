"""One machine all the way: made halted and blocked, copied, proven, started; and the way back."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from estate.xapi.pool_vms import CONVERSION_KEY
from migration.conversion.models import Conversion
from migration.conversion.services import lifecycle
from tests.builders.path import SYSTEM, Site, again, copied, gone_live, prepared, settle
from tests.builders.path_looks import Looks, told

pytestmark = pytest.mark.django_db(transaction=True)  # disks are copied by threads with connections of their own


def arrived(site: Site, name: str, **changes: str) -> Conversion:
    row = prepared(site.conversion(name, **changes))
    assert (row.state, row.error) == ("ready", None)
    row = copied(row)
    assert (row.state, row.error) == ("cutting_over", None)
    return gone_live(row)


def test_a_prepared_vm_is_halted_tagged_and_refuses_to_start_before_the_gate(site: Site, looks: Looks) -> None:
    row = prepared(site.conversion("db01"))

    record = looks.vm_record(row)
    assert (row.state, record["power_state"]) == ("ready", "Halted")
    assert set(record["blocked_operations"]) == {"start", "start_on"}
    assert record["other_config"]["xenbound-conversion"] == str(row.pk)
    assert looks.left_in_pool(row) == (1, 2)
    with looks.pool() as session:
        answer = session._attempt("VM.start", (session.call("VM.get_by_uuid", row.target_vm_uuid), False, False))
    assert answer.code == "OPERATION_BLOCKED"
    assert looks.source_is("db01") == "on", "nothing was done to the source"
    assert looks.nothing_open()


def test_a_machine_arrives_with_every_byte_every_mac_and_its_firmware(site: Site, looks: Looks) -> None:
    row = arrived(site, "db01")

    assert (row.state, row.error, row.boot_proof["power_state"]) == ("done", None, "Running")
    assert looks.equal_bytes(row)
    record = looks.vm_record(row)
    assert (record["power_state"], record["blocked_operations"]) == ("Running", {})
    assert record["HVM_boot_params"]["firmware"] == "bios"
    with looks.pool() as session:
        macs = sorted(session.call("VIF.get_MAC", vif) for vif in record["VIFs"])
        kinds = sorted(session.call("VBD.get_type", vbd) for vbd in record["VBDs"])
    assert macs == ["00:50:56:9a:08:01", "00:50:56:9a:08:02"]
    assert kinds == ["CD", "Disk", "Disk"], "as many disks as the source has"
    for disk in row.disks.all():
        assert disk.verified and disk.digest and disk.bytes_copied == disk.bytes_total
        assert 0 < disk.bytes_sent <= disk.bytes_total - disk.bytes_zero
    assert looks.source_is("db01") == "off"
    assert looks.nothing_open()


@pytest.mark.qemu
def test_qemu_img_finds_each_vdi_equal_to_its_source_vmdk(site: Site, looks: Looks) -> None:
    if shutil.which("qemu-img") is None:
        pytest.skip("qemu-img is not installed")
    row = arrived(site, "web02", sr="san-lun-01")

    assert looks.vm_record(row)["HVM_boot_params"]["firmware"] == "uefi"
    for disk, vdi in looks.disk_pairs(row):
        compared = subprocess.run(
            ["qemu-img", "compare", "-f", "vmdk", "-F", "raw", disk["vmdk_path"], str(vdi)], capture_output=True, text=True
        )
        assert compared.returncode == 0, compared.stdout


def test_a_rollback_stops_and_blocks_the_vm_and_powers_the_source_on(site: Site, looks: Looks) -> None:
    row = arrived(site, "git01")
    lifecycle.roll_back(row, actor=SYSTEM)
    settle()

    record = looks.vm_record(row)
    assert (again(row).state, record["power_state"], looks.source_is("git01")) == ("rolled_back", "Halted", "on")
    assert "start" in record["blocked_operations"]
    assert looks.nothing_open()


def test_a_rollback_brings_the_source_back_though_somebody_removed_the_vm(site: Site, looks: Looks) -> None:
    row = arrived(site, "git01")
    with looks.pool() as session:
        reference = session.call("VM.get_by_uuid", row.target_vm_uuid)
        session.call("VM.hard_shutdown", reference)
        session.call("VM.destroy", reference)
    lifecycle.roll_back(row, actor=SYSTEM)
    settle()

    assert (again(row).state, looks.source_is("git01")) == ("rolled_back", "on")


def test_a_rollback_stops_the_vm_also_when_somebody_took_our_tag_away(site: Site, looks: Looks) -> None:
    row = arrived(site, "git01")
    with looks.pool() as session:
        reference = session.call("VM.get_by_uuid", row.target_vm_uuid)
        session.call("VM.remove_from_other_config", reference, CONVERSION_KEY)
    lifecycle.roll_back(row, actor=SYSTEM)
    settle()

    with looks.pool() as session:
        power = session.call("VM.get_power_state", reference)
    assert (again(row).state, power, looks.source_is("git01")) == ("rolled_back", "Halted", "on"), "never both at a time"


def test_a_vm_that_no_host_can_run_is_blocked_again(site: Site, looks: Looks) -> None:
    row = copied(prepared(site.conversion("git01")))
    with looks.pool() as session:
        vast = str(1 << 44)
        reference = session.call("VM.get_by_uuid", row.target_vm_uuid)
        session.call("VM.set_memory_limits", reference, vast, vast, vast, vast)
    row = gone_live(row)

    assert told(row, "git01") == "no_host_available"
    record = looks.vm_record(row)
    assert (record["power_state"], "start" in record["blocked_operations"]) == ("Halted", True)
    assert looks.nothing_open()


def test_the_plans_name_is_the_vms_name_in_the_pool(site: Site, looks: Looks) -> None:
    row = prepared(site.conversion("git01", target_name="gitlab-new"))
    assert (row.name, looks.vm_record(row)["name_label"]) == ("git01", "gitlab-new")


def test_preparing_twice_makes_nothing_twice(site: Site, looks: Looks) -> None:
    row = prepared(site.conversion("db01"))
    lifecycle.start_preparing(row, actor=SYSTEM)
    settle()

    assert (again(row).state, looks.left_in_pool(row)) == ("ready", (1, 2))
    assert sorted(row.ledger.values_list("kind", flat=True)) == ["vdi", "vdi", "vm"]


def test_a_source_that_cannot_be_marked_as_moved_fails_nothing(site: Site, looks: Looks) -> None:
    row = copied(prepared(site.conversion("git01")))
    looks.vcenter_fault("unreadable", vm="git01", path="config.annotation")
    row = gone_live(row)

    assert (row.state, row.error) == ("done", None)
    assert [event.message for event in row.events.all() if "could not be marked" in event.message]
