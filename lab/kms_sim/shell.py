"""PowerShell sessions behind WS-Management: each shell is one psrpcore runspace pool, each command one of its pipelines.

Source: MS-WSMV (the SOAP actions and their bodies), MS-PSRP (what travels in them; psrpcore speaks it).
"""

from __future__ import annotations

import base64
import threading
import uuid
from collections import defaultdict, deque
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

import psrpcore
from psrpcore.types import ErrorCategory, ErrorCategoryInfo, ErrorRecord, NETException, PSInvocationState

if TYPE_CHECKING:
    from lab.kms_sim.winrm import Site

SOAP = "http://www.w3.org/2003/05/soap-envelope"
ADDRESSING = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
WSMAN = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
SHELL = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
FAULT = "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault"
POWERSHELL = "http://schemas.microsoft.com/powershell"
TRANSFER = "http://schemas.xmlsoap.org/ws/2004/09/transfer"
DONE = f"{SHELL}/CommandState/Done"
RUNNING = f"{SHELL}/CommandState/Running"
NO_OUTPUT_IN_TIME = 2150858793
ACCESS_DENIED = 5
NO_SUCH_CONFIGURATION = 2150858752
READS_LICENSING = "SoftwareLicensingProduct"
FRAGMENT_BYTES = 32 * 1024
LONGEST_WAIT_S = 1.0


class Fault(Exception):
    """A WS-Management fault; `envelope` is what is answered."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        words = f"<f:Message>{escape(reason)}</f:Message>"
        told = f'<f:WSManFault xmlns:f="{FAULT}" Code="{code}" Machine="kms01">{words}</f:WSManFault>'
        body = (
            f"<s:Fault><s:Code><s:Value>s:Sender</s:Value></s:Code><s:Reason><s:Text xml:lang='en-US'>{escape(reason)}</s:Text>"
            f"</s:Reason><s:Detail>{told}</s:Detail></s:Fault>"
        )
        self.envelope = _envelope("http://schemas.dmtf.org/wbem/wsman/1/wsman/fault", "", body)


class Shells:
    """The sessions of one server, by the shell's id."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._shells: dict[str, _Shell] = {}
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Let nobody wait for output any longer."""
        self._stopped.set()

    def answer(self, envelope: bytes) -> bytes:
        """The answer to one request. Raises: Fault."""
        request = ET.fromstring(envelope)  # noqa: S314 - the lab's own tests send it
        action = _text(request, f"{{{ADDRESSING}}}Action").rpartition("/")[2]
        message_id = _text(request, f"{{{ADDRESSING}}}MessageID")
        verb = {"Create": self._create, "Command": self._command, "Receive": self._receive, "Send": self._send}.get(action)
        body = verb(request) if verb is not None else self._other(request, action)
        return _envelope(f"{SHELL}/{action}Response", message_id, body)

    def _create(self, request: ET.Element) -> str:
        if self._site.denied:
            raise Fault(ACCESS_DENIED, "Access is denied.")
        configuration = _text(request, f"{{{WSMAN}}}ResourceURI").rpartition("/")[2]
        if configuration not in self._site.configurations:
            told = f"Cannot find the {configuration} session configuration in the WSMan: drive on the kms01 computer."
            raise Fault(NO_SUCH_CONFIGURATION, f"The WS-Management service cannot process the request. {told}")
        shell_id = request.find(f".//{{{SHELL}}}Shell").attrib["ShellId"]  # type: ignore[union-attr]
        shell = self._shells[shell_id] = _Shell(self._site)
        shell.take(_text(request, f"{{{POWERSHELL}}}creationXml"))
        return (
            f'<x:ResourceCreated xmlns:x="{TRANSFER}" xmlns:a="{ADDRESSING}" xmlns:w="{WSMAN}">'
            "<a:ReferenceParameters><w:SelectorSet>"
            f'<w:Selector Name="ShellId">{shell_id}</w:Selector></w:SelectorSet></a:ReferenceParameters></x:ResourceCreated>'
            f'<rsp:Shell xmlns:rsp="{SHELL}"><rsp:ShellId>{shell_id}</rsp:ShellId></rsp:Shell>'
        )

    def _command(self, request: ET.Element) -> str:
        command = request.find(f".//{{{SHELL}}}CommandLine")
        assert command is not None
        command_id = command.attrib["CommandId"]
        self._shell(request).begin(command_id, _text(command, f"{{{SHELL}}}Arguments"))
        return f'<rsp:CommandResponse xmlns:rsp="{SHELL}"><rsp:CommandId>{command_id}</rsp:CommandId></rsp:CommandResponse>'

    def _send(self, request: ET.Element) -> str:
        self._shell(request).take(_text(request, f"{{{SHELL}}}Stream"))
        return f'<rsp:SendResponse xmlns:rsp="{SHELL}"/>'

    def _receive(self, request: ET.Element) -> str:
        shell, stream = self._shell(request), request.find(f".//{{{SHELL}}}DesiredStream")
        assert stream is not None
        command_id = stream.attrib.get("CommandId", "")
        told = shell.next_output(command_id)
        if told is None:
            self._stopped.wait(LONGEST_WAIT_S)
            raise Fault(NO_OUTPUT_IN_TIME, "The WS-Management service cannot complete the operation within the time specified.")
        of = f' CommandId="{command_id}"' if command_id else ""
        data = f'<rsp:Stream Name="stdout"{of}>{base64.b64encode(told).decode()}</rsp:Stream>'
        state = DONE if command_id and shell.is_done(command_id) else RUNNING
        ending = f'<rsp:CommandState{of} State="{state}"/>' if command_id else ""
        return f'<rsp:ReceiveResponse xmlns:rsp="{SHELL}">{data}{ending}</rsp:ReceiveResponse>'

    def _other(self, request: ET.Element, action: str) -> str:
        """Signals and deletes: a session that ends is forgotten."""
        if action == "Delete":
            self._shells.pop(_shell_id(request), None)
        return f'<rsp:SignalResponse xmlns:rsp="{SHELL}"/>' if action == "Signal" else ""

    def _shell(self, request: ET.Element) -> _Shell:
        return self._shells[_shell_id(request)]


class _Shell:
    """One runspace pool. What it has to say is kept by pipeline, because each is received on its own."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._pool = psrpcore.ServerRunspacePool()
        self._waiting: dict[str, deque[bytes]] = defaultdict(deque)
        self._lock = threading.Lock()

    def begin(self, command_id: str, encoded: str) -> None:
        """A command with the first fragments of its pipeline."""
        psrpcore.ServerPipeline(self._pool, uuid.UUID(command_id))  # puts itself into the pool's table
        self.take(encoded)

    def take(self, encoded: str) -> None:
        """Fragments from the client, in base64."""
        with self._lock:
            self._pool.receive_data(psrpcore.PSRPPayload(base64.b64decode(encoded), psrpcore.StreamType.default, None))
            while (event := self._pool.next_event()) is not None:
                if isinstance(event, psrpcore.CreatePipelineEvent):
                    self._run(self._pool.pipeline_table[event.pipeline_id])
            while (told := self._pool.data_to_send(FRAGMENT_BYTES)) is not None:
                self._waiting[_key(told.pipeline_id)].append(told.data)

    def _run(self, pipeline: psrpcore.ServerPipeline) -> None:
        """Answer the one script this host knows; any other is refused by a session that allows no more."""
        script = "\n".join(command.command_text for command in pipeline.metadata.commands)
        self._site.scripts.append(script)
        pipeline.start()
        if self._site.stalls:
            return
        if self._site.script_error or READS_LICENSING not in script:
            self._fail(pipeline, self._site.script_error or "The term is not recognized as the name of a cmdlet.")
        else:
            pipeline.write_output(self._site.reading())
            pipeline.complete()

    @staticmethod
    def _fail(pipeline: psrpcore.ServerPipeline, words: str) -> None:
        record = ErrorRecord(
            Exception=NETException(Message=words), CategoryInfo=ErrorCategoryInfo(Category=ErrorCategory.NotSpecified)
        )
        pipeline._change_state(PSInvocationState.Failed, record)

    def next_output(self, command_id: str) -> bytes | None:
        """The next fragments for the session ("") or a command; None while there are none."""
        with self._lock:
            waiting = self._waiting[command_id.lower()]
            return waiting.popleft() if waiting else None

    def is_done(self, command_id: str) -> bool:
        """Whether everything of a command was received and it has ended."""
        with self._lock:
            pipeline = self._pool.pipeline_table.get(uuid.UUID(command_id))
            return not self._waiting[command_id.lower()] and (pipeline is None or pipeline.state != PSInvocationState.Running)


def _key(pipeline_id: uuid.UUID | None) -> str:
    return str(pipeline_id).lower() if pipeline_id else ""


def _shell_id(request: ET.Element) -> str:
    found = next(each for each in request.iter(f"{{{WSMAN}}}Selector") if each.attrib["Name"] == "ShellId")
    return found.text or ""


def _text(element: ET.Element, tag: str) -> str:
    found = next(element.iter(tag), None)
    return (found.text or "") if found is not None else ""


def _envelope(action: str, relates_to: str, body: str) -> bytes:
    related = f"<a:RelatesTo>{relates_to}</a:RelatesTo>" if relates_to else ""
    return (
        f'<s:Envelope xmlns:s="{SOAP}" xmlns:a="{ADDRESSING}" xml:lang="en-US"><s:Header><a:Action>{action}</a:Action>'
        f"<a:MessageID>uuid:{str(uuid.uuid4()).upper()}</a:MessageID>{related}</s:Header><s:Body>{body}</s:Body></s:Envelope>"
    ).encode()
