"""A wire-level stand-in for VMware vCenter 8.0.2 and its ESXi hosts, for the lab and the tests.

SOAP on vCenter's address, NFC downloads on every host's, with pyvmomi's own type tables on the server side. It refuses
what a vCenter refuses; it proves neither speed nor quirks of a real one. No product package is imported here.
"""

from lab.vcenter_sim.center import Timing
from lab.vcenter_sim.sim import USER, VCenterSim

__all__ = ["USER", "Timing", "VCenterSim"]
