"""The page of uploads: files of KMS hosts and of guests, and what became of them.

The forms take files in by the same door as the API, so that both refuse alike and nothing touches the disk with its product keys.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.urls import path

from kms import selectors
from kms.core.policy import UPLOAD_LIMIT_BYTES
from kms.selectors.standing import withdrawn
from kms.services.guests import READ_GUESTS
from kms.services.uploads import READ_UPLOAD
from kms.services.withdrawing import withdraw
from kms.work.take_upload import take_guests, take_reading
from project.backbone.accounts.policy import Role
from project.backbone.jobs.selectors import visible_jobs
from project.backbone.jobs.states import UNFINISHED, JobState
from project.backbone.models import Job
from project.backbone.problems import Invalid
from project.web.joblines import JobLine, line_of
from project.web.pages import LivePage, ProjectForm, permitted

MOST = 20
_OFFSET = re.compile(r"[+-](0\d|1[0-4]):[0-5]\d")


class UploadsPage(LivePage):
    """The forms, and the newest uploads with their results."""

    page = "kms"
    template_name = "kms/uploads.html"
    part_template = "kms/uploads_live.html"

    def live(self) -> tuple[UploadLine, ...]:
        jobs = visible_jobs(self.actor).filter(project=self.project, kind__in=[READ_UPLOAD, READ_GUESTS])
        rows = list(jobs.select_related("created_by").order_by("-created_at")[:MOST])
        taken_back = withdrawn([UUID(row.params["upload_id"]) for row in rows])
        return tuple(_line(row, taken_back) for row in rows)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(
            hosts=list(selectors.hosts(self.project)),
            may_act=permitted(self.actor.require, self.project, Role.OPERATOR),
            most=MOST,
            limit_mib=UPLOAD_LIMIT_BYTES >> 20,
            **kwargs,
        )
        return {**context, "busy": any(line.job.state in UNFINISHED for line in context["live"])}


@dataclass(frozen=True, slots=True)
class UploadLine:
    """A file by the job that read it, and who took it back and why. `upload_id` is empty while nothing of it counts."""

    job: JobLine
    upload_id: str
    withdrawn: str


def _line(row: Job, taken_back: dict[str, str]) -> UploadLine:
    """The job with what it said last: of an upload that was read, that is its figures."""
    line, upload_id = line_of(row), str(row.params["upload_id"])
    counts = row.state == JobState.SUCCEEDED and upload_id not in taken_back
    told = replace(line, message=line.message or row.message)
    return UploadLine(told, upload_id if counts else "", taken_back.get(upload_id, ""))


class _FileForm(ProjectForm):
    """Takes one file and, where it does not carry it, the time of its collection."""

    back = "project-kms-uploads"

    def body(self) -> bytes:
        """Raises: Invalid."""
        file = self.request.FILES.get("file")
        if file is None:
            raise Invalid("No file was sent.", next_step="Choose the file that was collected.")
        if file.size is None or file.size > UPLOAD_LIMIT_BYTES:
            limit = f"{UPLOAD_LIMIT_BYTES >> 20} MiB"
            raise Invalid(f"The file is larger than {limit}.", next_step="Send the log of the last 35 days only.")
        return bytes(file.read())

    def collected_at(self) -> datetime | None:
        """The time typed with its distance from UTC; None where the field was left empty. Raises: Invalid."""
        text, offset = self.said("collected_at"), self.said("offset") or "+00:00"
        if not text:
            return None
        if not _OFFSET.fullmatch(offset):
            raise Invalid(
                "The distance from UTC must look like +01:00.", next_step="Type it as hours and minutes, +00:00 for UTC."
            )
        try:
            return datetime.fromisoformat(f"{text}{offset}")
        except ValueError:
            raise Invalid("The time of collection is no time.", next_step="Type it like 2026-03-12T10:00.") from None

    def said(self, name: str) -> str:
        return self.request.POST.get(name, "").strip()


class HostFileForm(_FileForm):
    """A file of a KMS host."""

    def act(self, **kwargs: Any) -> str:
        wanted = self.said("host")
        host = next((each for each in selectors.hosts(self.project) if str(each.pk) == wanted), None)
        if host is None:
            raise Invalid("No KMS host was chosen.", next_step="Choose the host that the file is of.")
        take_reading(host, self.body(), collected_at=self.collected_at(), actor=self.actor)
        return f"The file of {host.name} is taken in and being read; its result appears below."


class GuestFileForm(_FileForm):
    """A file about guests."""

    def act(self, **kwargs: Any) -> str:
        name = self.said("computer")[:255]
        take_guests(self.project, self.body(), collected_at=self.collected_at(), computer_name=name, actor=self.actor)
        return "The file is taken in and being read; its result appears below."


class WithdrawForm(ProjectForm):
    """An upload that shall count for nothing."""

    back = "project-kms-uploads"

    def act(self, **kwargs: Any) -> str:
        withdraw(self.project, kwargs["upload_id"], reason=self.request.POST.get("reason", ""), actor=self.actor)
        return "The file counts for nothing from now on. Uploading the very same one again makes it count again."


PAGES = [
    path("kms/uploads", UploadsPage.as_view(), name="project-kms-uploads"),
    path("kms/uploads/host", HostFileForm.as_view(), name="kms-host-file-form"),
    path("kms/uploads/<uuid:upload_id>/withdraw", WithdrawForm.as_view(), name="kms-upload-withdraw-form"),
    path("kms/uploads/guest", GuestFileForm.as_view(), name="kms-guest-file-form"),
]
