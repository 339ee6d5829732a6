"""batch: many conversions asked for at once from a file, their progress, and another try for what failed."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import yaml

from xenbound_cli.commands.grammar import Commands, add_waiting, command, group, start
from xenbound_cli.exits import CliError, ExitCode, UsageError
from xenbound_cli.lookup import find
from xenbound_cli.screen import Column
from xenbound_cli.session import Session, is_id
from xenbound_cli.texts import cell, clean, count, moment, size

LARGEST_FILE_BYTES = 4 << 20
TOLD = 20
LIST = [
    Column("NAME", "name"),
    Column("STATE", "state"),
    Column("MACHINES", "progress.conversions"),
    Column("BY STATE", "progress.states"),
    Column("ASKED", "created_at", moment),
    Column("ID", "id"),
]
ITEMS = [
    Column("MACHINE", "name"),
    Column("STATE", "state"),
    Column("STEP", "step_title"),
    Column("COPIED", "bytes_copied", size),
    Column("OF", "bytes_total", size),
    Column("ERROR", "error.message"),
]


def add(commands: Commands) -> None:
    """Declare the commands."""
    batch = group(commands, "batch", "many conversions asked for at once", list_batches)
    command(batch, "list", list_batches, "the project's batches")
    run = command(batch, "run", run_batch, "make one wave of a file's machines and prepare them; - is standard input")
    run.add_argument("file", metavar="FILE", help="YAML or JSON: pool, mapping, conversions, options")
    run.add_argument("--dry-run", action="store_true", help="only tell what stands against it, all at once")
    add_waiting(run)
    shown = command(batch, "show", show_batch, "one batch with its machines")
    shown.add_argument("batch", metavar="BATCH", help="name or id")
    again = command(batch, "retry", retry_batch, "take up what failed or was never begun")
    again.add_argument("batch", metavar="BATCH", help="name or id")
    add_waiting(again)


def _find(session: Session, args: argparse.Namespace) -> dict[str, Any]:
    return find(session, "batches", args.batch, what="batch", by_filter=True)


def list_batches(session: Session, args: argparse.Namespace) -> None:
    """The project's batches, newest first."""
    document = session.api.everything(session.path("batches"))
    empty = "No batch yet. Next: xenbound batch run FILE"
    session.screen.answer(document, lambda: session.screen.table(document["results"], LIST, empty=empty))


def show_batch(session: Session, args: argparse.Namespace) -> None:
    """One batch with each of its machines."""
    found = session.api.get(session.path(f"batches/{_find(session, args)['id']}"))
    session.screen.answer(found, lambda: _tell(session, found))


def _tell(session: Session, batch: dict[str, Any]) -> None:
    progress = batch["progress"]
    session.screen.line(f"{clean(batch['name'])} is {batch['state']}: {cell(progress['states'])}; {batch['id']}")
    copied = f"{size(progress['bytes_copied'])} of {size(progress['bytes_total'])} copied"
    session.screen.line(f"{copied}, {progress['disks_verified']} of {count(progress['disks'], 'disk')} proven")
    _tell_problems(session, batch["problems"])
    if batch["wave_id"]:
        session.screen.table(batch["conversions"], ITEMS, empty="None of its machines is begun.")
        session.screen.line(f"Its gate: xenbound wave gate {batch['wave_id']}")


def _tell_problems(session: Session, problems: list[dict[str, Any]]) -> None:
    for problem in problems[:TOLD]:
        session.screen.line(f"{clean(problem['name'] or problem['vm'])}: {clean(problem['detail'])} [{problem['code']}]")
        session.screen.line(f"  next: {clean(problem['next_step'])}")
    if len(problems) > TOLD:
        session.screen.line(f"and {len(problems) - TOLD} more; --json has all of them")


def run_batch(session: Session, args: argparse.Namespace) -> ExitCode | None:
    """Ask for the batch of a file and wait until its machines are prepared. Failed when some stayed behind."""
    body = _resolved(session, _read(session, args.file))
    if args.dry_run:
        body["options"] = {**(body.get("options") or {}), "dry_run": True}
    job, ended = start(session, args, "batches", body)
    return _conclude(session, job) if ended else None


def retry_batch(session: Session, args: argparse.Namespace) -> ExitCode | None:
    """Take the failed machines of a batch up again."""
    job, ended = start(session, args, f"batches/{_find(session, args)['id']}/retry")
    return _conclude(session, job) if ended else None


def _conclude(session: Session, job: dict[str, Any]) -> ExitCode | None:
    result = job.get("result") or {}
    behind = [*(result.get("left_behind") or []), *(result.get("not_begun") or [])]

    def tell() -> None:
        if result.get("dry_run"):
            word = (
                "would be accepted" if result["accepted"] else f"would be refused for {count(len(result['problems']), 'reason')}"
            )
            session.screen.line(f"A batch of {count(result['conversions'], 'machine')} {word}.")
            _tell_problems(session, result["problems"])
            for each in result.get("unknown") or []:
                session.screen.line(f"unknown: {each['code']} {clean(each['subject'])}: {clean(each['detail'])}")
            return
        session.screen.line(f"{cell(result.get('conversions'))}: xenbound batch show {result.get('batch_id')}")
        for name in result.get("left_behind") or []:
            session.screen.line(f"stayed behind: {clean(name)}; see xenbound conversions show {clean(name)}")
        for name in result.get("not_begun") or []:
            session.screen.line(f"not begun: {clean(name)}")
        session.screen.line(f"Next: xenbound wave gate {result.get('wave_id')}")

    session.screen.answer(job, tell)
    return ExitCode.FAILED if behind or result.get("problems") else None


def _read(session: Session, name: str) -> dict[str, Any]:
    """The file's document. Raises: UsageError naming file and line."""
    try:
        text = session.shell.stdin.read(LARGEST_FILE_BYTES + 1) if name == "-" else _text(Path(name))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{name} cannot be read: {error}", next_step="Give a YAML or JSON file.") from None
    if len(text) > LARGEST_FILE_BYTES:
        raise UsageError(f"{name} is larger than 4 MiB.", next_step="A batch has at most 1,000 conversions; split it.")
    try:
        document = yaml.load(text, Loader=_PlainLoader)  # noqa: S506 - a loader of plain values only, see below
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UsageError(f"{name} is no YAML: {clean(' '.join(str(error).split()))}", next_step="Correct it.") from None
    if not isinstance(document, dict) or not isinstance(document.get("conversions"), list):
        raise UsageError(
            f"{name} names no `conversions`.", next_step="Write pool, mapping, and a list of conversions: - vm: NAME"
        )
    return document


def _text(path: Path) -> str:
    with path.open(encoding="utf-8") as file:
        return file.read(LARGEST_FILE_BYTES + 1)


class _PlainLoader(yaml.SafeLoader):
    """Plain values, no aliases: a few lines of these can stand for gigabytes. Names that look like dates stay texts."""

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases (*name) are not taken")
        return super().compose_node(parent, index)


def _resolved(session: Session, document: dict[str, Any]) -> dict[str, Any]:
    """The request: names of pool, mapping and machines become ids. Raises: UsageError, CliError naming all it cannot find."""
    missing = [key for key in ("pool", "mapping") if not isinstance(document.get(key), str)]
    if missing:
        raise UsageError(f"The file names no {' and no '.join(missing)}.", next_step="Give each by name or id.")
    wanted = [each if isinstance(each, dict) else {"vm": each} for each in document["conversions"]]
    ids = _machine_ids(session, [str(each.get("vm", "")) for each in wanted])
    return {
        **document,
        "pool": find(session, "pools", document["pool"], what="pool")["id"],
        "mapping": find(session, "mappings", document["mapping"], what="mapping")["id"],
        "conversions": [{**each, "vm": ids[str(each.get("vm", ""))]} for each in wanted],
    }


def _machine_ids(session: Session, named: list[str]) -> dict[str, str]:
    """By name or id; the machines are read once, and only when a name has to be found."""
    ids: dict[str, list[str]] = {text: [text] for text in named if is_id(text)}
    names = set(named) - set(ids)
    for row in session.api.rows(session.path("machines")) if names else []:
        if row["name"] in names:
            ids.setdefault(row["name"], []).append(str(row["id"]))
    wrong = [f"{text or 'an empty name'} ({_why(ids.get(text, []))})" for text in named if len(ids.get(text, [])) != 1]
    if wrong:
        raise CliError(
            f"{count(len(wrong), 'machine')} of the file cannot be told: {', '.join(map(clean, wrong))}",
            code="unknown_machine",
            next_step="Take the ids of xenbound machines.",
        )
    return {text: found[0] for text, found in ids.items()}


def _why(found: list[str]) -> str:
    return f"{len(found)} of this name" if found else "not in the project"
