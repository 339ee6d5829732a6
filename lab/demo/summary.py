"""The figures of a demonstration as one JSON file, read from the API's answers and the lab's own disks."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from lab.demo.client import NotAsTold
from lab.demo.stage_cutover import REFUSED_CODES
from lab.demo.stagehand import Stagehand


def source_figures(book: dict[str, Any], recognised: int, held: int, packages: list[dict[str, Any]]) -> dict[str, Any]:
    """What each source brought; of the workbook also who was known again in the vCenter, and whose plan held."""
    workbook = {**book["figures"], "verdicts": book["verdicts"], "known_again": recognised, "planned_as_before": held}
    return {"workbook": workbook, "packages": {"machines": len(packages)}}


def conversions_figures(rows: list[dict[str, Any]], left_out: int) -> dict[str, int]:
    """Machines that were asked for: done, refused (stale copies and machines the plan left out), failed."""
    refused = sum(bool(row["error"]) and row["error"]["code"] in REFUSED_CODES for row in rows)
    failed = sum(row["state"] == "failed" for row in rows) - refused
    done = sum(row["state"] == "done" for row in rows)
    return {"total": len(rows) + left_out, "done": done, "failed": failed, "refused": refused + left_out}


def disk_figures(rows: list[dict[str, Any]]) -> dict[str, int]:
    """Sums over all disk copies, in bytes of the virtual disks."""
    disks = [disk for row in rows for disk in row["disks"]]
    sums = {key: sum(disk[key] for disk in disks) for key in ("bytes_total", "bytes_sent", "bytes_zero")}
    return {"total": len(disks), "verified": sum(disk["verified"] for disk in disks), **sums}


def compare_bytes(stagehand: Stagehand, packages: list[dict[str, Any]], rows: list[dict[str, Any]]) -> int:
    """Hold every converted VDI file against its source disk, behind the product's back. Returns the number compared."""
    files = {vdi["uuid"]: Path(vdi["path"]) for vdi in stagehand.vdis()}
    sources = {(disk["vm"], disk["device_key"]): disk["sha256"] for disk in stagehand.source_disks()}
    appliances = {package["name"]: package["sha256"] for package in packages}
    compared = 0
    for row in rows:
        for disk in row["disks"]:
            if not disk["verified"]:
                continue
            source = appliances.get(row["name"]) or sources[(row["name"], disk["device_key"])]
            if _sha256(files[disk["vdi_uuid"]], disk["bytes_total"]) != source:
                raise NotAsTold(f"{row['name']} {disk['label']}: the VDI differs from its source")
            compared += 1
    return compared


def _sha256(path: Path, length_bytes: int) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as disk:
        left = length_bytes
        while left:
            piece = disk.read(min(left, 4 << 20))
            if not piece:
                raise NotAsTold(f"{path} ends {left} bytes early")
            digest.update(piece)
            left -= len(piece)
    return digest.hexdigest()


def write(folder: Path, summary: dict[str, Any]) -> Path:
    """Write summary.json and return its path."""
    target = folder / "summary.json"
    target.write_text(json.dumps(summary, indent=2) + "\n")
    return target
