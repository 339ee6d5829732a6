"""Sources and inventories on the wire. Passwords go in and never come out; unknown facts are `{"unknown": reason}`."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from migration.inventory.core.diff import THINGS, Change
from migration.inventory.core.volatile import joined
from migration.inventory.models import Inventory, InventoryEntry, Source, SourceKind, SourceWatch
from project.backbone.api.strict import StrictMixin


class OfferedCertificateSerializer(serializers.Serializer[dict[str, Any]]):
    """A certificate the last probe saw; compare `sha256` with the machine's own console before confirming."""

    subject = serializers.CharField()
    sha256 = serializers.CharField()
    sha1 = serializers.CharField(required=False)
    address = serializers.CharField(required=False)
    not_after = serializers.DateTimeField(required=False)


class WatchSerializer(serializers.ModelSerializer[SourceWatch]):
    """A source that is kept fresh: when it was last looked at, what came of it, and what moved and is not read yet."""

    pending = serializers.SerializerMethodField(help_text="How many objects moved and are not read yet.")

    class Meta:
        model = SourceWatch
        fields: ClassVar = ["enabled", "last_look_at", "last_change_at", "pending", "message"]
        read_only_fields: ClassVar = fields

    def get_pending(self, watch: SourceWatch) -> int:
        return len(watch.pending)


class SetWatchSerializer(StrictMixin, serializers.Serializer[dict[str, Any]]):
    enabled = serializers.BooleanField(help_text="Whether its inventory is kept fresh.")


class SourceSerializer(serializers.ModelSerializer[Source]):
    """A source with its endpoint, or with its file; what only a server has is then empty."""

    name = serializers.CharField(source="__str__", read_only=True)
    url = serializers.CharField(source="endpoint.url", read_only=True, default="")
    username = serializers.CharField(source="endpoint.username", read_only=True, default="")
    tls_thumbprints = serializers.ListField(source="endpoint.pins", child=serializers.CharField(), read_only=True, default=list)
    certificates = OfferedCertificateSerializer(source="endpoint.offered_pins", many=True, read_only=True, default=list)
    confirmed_at = serializers.DateTimeField(source="endpoint.pins_confirmed_at", read_only=True, allow_null=True)
    latest_inventory = serializers.UUIDField(source="latest_id", read_only=True, allow_null=True)
    watch = WatchSerializer(read_only=True, allow_null=True, default=None, help_text="Null where nobody asked for one.")

    class Meta:
        model = Source
        fields: ClassVar = [
            "id", "kind", "name", "path", "url", "username", "tls_thumbprints", "certificates", "confirmed_at", "about",
            "privileges_missing", "hosts_unread", "probed_at", "latest_inventory", "watch", "created_at",
        ]  # fmt: skip
        read_only_fields: ClassVar = fields


class NewSourceSerializer(StrictMixin, serializers.Serializer[dict[str, Any]]):
    """What a new source needs: a server its url and credentials, an `ova` its path, an `rvtools` its name.

    The password cannot be read back.
    """

    kind = serializers.ChoiceField(choices=SourceKind.choices)
    name = serializers.CharField(max_length=200, required=False)
    path = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")
    url = serializers.CharField(max_length=500, required=False, default="")
    username = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")
    password = serializers.CharField(
        max_length=1000, required=False, allow_blank=True, default="", write_only=True, trim_whitespace=False
    )


class SourceChangeSerializer(StrictMixin, serializers.Serializer[dict[str, Any]]):
    """What may be changed on a source; another url drops the confirmed certificates."""

    name = serializers.CharField(max_length=200, required=False)
    path = serializers.CharField(max_length=500, required=False)
    url = serializers.CharField(max_length=500, required=False)
    username = serializers.CharField(max_length=200, required=False, allow_blank=True)
    password = serializers.CharField(max_length=1000, required=False, allow_blank=True, write_only=True, trim_whitespace=False)


class WorkbookSerializer(StrictMixin, serializers.Serializer[dict[str, Any]]):
    """A workbook as RVTools exports it: `.xlsx`, or a zip of its CSV files."""

    file = serializers.FileField(allow_empty_file=False, help_text="The workbook, at most as large as the server takes.")


class ConfirmSourceSerializer(StrictMixin, serializers.Serializer[dict[str, Any]]):
    tls_thumbprints = serializers.ListField(
        child=serializers.CharField(max_length=200), allow_empty=False, max_length=2000, help_text="SHA-256 of each certificate"
    )


class InventorySerializer(serializers.ModelSerializer[Inventory]):
    """One collection; `counts` has `vms`, `hosts`, `clusters`, `datastores`, `networks`, `disks` once it is complete."""

    counts = serializers.DictField(child=serializers.IntegerField(), read_only=True)

    class Meta:
        model = Inventory
        fields: ClassVar = [
            "id", "source", "state", "counts", "object_count", "about", "made_by", "note", "created_at", "collected_at",
            "job_id",
        ]  # fmt: skip
        read_only_fields: ClassVar = fields


class EntrySerializer(serializers.ModelSerializer[InventoryEntry]):
    """One object of an inventory: its ids and name, and all its facts."""

    facts = serializers.SerializerMethodField()
    digest = serializers.CharField(source="blob_id", read_only=True)

    class Meta:
        model = InventoryEntry
        fields: ClassVar = ["id", "native_id", "name", "digest", "facts"]
        read_only_fields: ClassVar = fields

    @extend_schema_field(serializers.DictField())
    def get_facts(self, entry: InventoryEntry) -> dict[str, Any]:
        facts: dict[str, Any] = msgspec.json.decode(joined(entry.blob.body, entry.volatile))
        return facts


class PathChangeSerializer(serializers.Serializer[Any]):
    path = serializers.CharField()
    old = serializers.JSONField()
    new = serializers.JSONField()


class ObjectSerializer(serializers.Serializer[Any]):
    kind = serializers.CharField()
    native_id = serializers.CharField()
    name = serializers.CharField()


class ValueSerializer(PathChangeSerializer):
    old = serializers.JSONField(help_text="The value before; null where there was none.")
    new = serializers.JSONField(help_text="The value after; null where there is none.")
    kind = serializers.ChoiceField(source="thing", choices=THINGS, help_text="What the value belongs to.")
    change = serializers.ChoiceField(
        choices=[Change.ADDED.value, Change.GONE.value, Change.CHANGED.value],
        help_text="`added` and `gone` for a disk or NIC that came or went as a whole.",
    )
    device = serializers.CharField(source="label", help_text="Label of the disk or NIC; empty for anything else.")


class ChangedObjectSerializer(ObjectSerializer):
    changes = ValueSerializer(many=True)
    volatile = PathChangeSerializer(many=True, help_text="Values beside them that move by themselves and are no change.")


class DriftedObjectSerializer(ObjectSerializer):
    volatile = PathChangeSerializer(many=True, help_text="Values that move by themselves.")


class DiffQuerySerializer(serializers.Serializer[Any]):
    """What to compare with, and which page of what."""

    against = serializers.UUIDField(help_text="An inventory of the same source, usually an earlier one.")
    kind = serializers.ChoiceField(
        choices=THINGS, required=False, default="", help_text="Only what is about this. A new machine's disks come with it."
    )
    change = serializers.ChoiceField(
        choices=[change.value for change in Change], required=False, default="",
        help_text="Only this kind of change; `volatile`: what differs in nothing but values that move by themselves.",
    )  # fmt: skip
    limit = serializers.IntegerField(min_value=1, max_value=1000, required=False, default=1000, help_text="Objects per page.")
    cursor = serializers.IntegerField(min_value=0, required=False, default=0, help_text="From `next`.")


class DiffSerializer(serializers.Serializer[Any]):
    """One page of what changed since the inventory `against`; objects come in the order of kinds and names."""

    against = serializers.UUIDField()
    counts = serializers.DictField(
        child=serializers.DictField(child=serializers.IntegerField()),
        help_text="Objects of the whole difference, by kind and change: a machine whose disks changed counts once under `disk`.",
    )
    count = serializers.IntegerField(help_text="Objects that fit `kind` and `change`, on all pages.")
    next = serializers.URLField(allow_null=True, help_text="The next page; null on the last.")
    added = ObjectSerializer(many=True)
    gone = ObjectSerializer(many=True)
    changed = ChangedObjectSerializer(many=True)
    volatile = DriftedObjectSerializer(many=True, help_text="Filled when `change` asks for them.")
