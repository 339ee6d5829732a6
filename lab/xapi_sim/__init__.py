"""A XenServer / XCP-ng pool on loopback, at wire level.

XML-RPC, JSON-RPC, sessions, tasks, events, disk transfer and HA behave as the API's datamodel and wire notes say;
storage pulls run in accelerated time. No product package is imported here.
"""

from lab.xapi_sim.sim import PoolSim
from lab.xapi_sim.spec import PoolSpec, small_pool

__all__ = ["PoolSim", "PoolSpec", "small_pool"]
