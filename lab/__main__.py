"""`python -m lab`: run a world until SIGTERM or SIGINT. See docs/lab.md."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import time
from pathlib import Path

from lab.disks.store import ImageUnusable
from lab.whole import Lab, LabOptions, LabRefused, remove_state_dir, write_private_json
from lab.worlds import ESTATES
from lab.worlds.pool import POOLS

LINUX_IMAGE_VARIABLE = "XENBOUND_LAB_LINUX_IMAGE"


def main(arguments: list[str] | None = None) -> int:
    """Start the lab, say where it is, wait for a signal; exit status 0, or 1 with one sentence."""
    chosen = _parser().parse_args(arguments)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        _run(chosen, stop)
    except (LabRefused, ImageUnusable, OSError) as refusal:
        print(f"lab: {refusal}", file=sys.stderr)
        return 1
    return 0


def _run(chosen: argparse.Namespace, stop: threading.Event) -> None:
    if chosen.fresh:
        remove_state_dir(chosen.state)
    began = time.monotonic()
    image = os.environ.get(LINUX_IMAGE_VARIABLE)
    options = LabOptions(
        world=chosen.world,
        pool=chosen.pool,
        with_files=True,
        seed=chosen.seed,
        clock_factor=chosen.clock_factor,
        seed_secrets=chosen.seed_secrets,
        linux_image=Path(image) if image else None,
        lease_timeout_s=chosen.lease_timeout,
    )
    lab = Lab(chosen.state, options, _say)
    lab.start()
    try:
        write_private_json(chosen.json, lab.json)
        _introduce(lab, chosen, time.monotonic() - began)
        if chosen.ready_fd is not None:
            os.write(chosen.ready_fd, b"1")
            os.close(chosen.ready_fd)
        stop.wait()
    finally:
        lab.stop()
    _say("lab stopped")


def _introduce(lab: Lab, chosen: argparse.Namespace, took_s: float) -> None:
    estate = lab.estate
    disks = sum(len(vm.disks) for vm in estate.vms)
    _say(f"world {estate.name}: {len(estate.clusters)} clusters, {len(estate.hosts)} ESXi, {len(estate.vms)} VMs, {disks} disks")
    for name in ("vcenter", "pool"):
        where = lab.json[name]
        _say(f"{name:8} {where['url']}  user {where['user']}{'' if chosen.hide_secrets else '  password ' + where['password']}")
    control = lab.json["control"]
    _say(f"control  {control['url']}{'' if chosen.hide_secrets else '  token ' + control['token']}")
    _say(f"kms      {lab.json['kms']['reading_file']}")
    _say(f"rvtools  {lab.json['rvtools']['workbook']}")
    for package in lab.json["appliances"]["packages"]:
        _say(f"package  {lab.json['appliances']['folder']}/{package['file']}  {package['size_bytes'] >> 20} MiB")
    _say(f"ready after {took_s:.1f} s; all of this is in {chosen.json}; Ctrl-C stops it")


def _say(line: str) -> None:
    print(line, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lab", description="A vCenter, a pool and a KMS reading on loopback.")
    parser.add_argument("--world", default="small", choices=sorted(ESTATES), help="which estate (default: small)")
    parser.add_argument("--pool", default="standard", choices=sorted(POOLS), help="which pool (default: standard)")
    parser.add_argument("--seed", type=int, default=1, help="seed of disk contents and ids (default: 1)")
    parser.add_argument("--state", type=Path, default=Path("var/lab"), help="state directory (default: var/lab)")
    parser.add_argument("--json", type=Path, default=Path("var/lab.json"), help="where to write URLs and passwords")
    parser.add_argument("--ready-fd", type=int, default=None, help="descriptor that gets one byte when everything listens")
    parser.add_argument("--fresh", action="store_true", help="remove the state directory first")
    parser.add_argument("--hide-secrets", action="store_true", help="print no passwords; they are in the JSON file")
    parser.add_argument("--seed-secrets", default="", help="make passwords repeatable from this word")
    parser.add_argument("--clock-factor", type=float, default=60.0, help="lab seconds per real second (default: 60)")
    parser.add_argument("--lease-timeout", type=int, default=60, help="seconds an export lease lives without progress")
    return parser


if __name__ == "__main__":
    sys.exit(main())
