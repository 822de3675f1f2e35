"""The clock, the same for us and for the peers: this file runs in their environments too, so it imports Python only."""

import json
import subprocess
import sys
import time
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import fmean, median
from typing import Any

MARKS = (100, 1_000, 10_000, 100_000)
"""Numbers of trials at which the cost of the next one is looked at."""


@dataclass(frozen=True)
class Result:
    """What one program has measured.

    Attributes:
        repetitions: the measured values by name, once per repetition.
        facts: what else must be known to read them, such as how many trials were reached.
    """

    repetitions: list[dict[str, float]]
    facts: dict[str, Any] = field(default_factory=dict)


def step_times(step: Callable[[], object], steps: int, cap: float) -> Result:
    """Time a step again and again: `steps` times, or until `cap` seconds are over.

    Values in ms: median and mean of the window that ends at each mark, of the window at the end, the mean of all steps,
    and the processor time of a step (far below the mean where the machine was busy with something else or the disk
    was waited for).
    """
    clock = time.perf_counter
    seconds = array("d")
    cpu, begin = time.process_time(), clock()
    before, end = begin, begin + cap
    while len(seconds) < steps and before < end:
        step()
        now = clock()
        seconds.append(now - before)
        before = now
    cpu = time.process_time() - cpu
    values = {"median@end": 1e3 * median(window(seconds, len(seconds)))}
    values |= {"mean": 1e3 * fmean(seconds), "cpu": 1e3 * cpu / len(seconds)}
    for mark in MARKS:
        if mark <= len(seconds):
            values[f"median@{mark}"] = 1e3 * median(window(seconds, mark))
            values[f"mean@{mark}"] = 1e3 * fmean(window(seconds, mark))
    return Result([values], {"steps": len(seconds), "complete": len(seconds) == steps})


def window(seconds: Sequence[float], mark: int) -> Sequence[float]:
    """The steps up to a mark: the last tenth of them, at least 100 and at most 1,000."""
    return seconds[max(0, mark - min(1_000, max(100, mark // 10))) : mark]


def slowest_of(step: Callable[[], object], steps: int = 20) -> float:
    """Warm up: ms of the slowest of the first steps, which is where packages are imported."""
    return 1e3 * max(seconds_of(step) for _ in range(steps))


def seconds_of(action: Callable[[], object]) -> float:
    """How long it takes, once."""
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin


def import_time(module: str, repeats: int) -> Result:
    """Seconds from the start to the end of a fresh Python that imports the module, and of one that does nothing.

    One repetition, of medians: a start of Python is short enough for a few to be slow by accident.
    """
    script = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    loaded = _python(script).split()  # also writes the byte code, which an installed package comes with
    walls, floors = [], []
    for _ in range(repeats):
        walls.append(seconds_of(lambda: _python(f"import {module}")))
        floors.append(seconds_of(lambda: _python("pass")))
    packages = sorted(name for name in loaded if name not in sys.stdlib_module_names and name[0] != "_")
    return Result([{"wall": median(walls), "floor": median(floors)}], {"torch": "torch" in loaded, "loaded": packages})


def _python(script: str) -> str:
    return subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout


def serve(jobs: Mapping[str, Callable[..., Result]]) -> None:
    """Do the job that the command line describes in JSON, and print its result as the last line."""
    arguments = json.loads(sys.argv[1])
    result = jobs[arguments.pop("job")](**arguments)
    print(json.dumps(asdict(result)))
