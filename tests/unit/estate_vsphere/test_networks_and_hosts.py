"""Networks with their VLANs, hosts with their fingerprints, clusters and stores that tell only a part."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from estate.errors import EdgeError, Retry
from estate.facts.source import VirtualSwitchFacts
from estate.facts.unknown import UNKNOWN, Unknown, is_known
from estate.tls import OfferedCertificate
from estate.vsphere import probe
from estate.vsphere.inventory.hardware import StandardGroup, read_host
from estate.vsphere.inventory.host_hardware import host_adapters, luns
from estate.vsphere.inventory.landscape import read_cluster, read_container, read_datastore
from estate.vsphere.inventory.networks import PortGroup, Subtypes, _portgroup, read_network
from estate.vsphere.inventory.places import Places
from lab.tls import CertFiles, make_certificate
from tests.unit.estate_vsphere.xml import missing, prop, read_one

NOTHING = Subtypes({}, {})
PEM = "-----BEGIN CERTIFICATE-----\nAAEC\n-----END CERTIFICATE-----\n"  # not a certificate, only its armour
SHA256_OF_012 = "AE:4B:32:80:E5:6E:2F:AF:83:F4:14:A6:E3:DA:BE:9D:5F:BE:18:97:65:44:C0:5F:ED:12:1A:CC:B8:5B:53:FC"


def _vlan(kind: str, inside: str) -> str | Unknown:
    settings = f'<vlan xsi:type="{kind}">{inside}</vlan>'
    found = read_one(prop("key", "k"), prop("config.defaultPortConfig", settings, "VMwareDVSPortSetting"))
    return _portgroup(found)[1].vlan


@pytest.mark.parametrize(
    ("kind", "inside", "expected"),
    [
        ("VmwareDistributedVirtualSwitchVlanIdSpec", "<vlanId>120</vlanId>", "120"),
        (
            "VmwareDistributedVirtualSwitchTrunkVlanSpec",
            "<vlanId><start>10</start><end>10</end></vlanId><vlanId><start>20</start><end>30</end></vlanId>",
            "10,20-30",
        ),
        ("VmwareDistributedVirtualSwitchPvlanSpec", "<pvlanId>101</pvlanId>", "pvlan 101"),
    ],
)
def test_the_vlan_of_a_port_group_is_told_as_people_write_it(kind: str, inside: str, expected: str) -> None:
    assert _vlan(kind, inside) == expected


def test_a_vlan_of_an_unknown_kind_or_unreadable_is_unknown() -> None:
    assert isinstance(_vlan("SomethingNew", ""), Unknown)
    found = read_one(prop("key", "k"), missing("config.defaultPortConfig", "NoPermission"))
    vlan = _portgroup(found)[1].vlan
    assert isinstance(vlan, Unknown)
    assert vlan.reason == "NoPermission"


def _hosts(*names: str) -> str:
    refs = "".join(f'<ManagedObjectReference type="HostSystem">{name}</ManagedObjectReference>' for name in names)
    return prop("host", refs, "ArrayOfManagedObjectReference")


def test_a_standard_network_has_the_vlan_of_its_hosts_when_they_agree() -> None:
    vlans = {f"host-{n}": {"LAN": StandardGroup(vlan=vlan)} for n, vlan in ((1, 100), (2, 100), (3, 200))}
    agreed = read_network(read_one(prop("name", "LAN"), _hosts("host-1", "host-2"), kind="Network"), NOTHING, vlans)
    assert (agreed.vlan, agreed.is_distributed) == ("100", False)
    torn = read_network(read_one(prop("name", "LAN"), _hosts("host-1", "host-3"), kind="Network"), NOTHING, vlans)
    assert isinstance(torn.vlan, Unknown)
    assert "100, 200" in torn.vlan.reason
    alone = read_network(read_one(prop("name", "LAN"), kind="Network"), NOTHING, vlans)
    assert isinstance(alone.vlan, Unknown)


def test_a_port_group_is_joined_with_its_key() -> None:
    subtypes = Subtypes({"dvportgroup-2": PortGroup("dvportgroup-2", "120")}, {})
    found = read_one(prop("name", "dv%2f120"), kind="DistributedVirtualPortgroup", moref="dvportgroup-2")
    network = read_network(found, subtypes, {})
    assert (network.name, network.is_distributed, network.portgroup_key, network.vlan) == ("dv/120", True, "dvportgroup-2", "120")


def _bytes(text: str) -> str:
    return prop("config.certificate", "".join(f"<byte>{byte}</byte>" for byte in text.encode()), "ArrayOfByte")


def test_the_certificate_itself_wins_over_a_thumbprint() -> None:
    found = read_one(prop("name", "esx1"), _bytes(PEM), prop("summary.config.sslThumbprint", "AA:" * 19 + "AA"))
    facts = read_host(found).facts
    assert facts.tls_sha256 == SHA256_OF_012
    assert facts.tls_sha1 == "0C:7A:62:3F:D2:BB:C0:5B:06:42:3B:E3:59:E4:02:1D:36:E7:21:AD"


@pytest.mark.parametrize(
    ("thumbprint", "sha256_known", "sha1_known"),
    [("aa:" * 19 + "aa", False, True), ("bb" * 32, True, False), ("nonsense", False, False)],
)
def test_a_thumbprint_is_taken_for_what_its_length_says(thumbprint: str, sha256_known: bool, sha1_known: bool) -> None:
    facts = read_host(read_one(_bytes("no certificate"), prop("summary.config.sslThumbprint", thumbprint))).facts
    assert isinstance(facts.tls_sha256, Unknown) is not sha256_known
    assert isinstance(facts.tls_sha1, Unknown) is not sha1_known


@pytest.fixture
def esx1(tmp_path: Path) -> CertFiles:
    return make_certificate(tmp_path, "esx1", ["127.0.0.1"])


def told_of(files: CertFiles, thumbprint: str = "") -> probe._Told:
    """The host as vCenter tells it, with its certificate."""
    shown = _bytes(files.cert_path.read_text())
    return probe._told(read_one(prop("name", "esx1"), shown, prop("summary.config.sslThumbprint", thumbprint)))


def meets(monkeypatch: pytest.MonkeyPatch, answer: OfferedCertificate | EdgeError) -> None:
    """What the host itself answers."""

    def fetch(url: str, *, timeout_s: float) -> OfferedCertificate:
        assert (url, timeout_s) == ("https://esx1:443", probe.ANSWER_TIMEOUT_S)
        if isinstance(answer, EdgeError):
            raise answer
        return answer

    monkeypatch.setattr(probe, "fetch_certificates", fetch)


def test_a_probe_offers_a_host_certificate_only_when_vcenter_does_not_contradict_it(
    esx1: CertFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    for thumbprint in (esx1.sha1, esx1.sha256_fingerprint.lower(), ""):
        told = told_of(esx1, thumbprint)
        assert told.certificate is not None
        meets(monkeypatch, told.certificate)
        assert probe._met(told) == ("esx1", told.certificate, "")
        assert (told.certificate.sha256, told.certificate.address) == (esx1.sha256_fingerprint, "esx1:443")
    name, offered, why = probe._met(told_of(esx1, "AA:" * 19 + "AA"))
    assert (name, offered) == ("esx1", None)
    assert "vCenter knows it by AA:AA" in why


def test_a_host_that_does_not_answer_is_named_and_keeps_the_certificate_vcenter_tells(
    esx1: CertFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = told_of(esx1)
    meets(monkeypatch, Retry("esx1:443 does not answer", code="no_answer"))
    assert probe._met(told) == ("esx1", told.certificate, "esx1:443 does not answer")
    assert probe._met(probe._Told("esx1")) == ("esx1", None, "esx1:443 does not answer")


def test_a_host_that_shows_another_certificate_than_vcenter_tells_is_not_offered(
    esx1: CertFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = told_of(esx1)
    assert told.certificate is not None
    other = dataclasses.replace(told.certificate, sha256="AA:BB", sha1="AA")
    meets(monkeypatch, other)
    assert probe._met(told)[1:] == (None, f"it shows the certificate AA:BB, but vCenter knows it by {esx1.sha256_fingerprint}")
    assert probe._met(probe._Told("esx1", thumbprint=esx1.sha1))[1] is None
    assert probe._met(probe._Told("esx1"))[1:] == (other, "")


@pytest.mark.parametrize(
    ("told", "address"),
    [
        ("<portWorldWideName>2377900762148634640</portWorldWideName>", "21:00:00:24:ff:00:00:10"),
        ("<portWorldWideName>-1</portWorldWideName>", "ff:ff:ff:ff:ff:ff:ff:ff"),
        ("<iScsiName>iqn.1998-01.com.vmware:esx1</iScsiName>", "iqn.1998-01.com.vmware:esx1"),
    ],
)
def test_an_adapters_address_is_spelled_as_its_fabric_does(told: str, address: str) -> None:
    listed = f'<HostHostBusAdapter xsi:type="HostFibreChannelHba"><device>vmhba2</device>{told}</HostHostBusAdapter>'
    adapters = host_adapters(read_one(prop("config.storageDevice.hostBusAdapter", listed, "ArrayOfHostHostBusAdapter")))
    assert isinstance(adapters, tuple)
    assert [each.address for each in adapters] == [address]


def test_a_host_outside_a_cluster_has_none_and_an_unreadable_summary_leaves_the_rest() -> None:
    parent = '<propSet><name>parent</name><val type="ComputeResource">domain-s1</val></propSet>'
    facts = read_host(read_one(prop("name", "esx9"), parent, missing("summary.hardware", "NoPermission"))).facts
    assert (facts.name, facts.cluster_id) == ("esx9", None)
    assert isinstance(facts.memory_bytes, Unknown)
    assert facts.unreadable == (("summary.hardware", "NoPermission"),)


def test_cluster_switches_and_store_sizes_are_unknown_when_unset() -> None:
    cluster = read_cluster(read_one(prop("name", "C1"), prop("configuration.drsConfig", "<enabled>true</enabled>", "X")))
    assert cluster.drs_enabled is True
    assert isinstance(cluster.ha_enabled, Unknown)
    store = read_datastore(read_one(prop("name", "san"), prop("summary", "<capacity>10</capacity>", "DatastoreSummary")))
    assert store.capacity_bytes == 10
    assert isinstance(store.free_bytes, Unknown)


@pytest.mark.parametrize(
    ("cpu", "memory", "limited"),
    [
        ("<reservation>0</reservation><limit>-1</limit>", "<reservation>0</reservation><limit>-1</limit>", False),
        ("<reservation>0</reservation><limit>2000</limit>", "<reservation>0</reservation><limit>-1</limit>", True),
        ("<reservation>0</reservation><limit>-1</limit>", "<reservation>64</reservation><limit>-1</limit>", True),
        ("<limit>-1</limit>", "<reservation>64</reservation>", True),
        ("<reservation>0</reservation><limit>-1</limit>", "<reservation>0</reservation>", UNKNOWN),
    ],
)
def test_a_pool_is_unlimited_only_when_every_bound_was_read(cpu: str, memory: str, limited: object) -> None:
    parent = '<propSet><name>parent</name><val type="ResourcePool">resgroup-1</val></propSet>'
    bounds = prop("config.cpuAllocation", cpu, "A"), prop("config.memoryAllocation", memory, "A")
    found = read_container(read_one(prop("name", "gold"), parent, *bounds, kind="ResourcePool"), Places({})).limited
    assert isinstance(found, Unknown) if isinstance(limited, Unknown) else found is limited


def test_a_host_tells_its_uplinks_in_distributed_switches_its_clock_and_what_a_licence_counts() -> None:
    proxies = (
        "<HostProxySwitch><dvsName>Prod</dvsName><mtu>9000</mtu><pnic>key-vim.host.PhysicalNic-vmnic2</pnic>"
        "<pnic>key-vim.host.PhysicalNic-vmnic3</pnic></HostProxySwitch>"
    )
    resources = "<resource><key>numCpuPackages</key><value>2</value></resource>"
    facts = read_host(
        read_one(
            prop("config.network.proxySwitch", proxies, "ArrayOfHostProxySwitch"),
            prop("hardware.cpuInfo", "<hz>2400000000</hz>", "HostCpuInfo"),
            prop("licensableResource", resources, "HostLicensableResourceInfo"),
        )
    ).facts
    assert facts.distributed_switches == (VirtualSwitchFacts("Prod", 9000, ("vmnic2", "vmnic3")),)
    assert (facts.cpu_hz, facts.licensable) == (2_400_000_000, (("numCpuPackages", "2"),))
    silent = read_host(read_one(missing("config.network.proxySwitch", "NoPermission"))).facts
    assert isinstance(silent.distributed_switches, Unknown) and silent.distributed_switches.reason == "NoPermission"
    assert isinstance(silent.licensable, Unknown) and isinstance(silent.cpu_hz, Unknown)


def test_a_storage_pod_has_a_size_and_a_folder_has_none() -> None:
    summary = prop("summary", "<name>pod</name><capacity>100</capacity><freeSpace>40</freeSpace>", "StoragePodSummary")
    pod = read_container(read_one(prop("name", "pod"), summary, kind="StoragePod"), Places({}))
    assert (pod.capacity_bytes, pod.free_bytes) == (100, 40)
    assert isinstance(
        read_container(read_one(missing("summary", "NoPermission"), kind="StoragePod"), Places({})).free_bytes, Unknown
    )
    assert read_container(read_one(prop("name", "f"), kind="Folder"), Places({})).capacity_bytes is None


@pytest.mark.parametrize(("told", "binding"), [("earlyBinding", "earlyBinding"), ("", UNKNOWN)])
def test_a_port_group_tells_how_its_ports_are_bound(told: str, binding: object) -> None:
    found = _portgroup(read_one(prop("key", "k"), *([prop("config.type", told)] if told else [])))[1].binding
    assert isinstance(found, Unknown) if isinstance(binding, Unknown) else found == binding


def test_a_port_group_whose_settings_are_refused_keeps_what_was_told() -> None:
    refused = missing("config.defaultPortConfig", "NoPermission")
    group = _portgroup(read_one(prop("key", "k"), prop("config.uplink", "true", "xsd:boolean"), refused))[1]
    assert group.is_uplink is True
    assert isinstance(group.vlan, Unknown) and isinstance(group.promiscuous, Unknown)
    assert group.promiscuous.reason == "NoPermission"


def test_a_host_is_on_no_distributed_switch_only_when_its_network_was_read() -> None:
    switches = prop("config.network.vswitch", "", "ArrayOfHostVirtualSwitch")
    assert read_host(read_one(switches)).facts.distributed_switches == ()
    assert isinstance(read_host(read_one()).facts.distributed_switches, Unknown)
    refused = missing("config.network.proxySwitch", "NoPermission")
    assert read_host(read_one(switches, refused)).facts.distributed_switches == Unknown("NoPermission")


def test_a_store_tells_what_lies_below_it_and_what_it_can_do() -> None:
    nas = "<nas><remoteHost>nas1</remoteHost><remotePath>/vol/a</remotePath></nas>"
    able = "<rawDiskMappingsSupported>false</rawDiskMappingsSupported>"
    vms = '<ManagedObjectReference type="VirtualMachine">vm-7</ManagedObjectReference>'
    told = prop("info", nas, "NasDatastoreInfo"), prop("capability", able, "DatastoreCapability"), prop("vm", vms, "A")
    store = read_datastore(read_one(prop("name", "nfs"), *told))
    assert (store.remote_host, store.remote_path, store.vmfs_version, store.lun_names) == ("nas1", "/vol/a", None, ())
    assert (store.raw_mappings_possible, store.vm_ids) == (False, ("vm-7",))
    assert isinstance(store.thin_disks_possible, Unknown)
    vmfs = "<vmfs><version>6.82</version><extent><diskName>naa.1</diskName></extent></vmfs>"
    store = read_datastore(read_one(prop("info", vmfs, "VmfsDatastoreInfo"), missing("vm", "NoPermission")))
    assert (store.remote_host, store.vmfs_version, store.lun_names) == (None, "6.82", ("naa.1",))
    assert store.vm_ids == Unknown("NoPermission")
    assert isinstance(read_datastore(read_one(prop("info", "", "DatastoreInfo"))).vmfs_version, Unknown)


@pytest.mark.parametrize("refused", ["info", "summary", "capability"])
def test_a_refused_part_of_a_store_leaves_the_others(refused: str) -> None:
    able = "<perFileThinProvisioningSupported>true</perFileThinProvisioningSupported>"
    told = {
        "info": prop("info", "<vmfs><version>5</version></vmfs>", "VmfsDatastoreInfo"),
        "summary": prop("summary", "<capacity>10</capacity>", "DatastoreSummary"),
        "capability": prop("capability", able, "DatastoreCapability"),
    }
    store = read_datastore(read_one(*(told | {refused: missing(refused, "NoPermission")}).values()))
    asked = {"info": store.vmfs_version, "summary": store.capacity_bytes, "capability": store.thin_disks_possible}
    assert asked.pop(refused) == Unknown("NoPermission")
    assert not any(isinstance(value, Unknown) for value in asked.values())


@pytest.mark.parametrize("value", ["<value>2</value>", "<value><key>numCpuPackages</key><value>2</value></value>"])
def test_what_a_licence_counts_is_read_bare_or_wrapped(value: str) -> None:
    counted = f"<resource><key>numCpuPackages</key>{value}</resource>"
    facts = read_host(read_one(prop("licensableResource", counted, "HostLicensableResourceInfo"))).facts
    assert facts.licensable == (("numCpuPackages", "2"),)


@pytest.mark.parametrize(
    ("parts", "dropped", "expected"),
    [
        ((prop("config.backingType", "nsx"),), {}, True),
        ((prop("config.backingType", "standard"),), {}, False),
        ((), {}, False),
        ((), {"config.backingType": "not offered before API 7.0"}, False),
        ((missing("config.backingType", "NoPermission"),), {}, None),
    ],
)
def test_a_port_group_of_nsx_is_told_from_one_of_vsphere(
    parts: tuple[str, ...], dropped: dict[str, str], expected: bool | None
) -> None:
    found = read_one(prop("key", "dvportgroup-2"), *parts, kind="DistributedVirtualPortgroup", moref="dvportgroup-2")
    found.dropped.update(dropped)
    network = read_network(found, Subtypes(dict([_portgroup(found)]), {}), {})
    assert (network.is_opaque if is_known(network.is_opaque) else None) == expected


def test_a_network_of_another_kind_is_nsx_only_where_it_says_so() -> None:
    opaque, other = (read_one(prop("name", "x"), kind=kind) for kind in ("OpaqueNetwork", "SomethingNew"))
    assert read_network(opaque, NOTHING, {}).is_opaque is True
    assert isinstance(read_network(other, NOTHING, {}).is_opaque, Unknown)


FC = "<transport><portWorldWideName>5766297885723328512</portWorldWideName><nodeWorldWideName>-1</nodeWorldWideName></transport>"
ISCSI = "<transport><iScsiName>iqn.2000-08.example:lun1</iScsiName><address>10.9.0.1:3260</address></transport>"


def _targets(*transports: str) -> object:
    disk = "<HostScsiDisk><key>k</key><canonicalName>naa.6000</canonicalName></HostScsiDisk>"
    paths = "".join(f"<path><state>active</state>{transport}</path>" for transport in transports)
    found = read_one(
        prop("config.storageDevice.scsiLun", disk, "ArrayOfScsiLun"),
        prop("config.storageDevice.multipathInfo", f"<lun><lun>k</lun>{paths}</lun>", "HostMultipathInfo"),
        kind="HostSystem",
    )
    told = luns(found)
    assert not isinstance(told, Unknown)
    return told[0].targets


def test_a_lun_names_the_far_ends_of_all_its_paths() -> None:
    assert _targets(FC, ISCSI) == (
        "10.9.0.1:3260",
        "50:06:01:60:3b:a0:00:00",
        "ff:ff:ff:ff:ff:ff:ff:ff",
        "iqn.2000-08.example:lun1",
    )


def test_a_path_without_a_target_leaves_all_of_them_unknown() -> None:
    assert isinstance(_targets(ISCSI, ""), Unknown)
