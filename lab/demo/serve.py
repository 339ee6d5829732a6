"""`make up`: serves what the demonstration left, or an empty site when it was never played, at http://127.0.0.1:8000."""

from __future__ import annotations

import os
import sys

from lab.demo.processes import ROOT
from lab.demo.stage_setup import product_environment, var_dir


def main() -> None:
    """Become `manage.py up` on the demonstration's state; never returns."""
    folder = var_dir() / "demo"
    environment = dict(os.environ)
    if (folder / "site" / "xenbound.sqlite3").exists():
        environment |= product_environment(folder)
        sys.stdout.write("Serving what the demonstration left; its lab no longer runs, so sources and the pool do not answer.\n")
    sys.stdout.flush()
    os.chdir(ROOT)
    os.execve(sys.executable, [sys.executable, "manage.py", "up"], environment)  # noqa: S606 - our own command


if __name__ == "__main__":
    main()
