"""The pool's half of the control desk: cuts, heals, HA by hand, faults, coordinator, and what there is to see."""

from __future__ import annotations

from typing import Any

from lab.control import BadCall, ControlServer, NoSuchThing
from lab.xapi_sim import bad_states, ha_control
from lab.xapi_sim.coordinator import move_coordinator
from lab.xapi_sim.failure import XapiFailure
from lab.xapi_sim.pool import Pool
from lab.xapi_sim.trials import Trials

Arguments = dict[str, Any]


def register(control: ControlServer, pool: Pool, trials: Trials) -> None:
    """Sign all calls up; docs/lab.md lists them for people."""
    desk = PoolDesk(pool, trials)
    control.contribute_state(desk.state)
    control.route("GET", "/vdis", desk.vdis)
    control.route("POST", "/pool/storage/cut", desk.cut_storage)
    control.route("POST", "/pool/storage/heal", desk.heal_storage)
    control.route("POST", "/pool/network/cut", desk.cut_network)
    control.route("POST", "/pool/network/heal", desk.heal_network)
    control.route("GET", "/pool/trials/{id}", desk.trial)
    control.route("POST", "/pool/ha", desk.ha)
    control.route("POST", "/pool/fault", desk.fault)
    control.route("POST", "/pool/coordinator", desk.coordinator)
    control.route("POST", "/pool/bad-state", desk.bad_state)


class PoolDesk:
    """One method per call; each takes the call's arguments and returns its JSON answer."""

    def __init__(self, pool: Pool, trials: Trials) -> None:
        self._pool = pool
        self._trials = trials

    def state(self) -> Arguments:
        """What is up, what is cut, what HA runs with."""
        pool = self._pool
        with pool.store.lock:
            return {
                "hosts": [self._host_state(host) for host in pool.fabric.hosts],
                "storage_nodes": [{"name": n, "up": n not in pool.fabric.nodes_down} for n in pool.fabric.nodes],
                "ha": {"enabled": pool.store.get("pool", pool.ref, "ha_enabled"), "timeout_s": pool.armed_timeout_s},
                "clock_factor": pool.clock.factor,
                "pool_faults": pool.faults.armed(),
            }

    def _host_state(self, host: str) -> Arguments:
        pool = self._pool
        return {
            "name": pool.store.get("host", host, "name_label"),
            "live": pool.store.get("host_metrics", pool.store.get("host", host, "metrics"), "live"),
            "fenced": host in pool.fabric.fenced,
            "enabled": pool.store.get("host", host, "enabled"),
            "coordinator": host == pool.coordinator,
            "isolated": host in pool.fabric.isolated,
        }

    def vdis(self, _arguments: Arguments) -> list[Arguments]:
        """Target VDIs with the files behind them."""
        with self._pool.store.lock:
            return [self._vdi(ref) for ref in self._pool.store.refs("VDI")]

    def _vdi(self, ref: str) -> Arguments:
        record = self._pool.store.row("VDI", ref).record
        return {
            "uuid": record["uuid"],
            "name_label": record["name_label"],
            "sr": self._pool.store.get("SR", record["SR"], "name_label"),
            "path": str(self._pool.storage.path(ref)),
            "virtual_size_bytes": record["virtual_size"],
        }

    def cut_storage(self, arguments: Arguments) -> Arguments:
        """A storage node {node}, or one host's path to it {host, path}."""
        if "host" in arguments:
            return {"trial": self._trials.cut_path(self._host(arguments), self._node(arguments, "path"))}
        return {"trial": self._trials.cut_node(self._node(arguments, "node"))}

    def heal_storage(self, arguments: Arguments) -> Arguments:
        """Undo a cut; answers when the mirror is in sync and fenced hosts are back."""
        if "host" in arguments:
            node, host = self._node(arguments, "path"), self._host(arguments)
            return {"node": node} | self._trials.heal(node=node, host=host)
        node = self._node(arguments, "node")
        return {"node": node} | self._trials.heal(node=node)

    def cut_network(self, arguments: Arguments) -> Arguments:
        """Take {host} off the heartbeat network."""
        return {"trial": self._trials.cut_network(self._host(arguments))}

    def heal_network(self, arguments: Arguments) -> Arguments:
        """Put {host} back on it."""
        return self._trials.heal(host=self._host(arguments))

    def trial(self, arguments: Arguments) -> Arguments:
        """One trial."""
        try:
            return self._trials.get(arguments["id"])
        except KeyError as error:
            raise NoSuchThing(f"no trial {arguments['id']!r}; the cut calls answer with the ids") from error

    def ha(self, arguments: Arguments) -> Arguments:
        """HA as a person types it on the host console; `persist` true also sets default_ha_timeout."""
        enabled, timeout_s = arguments.get("enabled"), arguments.get("timeout_s")
        if not isinstance(enabled, bool) or not isinstance(timeout_s, int | None):
            raise BadCall("enabled must be true or false, timeout_s a whole number of seconds or left out")
        pool = self._pool
        try:
            with pool.store.lock:
                self._switch_ha(enabled, timeout_s, bool(arguments.get("persist", False)))
        except XapiFailure as failure:
            raise BadCall(" ".join(failure.description)) from failure
        return self.state()["ha"]

    def _switch_ha(self, enabled: bool, timeout_s: int | None, persist: bool) -> None:
        pool = self._pool
        files = ha_control.heartbeat_sr(pool)
        known = files if pool.store.has("SR", files) else pool.store.where("SR", name_label=pool.spec.ha.heartbeat_sr)[0]
        if pool.store.get("pool", pool.ref, "ha_enabled"):
            ha_control.disable(pool)
        if persist and timeout_s is not None:
            pool.store.put_key("pool", pool.ref, "other_config", "default_ha_timeout", str(timeout_s))
        if enabled:
            ha_control.enable(pool, [known], {} if timeout_s is None else {"timeout": str(timeout_s)})

    def fault(self, arguments: Arguments) -> Arguments:
        """Arm a fault, or clear all with kind none."""
        kind = str(arguments.pop("kind", ""))
        if kind == "none":
            self._pool.faults.clear()
            with self._pool.store.lock:
                for sr in self._pool.store.refs("SR"):
                    self._pool.storage.report_full(sr, False)
                self._pool.store.changed.notify_all()
            return {"armed": []}
        if kind == "redirect":
            self._host({"host": arguments.get("to")})
        if kind in ("sr_full", "raw_lvm"):
            self._require_sr(str(arguments.get("sr", "")))
        if kind == "raw_lvm":
            return self._make_raw(str(arguments["sr"]))
        try:
            self._pool.faults.arm(kind, arguments)
        except ValueError as error:
            raise BadCall(str(error)) from error
        return {"armed": self._pool.faults.armed()}

    def _make_raw(self, wanted: str) -> Arguments:
        """From now on the SR gives raw volumes with old bytes in them; it stays so, as an SR that was never switched to VHD."""
        pool = self._pool
        with pool.store.lock:
            (sr,) = (ref for ref, row in pool.store.rows("SR") if wanted in (row.record["uuid"], row.record["name_label"]))
            if not pool.storage.is_thick(sr):
                raise BadCall(f"SR {wanted} is no LVM SR: its VDIs are files")
            pool.store.put_key("SR", sr, "sm_config", "use_vhd", "false")
        return {"armed": pool.faults.armed()}

    def bad_state(self, arguments: Arguments) -> Arguments:
        """Put the pool into the bad state that readiness check {check} has to notice."""
        wanted = str(arguments.get("check", ""))
        if wanted not in bad_states.BAD_STATES:
            raise BadCall(f"no bad state of {wanted!r}; there are {', '.join(bad_states.BAD_STATES)}")
        bad_states.spoil(self._pool, wanted)
        return {"check": wanted}

    def coordinator(self, arguments: Arguments) -> Arguments:
        """Another host becomes coordinator; the old one answers HOST_IS_SLAVE, and sessions end."""
        host = self._host(arguments)
        if not self._pool.fabric.is_up(host):
            raise BadCall(f"host {arguments['host']} is fenced; heal it first")
        with self._pool.store.lock:
            move_coordinator(self._pool, host)
        return {"coordinator": arguments["host"]}

    def _host(self, arguments: Arguments) -> str:
        try:
            return self._pool.host_named(str(arguments.get("host", "")))
        except KeyError as error:
            raise BadCall(str(error.args[0])) from error

    def _require_sr(self, wanted: str) -> None:
        with self._pool.store.lock:
            srs = [row.record for _, row in self._pool.store.rows("SR")]
        if not any(wanted in (sr["uuid"], sr["name_label"]) for sr in srs):
            raise BadCall(f"no SR {wanted!r}; there are {', '.join(sr['name_label'] for sr in srs)}")

    def _node(self, arguments: Arguments, key: str) -> str:
        node = str(arguments.get(key, ""))
        if node not in self._pool.fabric.nodes:
            raise BadCall(f"{key} {node!r} is no storage node; there are {', '.join(self._pool.fabric.nodes)}")
        return node
