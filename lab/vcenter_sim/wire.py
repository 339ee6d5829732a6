"""SOAP on the wire: parse a call, write an answer or a fault, with pyvmomi's own tables.

It knows no sessions and no objects: names and values in, text out, and back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from io import StringIO
from typing import Any

from lxml import etree
from pyVmomi import vmodl
from pyVmomi.SoapAdapter import XMLNS_SOAPENV, XMLNS_XSD, XMLNS_XSI, Deserialize, SoapSerializer
from pyVmomi.VmomiSupport import F_OPTIONAL, GetWsdlMethod, GetWsdlType, ManagedObject, Object, versionMap

from lab.vcenter_sim.neutral import make

NAMESPACE = "urn:vim25"
OFFERED = ("8.0.2.0", "8.0.1.0", "8.0.0.1", "8.0.0.0", "7.0.3.0", "7.0", "6.7", "6.5", "6.0", "5.5")
LATEST = versionMap["vim25/8.0.2.0"]
NS_MAP = {NAMESPACE: "", XMLNS_XSI: "xsi", XMLNS_XSD: "xsd"}
HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    f'<soapenv:Envelope xmlns:soapenv="{XMLNS_SOAPENV}" xmlns:xsi="{XMLNS_XSI}" xmlns:xsd="{XMLNS_XSD}"><soapenv:Body>\n'
)
TAIL = "\n</soapenv:Body></soapenv:Envelope>"
FETCH_PARAMS = (Object(name="prop", type=str, version=LATEST, flags=0),)
# No DTDs, no entities, no network: the lab reads what anybody on the machine may send it.
PARSER_OPTIONS = {"resolve_entities": False, "no_network": True, "huge_tree": True, "remove_comments": True}

Writer = Callable[[StringIO, str], None]


class NotSoap(ValueError):
    """The request body is no SOAP call of this API."""


@dataclass(frozen=True, slots=True)
class Call:
    """One method call: WSDL name, the object it is made on, arguments by name, and the client's API version."""

    name: str
    target: ManagedObject
    arguments: dict[str, Any]
    version: str
    result: type | None


def service_versions() -> bytes:
    """The document at /sdk/vimServiceVersions.xml."""
    prior = "".join(f"<version>{version}</version>" for version in OFFERED[1:])
    return (
        '<?xml version="1.0" encoding="UTF-8"?><namespaces version="1.0"><namespace>'
        f"<name>{NAMESPACE}</name><version>{OFFERED[0]}</version><priorVersions>{prior}</priorVersions>"
        "</namespace></namespaces>"
    ).encode()


def version_of(soap_action: str) -> str:
    """The API version a client speaks, from its SOAPAction header; the newest offered when it says nothing known."""
    wanted = soap_action.strip('"').removeprefix("urn:")
    return versionMap.get(wanted, LATEST) if wanted.partition("/")[2] in OFFERED else LATEST


def parse_call(body: bytes, soap_action: str) -> Call:
    """Read one call.

    Raises:
        NotSoap: not XML, no body element, an unknown method or an argument that does not fit its type.
    """
    try:
        root = etree.fromstring(body, etree.XMLParser(**PARSER_OPTIONS))
    except etree.XMLSyntaxError as error:
        raise NotSoap(f"the request is not XML: {error}") from error
    element = root.find(f"{{{XMLNS_SOAPENV}}}Body/*")
    if element is None:
        raise NotSoap("the SOAP body is empty")
    name = etree.QName(element).localname
    params, result = _signature(name)
    version = version_of(soap_action)
    try:
        target = _target(element)
        arguments = {param.name: _argument(element, param) for param in params}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise NotSoap(f"the arguments of {name} do not fit: {error}") from error
    return Call(name, target, arguments, version, result)


def _signature(name: str) -> tuple[tuple[Object, ...], type | None]:
    if name == "Fetch":
        return FETCH_PARAMS, None
    try:
        info = GetWsdlMethod(NAMESPACE, name).info
    except KeyError as error:
        raise NotSoap(f"the API has no method {name}") from error
    return info.params, info.result


def _target(element: Any) -> ManagedObject:
    this = element.find(f"{{{NAMESPACE}}}_this")
    kind = GetWsdlType(NAMESPACE, this.get("type"))
    return kind((this.text or "").strip())


def _argument(element: Any, param: Object) -> Any:
    found = element.findall(f"{{{NAMESPACE}}}{param.name}")
    if issubclass(param.type, list):
        return [Deserialize(etree.tostring(child, with_tail=False), param.type.Item) for child in found]
    if not found:
        return None
    return Deserialize(etree.tostring(found[0], with_tail=False), param.type)


def answer(call: Call, value: Any) -> bytes:
    """The envelope with the result of `call`. `value` may be a function that writes the `returnval` elements itself."""
    out = StringIO()
    out.write(f'{HEAD}<{call.name}Response xmlns="{NAMESPACE}">')
    if callable(value) and not isinstance(value, type):
        value(out, call.version)
    elif value is not None and call.result is not None:
        serializer(out, call.version).Serialize(value, _returnval(call.result))
    out.write(f"</{call.name}Response>{TAIL}")
    return out.getvalue().encode()


def _returnval(kind: type) -> Object:
    return Object(name="returnval", type=kind, version=LATEST, flags=F_OPTIONAL)


def serializer(out: StringIO, version: str) -> SoapSerializer:
    """pyvmomi's serialiser, writing inside our envelope (which declares the namespaces already)."""
    made = SoapSerializer(out, version, NS_MAP)
    made.outermostAttrs = None
    made.defaultNS = NAMESPACE
    return made


def fault(failure: vmodl.MethodFault) -> bytes:
    """The envelope of a fault; the HTTP status that goes with it is 500."""
    kind = type(failure)
    given = {info.name: getattr(failure, info.name) for info in kind._GetPropertyList() if info.name != "msg"}
    whole = make(kind, **{name: value for name, value in given.items() if value is not None})
    text = failure.msg or kind._wsdlName
    out = StringIO()
    out.write(f"{HEAD}<soapenv:Fault><faultcode>ServerFaultCode</faultcode><faultstring>{_escaped(text)}</faultstring><detail>")
    _write_detail(out, whole)
    out.write(f"</detail></soapenv:Fault>{TAIL}")
    return out.getvalue().encode()


def _write_detail(out: StringIO, whole: vmodl.MethodFault) -> None:
    # With its own namespace and `xsi:type`: clients look for both.
    kind = type(whole)
    info = Object(name=kind._wsdlName + "Fault", type=kind, version=LATEST, flags=0)
    attributes = f' xmlns="{NAMESPACE}" xsi:type="{kind._wsdlName}"'
    serializer(out, LATEST)._SerializeDataObject(whole, info, attributes, NAMESPACE)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
