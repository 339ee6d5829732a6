"""The sheets about what machines live on and in, and about the workbook itself; their columns that are facts."""

from __future__ import annotations

from estate.rvtools.tables import Column, SheetColumns
from estate.rvtools.values import amount, boolean, integer, limit, listed, mib, moment, names, text

HOST_KEYS = (Column("host_name", ("Host",), empty="", key=True), Column("center", ("VI SDK UUID",), empty="", key=True))
_CENTER = Column("center", ("VI SDK UUID",), empty="", key=True)
_TAIL = "Datacenter|Cluster|VI SDK Server"

VMETADATA = SheetColumns(
    "vMetaData",
    (Column("version", ("RVTools version",), empty=""), Column("made_at", ("xlsx creation datetime",), moment)),
    "RVTools major version|Server",
)
VSOURCE = SheetColumns(
    "vSource",
    (
        _CENTER,
        Column("full_name", ("Fullname",), empty=""),
        Column("product", ("Product name",), empty=""),
        Column("api_type", ("API type",), empty=""),
        Column("api_version", ("API version",), empty=""),
        Column("version", ("Version",), empty=""),
        Column("build", ("Build",), empty=""),
    ),
    "Name|OS type|Product version|Patch level|Product line|License prod name|License prod vrs|Vendor|VI SDK Server",
)
VHOST = SheetColumns(
    "vHost",
    (
        *HOST_KEYS,
        Column("cluster_name", ("Cluster",), empty=None),
        Column("native_id", ("Object ID",), empty="", key=True),
        Column("connection_state", ("Connection state",)),
        Column("in_maintenance", ("in Maintenance Mode",), boolean),
        Column("cpu_model", ("CPU Model",)),
        Column("speed_mhz", ("Speed",), amount),
        Column("ht_active", ("HT Active",), boolean),
        Column("cpu_sockets", ("# CPU",), amount),
        Column("cpu_cores", ("# Cores",), amount),
        Column("memory_bytes", ("# Memory",), mib),
        Column("product", ("ESX Version",)),
        Column("vendor", ("Vendor",)),
        Column("model", ("Model",)),
        Column("serial", ("Serial number",)),
        Column("bios_version", ("BIOS Version",)),
        Column("current_evc_mode", ("Current EVC",), empty=None),
        Column("max_evc_mode", ("Max EVC",), empty=None),
        Column("domain", ("Domain",)),
        Column("dns_servers", ("DNS Servers",), listed, empty=()),
        Column("ntp_servers", ("NTP Server(s)",), listed, empty=()),
        Column("time_zone", ("Time Zone",)),
        Column("uuid", ("UUID",)),
    ),
    f"""Config status|HT Available|Cores per CPU|CPU usage %|Memory usage %|Console|# NICs|# HBAs|# VMs total|# VMs
VMs per Core|# vCPUs|vCPUs per Core|vRAM|VM Used memory|VM Memory Swapped|VM Memory Ballooned|VMotion support
Storage VMotion support|Assigned License(s)|ATS Heartbeat|ATS Locking|Current CPU power man. policy
Supported CPU power man.|Host Power Policy|Boot time|DHCP|Domain List|DNS Search Order|NTPD running
Time Zone Name|GMT Offset|Service tag|OEM specific string|BIOS Vendor|BIOS Date|in Quarantine Mode
vSAN Fault Domain Name|Certificate Issuer|Certificate Start Date|Certificate Expiry Date|Certificate Status
Certificate Subject|{_TAIL}""",
)
VCLUSTER = SheetColumns(
    "vCluster",
    (
        _CENTER,
        Column("name", ("Name",), empty="", key=True),
        Column("native_id", ("Object ID",), empty="", key=True),
        Column("ha_enabled", ("HA enabled",), boolean),
        Column("admission_control", ("AdmissionControlEnabled",), boolean),
        Column("drs_enabled", ("DRS enabled",), boolean),
        Column("drs_behaviour", ("DRS default VM behavior",)),
        Column("dpm_enabled", ("DPM enabled",), boolean),
    ),
    f"""Config status|OverallStatus|NumHosts|numEffectiveHosts|TotalCpu|NumCpuCores|NumCpuThreads|Effective Cpu
TotalMemory|Effective Memory|Num VMotions|Failover Level|Host monitoring
HB Datastore Candidate Policy|Isolation Response|Restart Priority|Cluster Settings|Max Failures|Max Failure Window
Failure Interval|Min Up Time|VM Monitoring|DRS vmotion rate|DPM default behavior|DPM Host Power Action Rate
Cluster Description|{_TAIL}""",
)
VDATASTORE = SheetColumns(
    "vDatastore",
    (
        _CENTER,
        Column("name", ("Name",), empty="", key=True),
        Column("native_id", ("Object ID",), empty="", key=True),
        Column("kind", ("Type",)),
        Column("url", ("URL",)),
        Column("vmfs_version", ("Version",)),
        Column("capacity_bytes", ("Capacity MiB",), mib),
        Column("provisioned_bytes", ("Provisioned MiB",), mib),
        Column("used_bytes", ("In Use MiB",), mib),
        Column("free_bytes", ("Free MiB",), mib),
        Column("accessible", ("Accessible",), boolean),
        Column("host_count", ("# Hosts",), amount),
        Column("host_names", ("Hosts",), names),
        Column("pod_name", ("Cluster name",), empty=None),
        Column("pod_capacity_bytes", ("Cluster capacity MiB",), mib),
        Column("pod_free_bytes", ("Cluster free space MiB",), mib),
    ),
    f"""Config status|Address|# VMs total|# VMs|Free %|SIOC enabled|SIOC Threshold|Block size|Max Blocks|# Extents|Major Version
VMFS Upgradeable|MHA|{_TAIL}""",
)
VRP = SheetColumns(
    "vRP",
    (
        _CENTER,
        Column("name", ("Resource Pool name", "Resource pool"), empty="", key=True),
        Column("path", ("Resource Pool path",), empty="", key=True),
        Column("cpu_limit", ("CPU limit",), limit),
        Column("cpu_reservation", ("CPU reservation",), amount),
        Column("memory_limit", ("Mem limit", "Memory limit"), limit),
        Column("memory_reservation", ("Mem reservation", "Memory reservation"), amount),
    ),
    "",
)
VSWITCH = SheetColumns(
    "vSwitch",
    (
        *HOST_KEYS,
        Column("name", ("Switch",), empty="", key=True),
        Column("promiscuous", ("Promiscuous Mode",), boolean),
        Column("mac_changes", ("Mac Changes",), boolean),
        Column("forged_transmits", ("Forged Transmits",), boolean),
        Column("mtu", ("MTU",), amount),
    ),
)
VPORT = SheetColumns(
    "vPort",
    (
        *HOST_KEYS,
        Column("name", ("Port Group",), empty="", key=True),
        Column("datacenter", ("Datacenter",), empty="", key=True),
        Column("switch_name", ("Switch",)),
        Column("vlan", ("VLAN",)),
        Column("promiscuous", ("Promiscuous Mode",), boolean),
        Column("mac_changes", ("Mac Changes",), boolean),
        Column("forged_transmits", ("Forged Transmits",), boolean),
    ),
)
DVSWITCH = SheetColumns(
    "dvSwitch",
    (
        _CENTER,
        Column("name", ("Name", "Switch"), empty="", key=True),
        Column("host_names", ("Host members",), names, empty=()),
        Column("mtu", ("Max MTU",), amount),
        Column("native_id", ("Object ID",), empty="", key=True),
    ),
)
DVPORT = SheetColumns(
    "dvPort",
    (
        _CENTER,
        Column("name", ("Port",), empty="", key=True),
        Column("native_id", ("Object ID",), empty="", key=True),
        Column("switch_name", ("Switch",)),
        Column("binding", ("Type",)),
        Column("vlan", ("VLAN",)),
        Column("promiscuous", ("Allow Promiscuous", "Promiscuous Mode"), boolean),
        Column("mac_changes", ("Mac Changes",), boolean),
        Column("forged_transmits", ("Forged Transmits",), boolean),
    ),
)
VNIC = SheetColumns(
    "vNIC",
    (
        *HOST_KEYS,
        Column("name", ("Network Device",), empty="", key=True),
        Column("driver", ("Driver",)),
        Column("link_mbit_s", ("Speed",), integer, empty=None),
        Column("mac_address", ("MAC",), lambda cell: text(cell).lower()),
        Column("switch_name", ("Switch",), empty=""),
        Column("pci", ("PCI",)),
    ),
)
VHBA = SheetColumns(
    "vHBA",
    (
        *HOST_KEYS,
        Column("name", ("Device",), empty="", key=True),
        Column("kind", ("Type",), empty="", key=True),
        Column("driver", ("Driver",)),
        Column("model", ("Model",)),
        Column("address", ("WWN",)),
    ),
)
VKERNEL = SheetColumns(
    "vSC_VMK",
    (
        *HOST_KEYS,
        Column("name", ("Device",), empty="", key=True),
        Column("portgroup", ("Port Group",), empty="", key=True),
        Column("ip_address", ("IP Address",)),
        Column("mtu", ("MTU",), amount),
        Column("mac_address", ("Mac Address",), lambda cell: text(cell).lower()),
        Column("subnet_mask", ("Subnet mask",)),
        Column("dhcp", ("DHCP",), boolean),
    ),
)
VMULTIPATH = SheetColumns(
    "vMultiPath",
    (
        *HOST_KEYS,
        Column("name", ("Disk",), empty="", key=True),
        Column("store_name", ("Datastore",), empty="", key=True),
        Column("policy", ("Policy",)),
        Column("vendor", ("Vendor",), empty=""),
        Column("model", ("Model",), empty=""),
        *(Column(f"path_{n}", (f"Path {n}",), empty="") for n in range(1, 9)),
        *(Column(f"state_{n}", (f"Path {n} state",), empty="") for n in range(1, 9)),
    ),
)
