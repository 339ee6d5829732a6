"""OVF packages as a source: a folder with a descriptor and its disks, or one .ova archive. Never unpacked to disk."""
