"""XAPI, the pool's side: sessions, facts, VMs and VDIs over XML-RPC and HTTP. The only room that knows the XenAPI package."""

from estate.xapi.probing import PoolProbe, ProbedHost, probe
from estate.xapi.session import XapiSession

__all__ = ["PoolProbe", "ProbedHost", "XapiSession", "probe"]
