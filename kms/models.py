"""KMS hosts of a project, what was uploaded of them, and the readings parsed from it. Uploads and readings are never changed.

Fields and constraints only. What a reading means for the count is in core; product keys are gone before a row is made.
"""

from __future__ import annotations

from typing import Any, ClassVar, NoReturn

from django.db import models

from estate.facts.kms import KmsUploadFormat
from project.backbone.identified import Identified
from project.backbone.models import Endpoint, Project

FORMATS = [(kind.value, kind.value) for kind in KmsUploadFormat]


class InsertOnly(Exception):
    """Somebody tried to change an upload or a reading. Upload again: a newer one takes its place."""


class InsertOnlyQuerySet(models.QuerySet[Any]):
    """Refuses the bulk way around `save()`."""

    def update(self, **_: Any) -> NoReturn:
        raise InsertOnly("uploads and readings are never updated")


class InsertOnlyModel(Identified):
    """A row that is written once."""

    objects = InsertOnlyQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise InsertOnly(f"{self._meta.verbose_name} {self.pk} is never changed")
        super().save(*args, **kwargs)


class KmsHost(Identified):
    """One KMS host of the customer. `computer_name` is what its own readings say, fixed by the first one.

    `legacy` says by hand that it runs Windows before Server 2008 R2 (it then counts physical machines only); the version
    in its readings says so too. A host with `retired_at` counts for nobody any more.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=200)
    endpoint = models.ForeignKey(Endpoint, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    computer_name = models.CharField(max_length=255, blank=True, editable=False)
    legacy = models.BooleanField(default=False)
    retired_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering: ClassVar = ["name", "id"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["project", "name"], name="kms_host_name_per_project")]

    def __str__(self) -> str:
        return self.name


class KmsAuth(models.TextChoices):
    NTLM = "ntlm", "NTLM"
    CERTIFICATE = "certificate", "Certificate"
    KERBEROS = "kerberos", "Kerberos"


class KmsCollection(Identified):
    """How one host's readings are collected over WinRM. Address, name, sealed secret and pins are in `host.endpoint`.

    With `certificate` the sealed secret is the PEM text of certificate and key. `every_hours` 0: by hand only. `failed` is the
    error of the newest attempt (`{code, message, next_step}`), null after one that succeeded.
    """

    host = models.OneToOneField(KmsHost, on_delete=models.CASCADE, related_name="collection")
    auth = models.CharField(max_length=16, choices=KmsAuth.choices, default=KmsAuth.NTLM)
    configuration = models.CharField(max_length=80, default="Microsoft.PowerShell")
    timeout_s = models.FloatField(default=60.0)
    every_hours = models.PositiveSmallIntegerField(default=0)
    asked_at = models.DateTimeField(null=True, editable=False)
    collected_at = models.DateTimeField(null=True, editable=False)
    failed = models.JSONField(null=True, editable=False)
    failed_at = models.DateTimeField(null=True, editable=False)

    def __str__(self) -> str:
        return f"collection of {self.host_id}"


class KmsNetworkSettings(Identified):
    """How a project's KMS hosts are looked for: domains to ask, resolvers to ask them (none: the worker's own), how often.

    `every_hours` 0: by hand only. `asked_at`: when the last look was asked for, by anybody.
    """

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="+")
    domains = models.JSONField(default=list)
    resolvers = models.JSONField(default=list)
    timeout_s = models.FloatField(default=5.0)
    every_hours = models.PositiveSmallIntegerField(default=0)
    asked_at = models.DateTimeField(null=True, editable=False)

    def __str__(self) -> str:
        return f"KMS network of {self.project_id}"


class KmsLookup(InsertOnlyModel):
    """What DNS said of one domain: `answer` is an `estate.facts.kms_network.SrvAnswer` as JSON, null when it failed."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    domain = models.CharField(max_length=255)
    looked_at = models.DateTimeField()
    answer = models.JSONField(null=True)
    failed_code = models.CharField(max_length=64, blank=True)
    failed_because = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering: ClassVar = ["-looked_at"]
        indexes: ClassVar = [models.Index(fields=["project", "domain", "-looked_at"], name="kms_lookup_by_time")]

    def __str__(self) -> str:
        return f"{self.domain} at {self.looked_at:%Y-%m-%d %H:%M}"


class KmsPortTry(InsertOnlyModel):
    """One attempt of a worker to connect to `name:port`."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=255)
    port = models.PositiveIntegerField()
    tried_at = models.DateTimeField()
    outcome = models.CharField(max_length=16)
    timeout_s = models.FloatField()
    took_s = models.FloatField()
    detail = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering: ClassVar = ["-tried_at"]
        indexes: ClassVar = [models.Index(fields=["project", "name", "port", "-tried_at"], name="kms_try_by_time")]

    def __str__(self) -> str:
        return f"{self.name}:{self.port} {self.outcome}"


class KmsUpload(InsertOnlyModel):
    """One file as it was sent, without product keys; of an event log its parsed events. `sha256`, `size_bytes`: as sent.

    `collected_at` and `utc_offset_min` (how far that clock is from UTC) are what the uploader said, null where the file says it.
    """

    host = models.ForeignKey(KmsHost, on_delete=models.CASCADE, related_name="uploads")
    sha256 = models.CharField(max_length=64)
    size_bytes = models.PositiveIntegerField()
    uploaded_by_name = models.CharField(max_length=200)
    format = models.CharField(max_length=20, choices=FORMATS, default=KmsUploadFormat.CIM_JSON.value)
    collected_at = models.DateTimeField(null=True)
    utc_offset_min = models.SmallIntegerField(null=True)
    text = models.TextField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["host", "sha256"], condition=models.Q(collected_at=None), name="kms_upload_once_per_host"
            ),
            models.UniqueConstraint(fields=["host", "sha256", "collected_at"], name="kms_upload_once_per_host_and_time"),
        ]

    def __str__(self) -> str:
        return f"{self.sha256[:12]} of {self.host_id}"


class KmsReadingRow(InsertOnlyModel):
    """One upload as one parser version read it: `facts` are `estate.facts.kms.KmsReading` as JSON, its key columns beside."""

    host = models.ForeignKey(KmsHost, on_delete=models.CASCADE, related_name="readings")
    upload = models.ForeignKey(KmsUpload, on_delete=models.CASCADE, related_name="readings")
    parser_version = models.CharField(max_length=40)
    collected_at = models.DateTimeField()
    log_covers_from = models.DateTimeField(null=True)
    current_count = models.PositiveIntegerField(null=True)
    contacts = models.PositiveIntegerField()
    quality = models.CharField(max_length=16)
    facts = models.JSONField()

    class Meta:
        ordering: ClassVar = ["-collected_at", "-created_at"]
        indexes: ClassVar = [models.Index(fields=["host", "-collected_at"], name="kms_reading_by_time")]
        constraints: ClassVar = [models.UniqueConstraint(fields=["upload", "parser_version"], name="kms_reading_once_per_parser")]

    def __str__(self) -> str:
        return f"reading of {self.collected_at:%Y-%m-%d %H:%M}"


class KmsGuestUpload(InsertOnlyModel):
    """One file about guests as it was sent, without product keys. `computer_name` is told by the uploader of a text."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    sha256 = models.CharField(max_length=64)
    size_bytes = models.PositiveIntegerField()
    uploaded_by_name = models.CharField(max_length=200)
    format = models.CharField(max_length=20, choices=FORMATS)
    collected_at = models.DateTimeField(null=True)
    utc_offset_min = models.SmallIntegerField(null=True)
    computer_name = models.CharField(max_length=255, blank=True)
    text = models.TextField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["project", "sha256"], name="kms_guest_upload_by_hash")]

    def __str__(self) -> str:
        return f"{self.sha256[:12]} of guests"


class KmsGuestReadingRow(InsertOnlyModel):
    """How the Windows of one computer stood: `facts` are `estate.facts.kms.KmsGuestReading` as JSON. Which machine it is is found
    anew each time it is asked, because conversions come and go.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    upload = models.ForeignKey(KmsGuestUpload, on_delete=models.CASCADE, related_name="readings")
    parser_version = models.CharField(max_length=40)
    place = models.PositiveIntegerField()
    computer_name = models.CharField(max_length=1024, blank=True)
    collected_at = models.DateTimeField()
    facts = models.JSONField()

    class Meta:
        ordering: ClassVar = ["-collected_at", "-created_at"]
        indexes: ClassVar = [models.Index(fields=["project", "-collected_at"], name="kms_guest_reading_by_time")]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["upload", "parser_version", "place"], name="kms_guest_reading_once_per_parser")
        ]

    def __str__(self) -> str:
        return f"{self.computer_name} at {self.collected_at:%Y-%m-%d %H:%M}"


class KmsWithdrawal(Identified):
    """Somebody's word that one upload counts for nothing: it was told a wrong time, or is of something else. Uploading the very
    same file again takes the word back.
    """

    upload = models.OneToOneField(KmsUpload, null=True, on_delete=models.CASCADE, related_name="withdrawal")
    guest_upload = models.OneToOneField(KmsGuestUpload, null=True, on_delete=models.CASCADE, related_name="withdrawal")
    reason = models.CharField(max_length=500)
    withdrawn_by_name = models.CharField(max_length=200)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(upload__isnull=False) ^ models.Q(guest_upload__isnull=False), name="kms_withdrawal_of_one"
            )
        ]

    def __str__(self) -> str:
        return f"withdrawn by {self.withdrawn_by_name}"
