"""The sheets about machines as a whole: vInfo, vCPU, vMemory, vTools; which columns are facts, and the other headers."""

from __future__ import annotations

import re

from estate.facts.source import PowerState
from estate.facts.unknown import Unknown
from estate.rvtools.tables import EMPTY, Column, SheetColumns
from estate.rvtools.values import BadCell, amount, boolean, integer, limit, mib, mib_limit, moment, names, text
from estate.sheets import Cell

KEYS = (
    Column("vm_name", ("VM",), empty="", key=True),
    Column("vm_id", ("VM ID", "Object ID"), empty="", key=True),
    Column("vm_uuid", ("VM UUID",), empty="", key=True),
    Column("center", ("VI SDK UUID",), empty="", key=True),
)
"""By which a row of any machine's sheet belongs to a machine."""

TAIL = """Powerstate|Template|SRM Placeholder|Annotation|Datacenter|Cluster|Host|Folder|OS according to the configuration file
OS according to the VMware Tools|OS|VI SDK Server|Internal Sort Column"""

_POWER = {"poweredon": PowerState.ON, "poweredoff": PowerState.OFF, "suspended": PowerState.SUSPENDED}
_HARDWARE = re.compile(r"(?:vmx-)?(\d{1,2})")
_MISSING_STATES = Unknown("Guest state does not say whether Tools run")
_RUNS = {"toolsok": True, "toolsold": True, "toolsnotrunning": False, "toolsnotinstalled": False}


def power_state(cell: Cell) -> PowerState:
    """Raises: BadCell."""
    found = _POWER.get(text(cell).lower().replace(" ", ""))
    if found is None:
        raise BadCell(f"{text(cell)[:60]!r} is no power state (poweredOn, poweredOff, suspended)")
    return found


def hardware_version(cell: Cell) -> str:
    """`vmx-19` of `19` or `vmx-19`. Raises: BadCell."""
    found = _HARDWARE.fullmatch(text(cell).lower())
    if found is None:
        raise BadCell(f"{text(cell)[:60]!r} is no hardware version")
    return f"vmx-{int(found[1]):02d}"


def guest_runs_tools(cell: Cell) -> bool | Unknown:
    """Guest state is what Tools report; it is `running` only while they do."""
    return {"running": True, "notrunning": False}.get(text(cell).lower(), _MISSING_STATES)


def tools_run(cell: Cell) -> bool | Unknown:
    return _RUNS.get(text(cell).lower(), Unknown(f"Tools are {text(cell)[:60]!r}"))


def positive(cell: Cell) -> int:
    """Raises: BadCell."""
    found = integer(cell)
    if found < 1:
        raise BadCell(f"{found} is less than one")
    return found


VINFO = SheetColumns(
    "vInfo",
    (
        Column("vm_name", ("VM",), empty=""),
        *KEYS[1:],
        Column("power_state", ("Powerstate",), power_state, vital=True),
        Column("vcpus", ("CPUs",), positive, vital=True),
        Column("memory_bytes", ("Memory",), mib, vital=True),
        Column("is_template", ("Template",), boolean),
        Column("placeholder", ("SRM Placeholder",), boolean),
        Column("guest_host_name", ("DNS Name",)),
        Column("connection_state", ("Connection state",)),
        Column("guest_state", ("Guest state",), guest_runs_tools),
        Column("consolidation_needed", ("Consolidation Needed",), boolean),
        Column("boot_time", ("PowerOn",), moment, empty=None),
        Column("suspended_at", ("Suspend time",), moment, empty=None),
        Column("created_at", ("Creation date",), moment),
        Column("change_version", ("Change Version",)),
        Column("min_evc_mode", ("min Required EVC Mode Key",), empty=None),
        Column("latency_sensitivity", ("Latency Sensitivity",)),
        Column("disk_uuid_enabled", ("EnableUUID",), boolean),
        Column("change_tracking", ("CBT",), boolean),
        Column("guest_ip_address", ("Primary IP Address",), empty=None),
        Column("pool_path", ("Resource pool",), empty=None),
        Column("folder", ("Folder",), empty=""),
        Column("vapp_name", ("vApp",), empty=None),
        Column("ft_state", ("FT State",)),
        Column("committed_bytes", ("In Use MiB",), mib),
        Column("secure_boot", ("EFI Secure boot",), boolean),
        Column("firmware", ("Firmware",), lambda cell: text(cell).lower()),
        Column("hardware_version", ("HW version",), hardware_version),
        Column("path", ("Path",), empty="", key=True),
        Column("annotation", ("Annotation",), empty=""),
        Column("datacenter", ("Datacenter",), empty="", key=True),
        Column("cluster_name", ("Cluster",), empty=None),
        Column("host_name", ("Host",)),
        Column("configured_guest_full_name", ("OS according to the configuration file", "OS")),
        Column("reported_guest_full_name", ("OS according to the VMware Tools",), empty=None),
        Column("smbios_uuid", ("SMBIOS UUID",)),
        Column("server_type", ("VI SDK Server type",), empty=""),
        Column("api_version", ("VI SDK API Version",), empty=""),
        Column("suspended_to_memory", ("Suspended To Memory",), boolean),
        Column("guest_detailed_data", ("Guest Detailed Data",), empty=None),
        Column("rules", ("Cluster rule(s)",), empty=""),
        Column("rule_names", ("Cluster rule name(s)",), names, empty=()),
    ),
    """Config status|Heartbeat|NICs|Disks|Total disk capacity MiB|Network #1|Network #2|Network #3
Network #4|Network #5|Network #6|Network #7|Network #8|Num Monitors|Video Ram KiB|Folder ID|DAS protection|FT Role|FT Latency
FT Bandwidth|FT Sec. Latency|Provisioned MiB|Unshared MiB|HA Restart Priority|HA Isolation Response|HA VM Monitoring|Boot Required
Boot delay|Boot retry delay|Boot retry enabled|Boot BIOS setup|Reboot PowerOff|HW upgrade status|HW upgrade policy|HW target
Log directory|Snapshot directory|Suspend directory|VI SDK Server|Overall Cpu Readiness|Active Memory|Fixed Passthru HotPlug
Customization Info""",
)

VCPU = SheetColumns(
    "vCPU",
    (
        *KEYS,
        Column("cores_per_socket", ("Cores p/s",), positive),
        Column("cpu_level", ("Level",)),
        Column("cpu_reservation", ("Reservation",), amount),
        Column("cpu_limit", ("Limit",), limit),
        Column("cpu_hot_add", ("Hot Add",), boolean),
        Column("cpu_hot_remove", ("Hot Remove",), boolean),
    ),
    f"CPUs|Sockets|Max|Overall|Shares|Entitlement|DRS Entitlement|Numa Hotadd Exposed|{TAIL}",
)

VMEMORY = SheetColumns(
    "vMemory",
    (
        *KEYS,
        Column("memory_level", ("Level",)),
        Column("memory_reservation", ("Reservation",), mib),
        Column("memory_limit", ("Limit",), mib_limit),
        Column("memory_hot_add", ("Hot Add",), boolean),
        Column("memory_locked", ("Memory Reservation Locked To Max",), boolean),
        Column("ballooned_bytes", ("Ballooned",), mib),
        Column("swapped_bytes", ("Swapped",), mib),
        Column("active_memory_bytes", ("Active",), mib),
    ),
    f"""Size MiB|Overhead|Max|Consumed|Consumed Overhead|Private|Shared|Entitlement
DRS Entitlement|Shares|{TAIL}""",
)

VTOOLS = SheetColumns(
    "vTools",
    (
        *KEYS,
        Column("tools_status", ("Tools",), empty=EMPTY),
        Column("tools_running", ("Tools",), tools_run),
        Column("tools_version", ("Tools Version",), empty=None),
        Column("tools_upgrade_policy", ("Upgrade Policy",)),
        Column("tools_time_sync", ("Sync time",), boolean),
        Column("guest_operations_ready", ("Operation Ready",), boolean),
        Column("guest_state_change_supported", ("State change support",), boolean),
    ),
    f"""VM Version|Required Version|Upgradeable|App status|Heartbeat status
Kernel Crash state|Interactive Guest|{TAIL}""",
)
