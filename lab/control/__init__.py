"""The lab's control desk: the hand that pulls plugs, and the log of requests the lab has seen.

JSON over HTTP on loopback with a bearer token; the calls are listed in docs/lab.md. The simulators plug their calls
in with `ControlServer.route`. The product never speaks to this door.
"""

from lab.control.requestlog import RequestLog
from lab.control.server import BadCall, ControlServer, NoSuchThing

__all__ = ["BadCall", "ControlServer", "NoSuchThing", "RequestLog"]
