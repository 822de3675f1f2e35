"""The protocol between the tables and a peer: a line of JSON in, a line of JSON out, until `end`.

| in | out |
|---|---|
| `{"op": "begin", "method", "seed", "epochs", "workers", "budget", "space": [...]}` | `{"ok": true}` |
| `{"op": "next", "slot"}` | `{"trial", "params", "until", "continues", "ms"}`, or true as `wait` or `done`, and `ms` |
| `{"op": "report", "trial", "epoch", "loss"}`; a loss of null has diverged | `{"go": true}` or `{"go": false}` |
| `{"op": "end"}` | nothing |

`ms` is the time of the peer's own ask and of nothing else. Whatever the peer prints goes to stderr.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TextIO

from benchmarks.adapters.encoding import Space


@dataclass(frozen=True)
class Begin:
    """What a run is: `budget` epochs in all, `epochs` at most per trial, on `workers` at once."""

    method: str
    seed: int
    epochs: int
    workers: int
    budget: int
    space: Space


@dataclass(frozen=True)
class Work:
    """Train a trial until an epoch; if it has been trained before, from where it stands."""

    trial: int
    params: Mapping[str, Any]
    until: int
    continues: int | None = None


@dataclass(frozen=True)
class Nothing:
    """There is nothing to train now (`wait`) or ever again (`done`)."""

    why: str


WAIT, DONE = Nothing("wait"), Nothing("done")


class Method(Protocol):
    """A peer's method at work."""

    def ask(self) -> Work | Nothing:
        """What a free worker shall do; its time is the decision's."""

    def report(self, trial: int, epoch: int, loss: float | None) -> bool:
        """Hear of an epoch, None being divergence; whether the trial shall go on."""


def answer(work: Work | Nothing, seconds: float) -> dict[str, Any]:
    """The answer to `next`."""
    ms = {"ms": round(1e3 * seconds, 4)}
    if isinstance(work, Nothing):
        return {work.why: True, **ms}
    return {
        "trial": work.trial,
        "params": dict(work.params),
        "until": work.until,
        "continues": work.continues,
        **ms,
    }


def converse(methods: Mapping[str, Callable[[Begin], Method]], lines: TextIO, out: TextIO) -> None:
    """Hold one conversation.

    Raises:
        ValueError: if the method or an op is unknown.
    """
    method: Method | None = None
    for line in lines:
        said = json.loads(line)
        op = said.pop("op")
        if op == "end":
            return
        if op == "begin":
            method = _begin(methods, said)
            reply: dict[str, Any] = {"ok": True}
        elif method is None or op not in {"next", "report"}:
            raise ValueError(f"op must be begin, next, report or end, beginning with begin; got {op!r}")
        elif op == "next":
            start = time.perf_counter()
            work = method.ask()
            reply = answer(work, time.perf_counter() - start)
        else:
            reply = {"go": bool(method.report(said["trial"], said["epoch"], said["loss"]))}
        out.write(json.dumps(reply) + "\n")
        out.flush()


def _begin(methods: Mapping[str, Callable[[Begin], Method]], said: dict[str, Any]) -> Method:
    begin = Begin(**{**said, "space": Space.read(said["space"])})
    if begin.method not in methods:
        raise ValueError(f"method must be one of {sorted(methods)}, got method={begin.method!r}")
    return methods[begin.method](begin)


def serve(methods: Mapping[str, Callable[[Begin], Method]]) -> None:
    """Speak on stdin and stdout; what anything else prints, from C too, goes to stderr."""
    with os.fdopen(os.dup(1), "w") as out:
        os.dup2(2, 1)
        sys.stdout = sys.stderr
        converse(methods, sys.stdin, out)
