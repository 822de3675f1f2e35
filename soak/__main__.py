"""Run the slow fault runs: `python -m soak --json FILE`; README.md says what each must show."""

import argparse
import json
import sys
import time
from pathlib import Path

from benchmarks.machine import circumstances
from soak import crash, memory, orphans, readers

RUNS = {"crash": (crash, 500), "memory": (memory, 300), "orphans": (orphans, 100), "readers": (readers, 8)}
"""Each with how often it is done by default."""


def main() -> int:
    """Run them, print and write what they have shown; 1 if a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m soak", description="Run the slow fault runs.")
    parser.add_argument("runs", nargs="*", metavar="RUN", help=f"which: {', '.join(RUNS)}; default all")
    parser.add_argument("--times", type=int, metavar="N", help="kills, trials or phases of each run")
    parser.add_argument("--seed", type=int, default=0, help="of the random moments")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to write the record")
    options = parser.parse_args()
    unknown = set(options.runs) - set(RUNS)
    if unknown:
        parser.error(f"RUN must be one of {', '.join(RUNS)}, got {', '.join(sorted(unknown))}")
    record = {**circumstances(Path(__file__).parent), "runs": {}}
    broken = []
    for name in options.runs or RUNS:
        module, times = RUNS[name]
        began = time.monotonic()
        found = module.run(options.times or times, options.seed)
        bad = module.failed(found)
        broken += [name] if bad else []
        record["runs"][name] = {**found, "seconds": round(time.monotonic() - began, 1), "failed": bad}
        print(f"{name}: {'FAILED' if bad else 'passed'}")
        for key, value in found.items():
            print(f"  {key}: {value}")
    if options.json is not None:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(record, indent=1) + "\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
