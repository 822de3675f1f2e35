"""Two live views look at a study that is written a thousand times per second: what does that cost the writer?"""

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

_RATE = 1_000.0
"""Events per second."""
_READERS = 2
_PHASE_SECONDS = 5.0
_TOLERANCE = 0.05


def run(phases: int, seed: int) -> dict[str, Any]:
    """Write at that pace, in so many phases without and as many with readers, in turn."""
    space = wt.Space(x=wt.Float(0, 1))
    experiment = wt.Experiment(print, space, minimize="loss", epochs=100, method=wt.Full(wt.Random()), seed=seed)
    alone: list[float] = []
    watched: list[float] = []
    said: list[str] = []
    with tempfile.TemporaryDirectory(prefix="welltempered-soak-") as folder:
        path = Path(folder) / "study"
        with wt.Study.create(experiment, path) as study:
            _write(study, 1.0)  # warm up
            for number in range(2 * phases):
                readers = [_Reader(path) for _ in range(_READERS)] if number % 2 else []
                if readers:
                    time.sleep(2.0)  # they import what they need
                (watched if readers else alone).append(_write(study, _PHASE_SECONDS))
                said += [reader.close() for reader in readers]
                sys.stderr.write(f"\r{number + 1} of {2 * phases} phases")
            events = len(study.history.events)
    sys.stderr.write("\n")
    ratios = [two / one for one, two in zip(alone, watched, strict=True)]
    return {
        "phases": phases,
        "events": events,
        "rate": _RATE,
        "alone_us": [round(1e6 * seconds, 1) for seconds in alone],
        "watched_us": [round(1e6 * seconds, 1) for seconds in watched],
        "slower": round(statistics.median(ratios) - 1, 4),
        "tolerance": _TOLERANCE,
        "frames": sum(text.count("\x1b[") > 0 for text in said),
        "errors": [text[-500:] for text in said if "locked" in text or "Traceback" in text or "error:" in text],
        "seed": seed,
    }


def _write(study: wt.Study, seconds: float) -> float:
    """Tell at the pace for a while; returns the median seconds that an event took."""
    took: list[float] = []
    began = time.perf_counter()
    trial = study.ask()
    while (moment := time.perf_counter()) - began < seconds:
        assert trial is not None
        trial = study.tell(trial, loss=moment) if trial.running else study.ask()
        took.append(time.perf_counter() - moment)
        time.sleep(max(0.0, began + len(took) / _RATE - time.perf_counter()))
    while trial is not None and trial.running:
        trial = study.tell(trial, loss=0.0)
    return statistics.median(took)


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
