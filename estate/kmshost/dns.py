"""DNS discovery of KMS hosts as clients do it: the SRV records of `_vlmcs._tcp.<domain>`, and what their targets resolve to.

Only asks; dynamic updates are the KMS hosts' own. By the system's resolvers unless others are named.
Source: RFC 2782; Microsoft Learn, "KMS activation planning" (the record's name and port 1688).
"""

from __future__ import annotations

from collections.abc import Sequence

import dns.exception
import dns.name
import dns.nameserver
import dns.rdatatype
import dns.resolver

from estate.errors import AskPerson, EdgeError, Retry
from estate.facts.kms_network import SrvAnswer, SrvRecord, resolver_address
from estate.facts.unknown import Unknown

SERVICE = "_vlmcs._tcp"
RECORDS_LIMIT = 64
_RESOLVER_STEP = "Check the resolver's address and that this machine reaches its port 53 by UDP and TCP."


def look_up(domain: str, *, resolvers: Sequence[str] = (), timeout_s: float = 5.0) -> SrvAnswer:
    """The KMS hosts that a domain's DNS names, by priority; at most 64. `resolvers` are addresses, `10.0.0.53` or `10.0.0.53:53`.

    Raises: Retry (`dns_timeout`, `dns_failed`), AskPerson (`dns_name_invalid`, `dns_resolver_invalid`).
    """
    resolver = _resolver(resolvers, timeout_s)
    asked = ", ".join(str(each) for each in resolver.nameservers)
    name = _name(f"{SERVICE}.{domain.strip().rstrip('.')}.")
    try:
        answer = resolver.resolve(name, dns.rdatatype.SRV, search=False)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return SrvAnswer(domain, (), asked)
    except dns.exception.DNSException as error:
        raise _failed(error, f"{name}", asked) from error
    told = sorted(answer, key=lambda record: (record.priority, -record.weight, str(record.target)))
    return SrvAnswer(domain, tuple(_record(resolver, each) for each in told[:RECORDS_LIMIT]), asked)


def _record(resolver: dns.resolver.Resolver, record: object) -> SrvRecord:
    target = record.target  # type: ignore[attr-defined]  # dnspython types an answer by its record at run time
    return SrvRecord(
        target=target.to_text(omit_final_dot=True),
        port=record.port,  # type: ignore[attr-defined]
        priority=record.priority,  # type: ignore[attr-defined]
        weight=record.weight,  # type: ignore[attr-defined]
        addresses=_addresses(resolver, target),
    )


def _addresses(resolver: dns.resolver.Resolver, target: dns.name.Name) -> tuple[str, ...] | Unknown:
    """IPv4 and IPv6 addresses of a target; a target of `.` says that there is none."""
    found: list[str] = []
    for kind in (dns.rdatatype.A, dns.rdatatype.AAAA):
        try:
            found.extend(record.to_text() for record in resolver.resolve(target, kind, search=False))
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            continue
        except dns.exception.DNSException as error:
            return Unknown(f"the resolver did not tell the address of {target}: {type(error).__name__}")
    return tuple(found)


def _resolver(addresses: Sequence[str], timeout_s: float) -> dns.resolver.Resolver:
    try:
        resolver = dns.resolver.Resolver(configure=not addresses)
    except dns.resolver.NoResolverConfiguration as error:
        raise AskPerson("this machine has no resolver", code="dns_resolver_invalid", next_step="Name one.") from error
    if addresses:
        resolver.nameservers = [_nameserver(each) for each in addresses]
    resolver.lifetime, resolver.timeout = timeout_s, timeout_s / 2
    return resolver


def _nameserver(text: str) -> dns.nameserver.Do53Nameserver:
    try:
        return dns.nameserver.Do53Nameserver(*resolver_address(text))
    except ValueError as error:
        step = "Write an IP address, with a port behind a colon if it is not 53."
        raise AskPerson(f"{text[:80]!r} is no address of a resolver", code="dns_resolver_invalid", next_step=step) from error


def _name(text: str) -> dns.name.Name:
    try:
        return dns.name.from_text(text)
    except (dns.exception.DNSException, UnicodeError, ValueError) as error:
        step = "Write the domain as clients have it, for example corp.example."
        raise AskPerson(f"{text[:80]!r} is no domain name", code="dns_name_invalid", next_step=step) from error


def _failed(error: dns.exception.DNSException, name: str, asked: str) -> EdgeError:
    if isinstance(error, dns.exception.Timeout):
        return Retry(f"no answer for {name} from {asked} in time", code="dns_timeout", next_step=_RESOLVER_STEP, where=asked)
    words = f"{asked} could not tell {name}: {type(error).__name__}"
    return Retry(words, code="dns_failed", next_step=_RESOLVER_STEP, where=asked)
