"""What 100 Keras trials of different shapes leave behind in memory: `python -m benchmarks.keras_memory --json FILE`.

One study per backend of Keras, and on JAX both by compiled epochs and by `fit`. No two trials have the same shape, so
nothing that is kept of one serves another. They train in one worker process, which says how large it is (resident
set) at the end of each trial.

- begin: after the first trial, MiB;
- filled: when as many trials have been trained as the process keeps programs;
- end: after the last one;
- growth: MiB per trial between the two, the slope of a straight line; what must be about zero.
"""

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

import welltempered as wt
from benchmarks.machine import circumstances, noise

FORMAT = 1
TRIALS, QUICK = 100, 4
FILLED = 40
"""Trials after which the caches are full: `welltempered.jax` keeps 64 programs, two for a trial by compiled epochs."""
EPOCHS, BATCH, ROWS, INPUTS, CLASSES = 2, 50, 2_000, 64, 10
WAYS = {
    "jax, compiled epochs": "jax",
    "jax, fit": "jax",
    "torch, fit": "torch",
    "tensorflow, fit": "tensorflow",
}


def main() -> int:
    """Run a program per way, print the table, write the record."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.keras_memory", description=str(__doc__).splitlines()[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to write the record")
    parser.add_argument("--quick", action="store_true", help="few trials, to see that everything works")
    parser.add_argument("--only", metavar="WAY", choices=WAYS, help=f"one of {', '.join(WAYS)}")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    trials = QUICK if options.quick else TRIALS
    if options.measure:
        print(json.dumps(measure(options.only, trials)))
        return 0
    begin, record = time.perf_counter(), {"format": FORMAT, **circumstances(Path()), "noise": {"begin": noise()}}
    record |= {"trials": trials, "filled": min(FILLED, trials // 2), "epochs": EPOCHS, "ways": {}}
    for way, backend in WAYS.items():
        if importlib.util.find_spec(backend) and options.only in (None, way):
            found = json.loads(_run(way, backend, quick=options.quick).splitlines()[-1])
            record["ways"][way] = found | summary(found["mib"], record["filled"])
    record |= {"seconds": round(time.perf_counter() - begin, 1)}
    record["noise"]["end"] = noise()
    print(table(record["ways"]))
    if options.json is not None:
        options.json.write_text(json.dumps(record) + "\n")
    return 0


def _run(way: str, backend: str, *, quick: bool) -> str:
    command = [sys.executable, "-m", "benchmarks.keras_memory", "--measure", "--only", way, *["--quick"] * quick]
    environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment).stdout


def measure(way: str, trials: int) -> dict[str, Any]:
    """Train all trials, and say how large their worker was at the end of each."""
    import keras

    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(ROWS, INPUTS)).astype("float32"), rng.integers(0, CLASSES, ROWS)

    def build(run: wt.Run) -> Any:
        """One hidden layer, wider from trial to trial, so that all have about the same size."""
        layers = [keras.layers.Dense(64 + run.trial, "relu"), keras.layers.Dropout(0.2), keras.layers.Dense(CLASSES)]
        model = keras.Sequential([keras.Input((INPUTS,)), *layers])
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.Adam(run.params["lr"]), loss, metrics=["accuracy"])
        return model

    class Resident(keras.callbacks.Callback):  # type: ignore[misc] # Keras ships no types
        """Adds to the logs how large the process is."""

        def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
            logs["mib"] = _resident()

    callbacks = [Resident()]
    if way == "jax, fit":
        callbacks.append(keras.callbacks.TerminateOnNaN())  # it is called for each batch, which takes `fit`
    train = wt.keras.trainable(build, (x, y), validation=(x[:500], y[:500]), batch_size=BATCH, callbacks=callbacks)
    space = wt.Space(lr=wt.Float(1e-4, 1e-2, scale="log"))
    begin = time.perf_counter()
    with wt.tune(
        train,
        space,
        minimize="val_loss",
        epochs=EPOCHS,
        budget=f"{trials} trials",
        method=wt.Full(wt.Sobol()),
        progress=False,
    ) as study:
        seconds = time.perf_counter() - begin
        found = [round(trial.reports[-1].metrics["mib"] or 0.0, 1) for trial in study.trials]
    return {"mib": found, "seconds": round(seconds, 1)}


def _resident() -> float:
    """MiB of this process in memory."""
    import psutil

    return float(psutil.Process().memory_info().rss) / 2**20


def summary(mib: list[float], filled: int) -> dict[str, float]:
    """The figures of the table."""
    late = mib[filled:]
    slope = float(np.polyfit(range(len(late)), late, 1)[0])
    return {"begin": mib[0], "filled": mib[filled], "end": mib[-1], "growth": round(slope, 3)}


def table(ways: Mapping[str, Mapping[str, Any]]) -> str:
    """The figures, as Markdown."""
    lines = ["| | begin, MiB | filled | end | growth per trial | seconds per trial |", "|---|---|---|---|---|---|"]
    for way, row in ways.items():
        per = row["seconds"] / len(row["mib"])
        figures = f"{row['begin']:.0f} | {row['filled']:.0f} | {row['end']:.0f} | {row['growth']:.2f} | {per:.2f}"
        lines.append(f"| {way} | {figures} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
