"""XAPI, the pool's side: sessions, facts, VMs and VDIs over XML-RPC and HTTP. The only room that knows the XenAPI package."""
