"""`python -m lab.xapi_sim`: one small pool alone, for a look or for a check program. Prints URL, user and password."""

from __future__ import annotations

import argparse
import secrets
import signal
import tempfile
import threading
from pathlib import Path

from lab.control import ControlServer
from lab.xapi_sim.sim import USER, PoolSim
from lab.xapi_sim.spec import small_pool


def main() -> int:
    """Run until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m lab.xapi_sim", description=__doc__)
    parser.add_argument("--state", type=Path, help="state directory; a temporary one when left out")
    parser.add_argument("--port", type=int, default=0, help="port on every host's address; 0 takes a free one")
    parser.add_argument("--clock-factor", type=float, default=60.0, help="lab seconds in a second")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="xapi-sim-") as scratch:
        run(arguments.state or Path(scratch), arguments.port, arguments.clock_factor)
    return 0


def run(state_dir: Path, port: int, clock_factor: float) -> None:
    """Start pool and control desk, print how to reach them, wait for a signal, stop."""
    sim = PoolSim(small_pool(), state_dir, secrets.token_urlsafe(12), clock_factor)
    control = ControlServer(secrets.token_urlsafe(24))
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    sim.start(port)
    sim.register_control(control)
    control.start()
    pool, desk = sim.lab_json(), control.lab_json()
    print(f"{pool['url']} {USER} {pool['password']}", flush=True)
    print(f"control {desk['url']} {desk['token']}", flush=True)
    ended.wait()
    control.stop()
    sim.stop()


if __name__ == "__main__":
    raise SystemExit(main())
