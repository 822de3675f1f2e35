"""Two live views look at a study that reports a thousand epochs per second: what does that cost the run?"""

import os
import pty
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import welltempered as wt

_EPOCHS = 5_000
"""Of a phase."""
_EPOCH_SECONDS = 0.0009
"""Of training, busy; with what reporting costs that makes a thousand events per second."""
_READERS = 2
_TOLERANCE = 0.05
_SPACE = wt.Space(x=wt.Float(0, 1))


def train(run: wt.Run) -> None:
    """Compute for a while."""
    run.keep()
    for _ in run:
        end = time.perf_counter() + _EPOCH_SECONDS
        while time.perf_counter() < end:
            pass
        run.report(loss=run.params["x"])


def run(phases: int, seed: int) -> dict[str, Any]:
    """Train so many phases without and as many with readers, in turn."""
    experiment = wt.Experiment(train, _SPACE, minimize="loss", epochs=100, method=wt.Full(wt.Random()), seed=seed)
    rates: dict[bool, list[float]] = {False: [], True: []}
    said: list[str] = []
    with tempfile.TemporaryDirectory(prefix="welltempered-soak-") as folder:
        path = Path(folder) / "study"
        with wt.Study.create(experiment, path) as study:
            _phase(study)  # to warm up
            for number in range(2 * phases):
                watched = number % 2 == 1
                readers = [_Reader(path) for _ in range(_READERS if watched else 0)]
                time.sleep(3.0 if watched else 0.0)  # they import what they need
                rates[watched].append(_phase(study))
                said += [reader.close() for reader in readers]
                sys.stderr.write(f"\r{number + 1} of {2 * phases} phases")
            events = len(study.history.events)
    sys.stderr.write("\n")
    ratios = [alone / watched for alone, watched in zip(rates[False], rates[True], strict=True)]
    return {
        "phases": phases,
        "events": events,
        "events_per_second_alone": [round(rate) for rate in rates[False]],
        "events_per_second_watched": [round(rate) for rate in rates[True]],
        "slower": round(statistics.median(ratios) - 1, 4),
        "tolerance": _TOLERANCE,
        "frames": sum(text.count("\x1b[") > 0 for text in said),
        "errors": [text[-500:] for text in said if "locked" in text or "Traceback" in text or "error:" in text],
        "seed": seed,
    }


def _phase(study: wt.Study) -> float:
    """Train for so many epochs; returns events per second, from the first report to the last."""
    moments: list[float] = []

    def watch(event: wt.Event) -> None:
        if isinstance(event, wt.Reported):
            moments.append(time.perf_counter())

    study.run(train, budget=wt.Budget(epochs=study.history.spent + _EPOCHS), workers=1, watch=watch)
    return (len(moments) - 1) / (moments[-1] - moments[0])


class _Reader:
    """`welltempered show STUDY --follow` in a terminal of its own."""

    def __init__(self, path: Path) -> None:
        ours, theirs = pty.openpty()
        command = [sys.executable, "-m", "welltempered", "show", str(path), "--follow"]
        environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", "LINES": "40"}
        self._process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
        os.close(theirs)
        self._said = bytearray()
        self._eyes = threading.Thread(target=self._look, args=(ours,))
        self._eyes.start()

    def close(self) -> str:
        """Ctrl-C, and what it has shown."""
        self._process.send_signal(2)
        self._process.wait(20)
        self._eyes.join()
        return self._said.decode(errors="replace")

    def _look(self, terminal: int) -> None:
        try:
            while data := os.read(terminal, 65536):
                self._said += data
        except OSError:
            pass  # the terminal closes with its last program
        os.close(terminal)


def failed(record: dict[str, Any]) -> bool:
    """Whether a promise was broken."""
    return bool(record["errors"]) or record["slower"] > _TOLERANCE or record["frames"] < 2 * record["phases"]
