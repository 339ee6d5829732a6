"""Reading what is known of the way to a project's KMS hosts: settings, newest lookups and port tries, and what they mean."""

from __future__ import annotations

from datetime import datetime, timedelta

from estate.facts.codec import from_json
from estate.facts.kms_network import PortOutcome, PortTry, SrvAnswer
from kms import waves
from kms.core.firewall import firewall_findings
from kms.core.network import DEFAULT_PORT, KnownHost, Lookup, NetworkCase, NetworkFinding, Tried
from kms.core.turns import is_due
from kms.models import KmsHost, KmsLookup, KmsNetworkSettings, KmsPortTry
from kms.selectors import history_of, hosts
from kms.selectors.standing import host_rows
from project.backbone.models import Project

SHOWN_FOR = timedelta(days=30)


def network_settings(project: Project) -> KmsNetworkSettings:
    """The project's settings; the defaults while nobody has set any."""
    return KmsNetworkSettings.objects.filter(project=project).first() or KmsNetworkSettings(project=project)


def settings_due(at: datetime) -> list[KmsNetworkSettings]:
    """Settings of projects whose next look by schedule is due."""
    rows = KmsNetworkSettings.objects.filter(every_hours__gt=0).select_related("project")
    return [row for row in rows if is_due(row.asked_at, row.every_hours, at)]


def network_case(project: Project, *, at: datetime) -> NetworkCase:
    """All that is known of the way to the project's KMS hosts at `at`."""
    return NetworkCase(
        at=at,
        domains=tuple(network_settings(project).domains),
        hosts=tuple(_host(row) for row in KmsHost.objects.filter(project=project)),
        lookups=_newest_lookups(project, at),
        tries=_newest_tries(project, at),
    )


def wave_firewall(project: Project, *, wave_id: str, at: datetime) -> tuple[NetworkFinding, ...]:
    """Whether port 1688 is known to open from the networks a wave moves into. Raises: NotVisible, Conflict `machine_gone`."""
    planned = waves.networks(project, wave_id)
    histories = [history_of(host, at=at) for host in hosts(project)]
    return firewall_findings(planned, waves.moved(project), histories, at)


def _host(row: KmsHost) -> KnownHost:
    """A retired host carries its id behind its name; the name people gave it is before that."""
    name = row.name.rpartition(" (")[0] or row.name if row.retired_at else row.name
    names = tuple(each for each in (row.computer_name, name) if each)
    # The full name resolves everywhere, the computer's own short one perhaps not: the one with dots goes first.
    ordered = tuple(sorted(names, key=lambda each: "." not in each))
    return KnownHost(str(row.pk), name, ordered, _port(row), retired=row.retired_at is not None)


def _port(row: KmsHost) -> int:
    """The port the host says it listens on, 1688 while it says none."""
    newest = host_rows(row).order_by("-collected_at", "-created_at")
    told = newest.values_list("facts__listening_port", flat=True).first()  # the facts hold a whole event log: it stays there
    return told if isinstance(told, int) and 0 < told < 65536 else DEFAULT_PORT


def _newest_lookups(project: Project, at: datetime) -> tuple[Lookup, ...]:
    newest: dict[str, Lookup] = {}
    for row in KmsLookup.objects.filter(project=project, looked_at__gt=at - SHOWN_FOR, looked_at__lte=at).order_by("looked_at"):
        answer = None if row.answer is None else from_json(row.answer, SrvAnswer)
        newest[row.domain] = Lookup(row.domain, row.looked_at, answer, row.failed_because)
    return tuple(newest.values())


def _newest_tries(project: Project, at: datetime) -> dict[tuple[str, int], Tried]:
    rows = KmsPortTry.objects.filter(project=project, tried_at__gt=at - SHOWN_FOR, tried_at__lte=at).order_by("tried_at")
    return {(row.name.casefold(), row.port): Tried(row.tried_at, _try(row)) for row in rows}


def _try(row: KmsPortTry) -> PortTry:
    return PortTry(row.name, row.port, PortOutcome(row.outcome), row.timeout_s, row.took_s, row.detail)
