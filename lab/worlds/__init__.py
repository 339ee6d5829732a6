"""The lab's estates: what there is to migrate, written down as plain values and seeded generators.

A world is a vCenter estate, a pool and a KMS reading under one name. How a vCenter or a pool speaks is not known here.
"""

from lab.worlds.generated import estate
from lab.worlds.small import small, tiny
from lab.worlds.spec import EstateSpec

ESTATES = {"small": small, "tiny": tiny}

__all__ = ["ESTATES", "EstateSpec", "estate", "small", "tiny"]
