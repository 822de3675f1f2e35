"""How long guided methods think: `python -m benchmarks.decisions --json FILE`; README.md says how it is measured.

Each figure is that of a fresh process, the best of three.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import fmean, median
from typing import Any
from zlib import crc32

from benchmarks.machine import circumstances, noise

METHODS = ("TPE", "GP", "Evolution", "CMA", "FreezeThaw")
PEERS = ("TPESampler", "GPSampler")
EPOCHS = 50
"""Of a full training, for `FreezeThaw`; the others see trials of one epoch."""
LAST = 40
"""Decisions that are measured, the last ones before a mark."""
TARGETS = {
    **{("TPE", trials): most for trials, most in ((100, 0.5), (1_000, 0.7), (10_000, 1.0))},
    ("GP", 200): 30.0,
    **{("FreezeThaw", trials): most for trials, most in ((100, 5.0), (1_000, 10.0))},
}
"""Milliseconds per decision at so many trials."""
MARKS = (100, 200, 1_000, 10_000)
LONGEST = {"FreezeThaw": 1_000, "GP": 1_000, "GPSampler": 200, "TPESampler": 1_000}
"""Marks that would take too long are left out."""


def main() -> None:
    """Measure, print, and write the record."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.decisions", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to write the record")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="fresh processes per figure; default 3")
    parser.add_argument("--marks", type=int, nargs="+", default=MARKS, metavar="N", help="numbers of trials")
    parser.add_argument("--only", nargs="+", choices=(*METHODS, *PEERS), help="measure these only")
    parser.add_argument("--optuna", metavar="PYTHON", help="a Python with Optuna, to measure it beside")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measured(options.one[0], int(options.one[1]))))
        return
    chosen = options.only or (*METHODS, *(PEERS if options.optuna else ()))
    record = {"format": 1, **circumstances(Path.cwd()), "noise": {"begin": noise()}, "rows": []}
    for trials in options.marks:
        for name in chosen:
            if trials <= LONGEST.get(name, trials):
                record["rows"].append(_row(name, trials, options.rounds, options.optuna))
                print(json.dumps(record["rows"][-1]), flush=True)
    record["noise"]["end"] = noise()
    if options.json is not None:
        options.json.write_text(json.dumps(record, indent=1) + "\n")


def _row(name: str, trials: int, rounds: int, optuna: str | None) -> dict[str, Any]:
    program = "benchmarks.decisions_optuna" if name in PEERS else "benchmarks.decisions"
    arguments = [name, str(trials)] if name in PEERS else ["--one", name, str(trials)]
    python = str(optuna) if name in PEERS else sys.executable
    environment = {**os.environ, **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")}
    found = []
    for _ in range(rounds):
        done = subprocess.run(
            [python, "-m", program, *arguments], env=environment, capture_output=True, text=True, check=True
        )
        found.append(json.loads(done.stdout.splitlines()[-1]))
    best = {key: round(min(each[key] for each in found), 3) for key in found[0]}
    target = TARGETS.get((name, trials))
    return {"method": name, "trials": trials, **best, "target": target, "met": target and best["decision"] <= target}


def measured(name: str, trials: int) -> dict[str, float]:
    """In ms: the median decision, the median processor time of one, and what taking in the outcome costs on average.

    The last includes fits of hyperparameters, which are due now and then.
    """
    import welltempered as wt
    from benchmarks.ours import SPACE
    from welltempered import header
    from welltempered.decide import record

    guided = name == "FreezeThaw"
    method = wt.FreezeThaw() if guided else wt.Full(getattr(wt, name)())
    experiment = wt.Experiment(print, SPACE, minimize="loss", epochs=EPOCHS if guided else 1, method=method)
    history = wt.History(header.make(experiment), SPACE)
    by_chance, walls, processor, learning = wt.Full(wt.Random()), [], [], []
    while len(history.trials) < trials:
        own = guided or len(history.trials) >= trials - LAST
        begin, cpu = time.perf_counter(), time.process_time()
        decision = (method if own else by_chance).next(history, None)
        walls.append(time.perf_counter() - begin)
        processor.append(time.process_time() - cpu)
        assert isinstance(decision, wt.Start | wt.Resume)
        history.apply(event := record(decision, history, None, 0.0))
        params, first = history.trials[event.trial].params, history.epoch(event.trial)
        losses = [curve(params, epoch) for epoch in range(first + 1, decision.until + 1)]
        begin = time.perf_counter()
        for epoch, loss in enumerate(losses, first + 1):
            history.apply(wt.Reported(event.trial, epoch, {"loss": loss}))
        learning.append(time.perf_counter() - begin)
    window = slice(None) if guided else slice(-LAST, None)
    return {
        "decision": 1e3 * median(walls[-LAST:]),
        "processor": 1e3 * median(processor[-LAST:]),
        "learning": 1e3 * fmean(learning[window]),
    }


def curve(params: dict[str, Any], epoch: int) -> float:
    """A loss that depends on four of the ten parameters, falls at a rate of its own, and has some noise."""
    own, noise_ = (crc32(repr((sorted(params.items()), n)).encode()) / 2**32 for n in (0, epoch))
    last = abs(math.log10(params["learning_rate"]) + 3) + (params["units"] / 512 - 0.6) ** 2
    last += 0.3 * (params["optimizer"] == "sgd") + 0.05 * abs(math.log10(params["weight_decay"]) + 4)
    return float(last + (0.5 + own) / epoch**0.5 + 0.01 * noise_)


if __name__ == "__main__":
    main()
