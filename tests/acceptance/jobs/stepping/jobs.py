"""The stepping job: one line per step in a file, so that a test sees which process did which step, and none twice."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from project.backbone.jobs.context import JobContext
from project.backbone.jobs.handlers import handler


@handler("stepping.walk", queue="disks", title="Take some steps")
def walk(job: JobContext, file: str, steps: int, pause_s: float) -> dict[str, Any]:
    """Steps from the checkpoint on. A step counts once its checkpoint is stored; the line is written right after."""
    for step in range(job.checkpoint.get("step", 0), steps):
        job.alive()
        time.sleep(pause_s)
        job.save_checkpoint({"step": step + 1})
        with Path(file).open("a") as lines:
            lines.write(f"{step} {os.getpid()} {job.attempt}\n")
        job.progress(step + 1, steps, unit="steps")
    return {"steps": steps, "attempt": job.attempt}
