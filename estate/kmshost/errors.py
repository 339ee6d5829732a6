"""Why a KMS upload was refused: one class, stable codes, and always the place in the file and the next step."""

from __future__ import annotations

from datetime import timedelta

from estate.errors import AskPerson

SCRIPT_STEP = "Run the Xenbound collection script on the KMS host again and upload its output unchanged."
CLOCK_TOLERANCE = timedelta(minutes=15)  # ours: a host that far ahead of us would make stale readings look fresh


class UploadRefused(AskPerson):
    """The upload cannot be a correct reading. `where` is the place in the file, e.g. `ev12290[3].t`."""

    code = "kms_upload_refused"

    def __init__(self, where: str, problem: str, *, code: str = "", next_step: str = SCRIPT_STEP) -> None:
        super().__init__(f"{where}: {problem}", code=code, next_step=next_step, where=where)
