"""`python -m tests.bench [--only NAME]`: paired timings, printed and written to var/bench/<name>.json.

Each bench is a module with `run(work_dir) -> dict`: every case once per round, medians of the ratios inside a round.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from tests.bench import (
    api_list_10k,
    assess_10k,
    batch_100,
    convert_chain,
    convert_file,
    convert_product,
    convert_stream,
    delta_1pct,
    faults_64,
    hash_cost,
    inventory_10k,
    kms_50k,
    readiness_64,
    refresh_1pct,
    rvtools_10k,
    tls_cost,
    two_disks,
)

BENCHES = {
    "api_list_10k": api_list_10k.run,
    "assess_10k": assess_10k.run,
    "batch_100": batch_100.run,
    "convert_chain": convert_chain.run,
    "convert_file": convert_file.run,
    "convert_product": convert_product.run,
    "convert_stream": convert_stream.run,
    "delta_1pct": delta_1pct.run,
    "faults_64": faults_64.run,
    "hash_cost": hash_cost.run,
    "inventory_10k": inventory_10k.run,
    "kms_50k": kms_50k.run,
    "readiness_64": readiness_64.run,
    "refresh_1pct": refresh_1pct.run,
    "rvtools_10k": rvtools_10k.run,
    "tls_cost": tls_cost.run,
    "two_disks": two_disks.run,
}
RESULTS = Path("var/bench")


def main() -> int:
    """Run the benches asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--only", choices=sorted(BENCHES), help="one bench by name")
    only = parser.parse_args().only
    RESULTS.mkdir(parents=True, exist_ok=True)
    for name in [only] if only else sorted(BENCHES):
        with tempfile.TemporaryDirectory(prefix=f"bench-{name}-") as scratch:
            result = BENCHES[name](Path(scratch))
        (RESULTS / f"{name}.json").write_text(json.dumps(result, indent=2) + "\n")
        print(f"{name}: {json.dumps(result, indent=2)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
