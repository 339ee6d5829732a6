"""Disks written to files, for carrying them by hand: raw (sparse), dynamic VHD, qcow2. Sinks of `estate.disks.ports`."""

from estate.disks.files.qcow2 import Qcow2Sink
from estate.disks.files.raw import RawSink
from estate.disks.files.vhd import VhdSink

__all__ = ["Qcow2Sink", "RawSink", "VhdSink"]
