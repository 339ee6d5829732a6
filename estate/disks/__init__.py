"""Disk bytes on their way: sources of extents, sinks of a virtual disk, and the pump between them with bounded memory."""
