"""What single faults and pairs of them do to a pool: who fences, which VMs stop, which start again, and what is not known.

topology says where the wires go, effects what a fault takes away, restarts what becomes of the VMs; singles and pairs ask.
Who fences is decided in core.fence.
"""
