"""Answers of a property collector as a vCenter writes them, for tests of the readers."""

from __future__ import annotations

from estate.vsphere.inventory.values import SourceObject, source_object
from estate.vsphere.xmlstream import VIM, elements

NAMESPACES = 'xmlns="urn:vim25" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<Envelope><Body><returnval ' + NAMESPACES + ">"
TAIL = "</returnval></Body></Envelope>"


def answer(*objects: str, token: str = "") -> bytes:
    """A whole answer with these `objects` elements."""
    more = f"<token>{token}</token>" if token else ""
    return (HEAD + more + "".join(objects) + TAIL).encode()


def prop(path: str, value: str, kind: str = "xsd:string") -> str:
    return f'<propSet><name>{path}</name><val xsi:type="{kind}">{value}</val></propSet>'


def missing(path: str, fault: str, inside: str = "") -> str:
    return f'<missingSet><path>{path}</path><fault><fault xsi:type="{fault}">{inside}</fault></fault></missingSet>'


def an_object(*parts: str, kind: str = "VirtualMachine", moref: str = "vm-1") -> str:
    return f'<objects><obj type="{kind}">{moref}</obj>{"".join(parts)}</objects>'


def read_one(*parts: str, kind: str = "VirtualMachine", moref: str = "vm-1") -> SourceObject:
    """One object through the real parser; valid until the next is read, which never happens here."""
    stream = elements([answer(an_object(*parts, kind=kind, moref=moref))], (f"{VIM}objects",), f"{VIM}returnval")
    found = source_object(next(stream), {})
    KEPT.append(stream)
    return found


KEPT: list[object] = []
"""Parsers whose element a test still looks at."""
