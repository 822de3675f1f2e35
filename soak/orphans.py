"""Kill drivers whose workers do all that could keep them alive, and count what is left."""

import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from soak.processes import alive, children, descendants, kill, seconds_until_gone

_SECONDS = 5.0
"""In which everything must be gone."""
_PROGRAM = """
import sys
import welltempered as wt

def train(run):
    import ctypes, os, subprocess, sys, time
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    if os.fork() == 0:
        time.sleep(600)
        os._exit(0)
    run.keep()
    for epoch in run:
        if run.trial % 3 == 1 and epoch == 2:
            ctypes.PyDLL(None).sleep(600)  # in C, with the interpreter locked
        time.sleep(0.02)
        run.report(loss=epoch)

wt.tune(train, wt.Space(x=wt.Float(0, 1)), minimize="loss", epochs=100, budget=None, workers=2, path=sys.argv[1],
        method=wt.Full(wt.Random()), progress=False)
"""


def run(kills: int, seed: int) -> dict[str, Any]:
    """Kill so many drivers at random moments."""
    dice, left, slowest, everybody = random.Random(seed), 0, 0.0, 0
    with tempfile.TemporaryDirectory(prefix="welltempered-soak-") as folder:
        program = Path(folder) / "program.py"
        program.write_text(_PROGRAM)
        for number in range(kills):
            driver = subprocess.Popen([sys.executable, str(program), str(Path(folder) / str(number))])
            while driver.poll() is None and len(children(driver.pid)) < 2:
                time.sleep(0.01)
            time.sleep(dice.uniform(0, 1.0))
            started = descendants(driver.pid)
            everybody += len(started)
            kill(driver.pid)
            driver.wait()
            seconds = seconds_until_gone(started, _SECONDS)
            left += sum(map(alive, started))
            slowest = max(slowest, seconds or _SECONDS)
            sys.stderr.write(f"\r{number + 1} of {kills} drivers killed, {left} processes left")
    sys.stderr.write("\n")
    return {"kills": kills, "processes": everybody, "orphans": left, "slowest_end": round(slowest, 3), "seed": seed}


def failed(record: dict[str, Any]) -> bool:
    """Whether a promise was broken."""
    return bool(record["orphans"])
