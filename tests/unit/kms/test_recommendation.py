"""What is recommended for a site follows from the lowest projected counts, and its arithmetic is shown."""

from __future__ import annotations

import pytest

from kms.core.judge import judge
from kms.core.observed import HostHistory
from kms.core.policy import Threshold
from kms.core.recommendation import Askers, Recommendation, Way, recommend
from kms.core.verdict import VerdictQuestion
from tests.builders.kms import a_contact, a_history, a_reading, cmid, day, named, weekly


def a_site(*hosts: tuple[list[str], list[str]], at: float = 35.1) -> tuple[Recommendation, Recommendation]:
    """Hosts, each with the servers and clients that ask it weekly, read on day 35."""
    histories, askers = [], {}
    for number, (servers, clients) in enumerate(hosts):
        contacts = [*weekly(servers, until=35), *weekly(clients, until=35, required=Threshold.CLIENT)]
        read = a_reading(35, contacts, len({*servers, *clients}))
        histories.append(a_history(read, name=f"KMS0{number + 1}"))
        askers[histories[-1].host_id] = Askers(frozenset(map(cmid, servers)), frozenset(map(cmid, clients)))
    return recommend(judge(VerdictQuestion(day(at), day(at)), histories), askers)


def test_site_with_enough_of_both_stays_with_kms() -> None:
    servers, clients = a_site((named("s", 9), named("c", 30)))
    assert (servers.way, clients.way) == (Way.KMS, Way.KMS)
    assert servers.advice == "Stay with KMS on KMS01."
    assert clients.arithmetic[0] == "KMS01: at least 39 in the next 45 days, enough for 25, calm"


@pytest.mark.parametrize(("servers", "way"), [(4, Way.DIRECTORY), (5, Way.KMS), (9, Way.KMS)])
def test_servers_below_five_go_to_the_directory(servers: int, way: Way) -> None:
    told, clients = a_site((named("s", servers), []))
    assert (told.way, clients.way) == (way, Way.NOBODY)
    if way is Way.DIRECTORY:
        assert "too few for 5" in told.arithmetic[0]
        assert "MAK" in told.advice


def test_v14_machines_split_over_two_hosts_are_to_be_gathered() -> None:
    servers, _ = a_site((named("a", 4), []), (named("b", 4), []))
    assert servers.way is Way.KMS_GATHERED
    assert servers.arithmetic[-1] == "all hosts together: 8 machines asked in 30 days, enough for 5"


def test_servers_are_carried_by_clients_but_not_the_other_way_round() -> None:
    servers, clients = a_site((named("s", 2), named("c", 8)))
    assert (servers.way, clients.way) == (Way.KMS, Way.DIRECTORY)


def test_clones_that_share_a_cmid_suffice_once_rearmed() -> None:
    shared = [a_contact(name, 34 + n / 100, cmid=cmid("image")) for n, name in enumerate([*named("clone", 6), "clone1"])]
    history: HostHistory = a_history(a_reading(35, [*weekly(named("s", 3), until=35), *shared], 4))
    verdict = judge(VerdictQuestion(day(35.1), day(35.1)), [history])
    servers, _ = recommend(verdict, {history.host_id: Askers(frozenset({*map(cmid, named("s", 3)), cmid("image")}))})
    assert servers.way is Way.KMS_REARMED
    assert servers.arithmetic[-1] == "with clones rearmed: 4 + 5 = 9, enough for 5"


def test_nothing_is_recommended_on_stale_readings_or_none() -> None:
    assert {each.way for each in a_site((named("s", 9), []), at=37)} == {Way.UNKNOWN}
    assert {each.way for each in a_site()} == {Way.UNKNOWN}
