"""Replaying a log: fold it again, and derive every decision again."""

import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import msgspec

from welltempered.decide import Scheduler, Wait, decide, decided, record
from welltempered.events import Ended, Event, Header, Resumed, Started
from welltempered.history import History
from welltempered.space import Space


@contextmanager
def collector_paused() -> Iterator[None]:
    """Keep the garbage collector from looking again and again through a log that is being read, and is no garbage."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@dataclass(frozen=True)
class Replay:
    """What a replay found.

    Attributes:
        history: the state after the last event.
        events: how many events were folded.
        decisions: how many decisions were derived again.
        differences: one sentence for each that came out otherwise than recorded; empty is as it should be.
    """

    history: History
    events: int
    decisions: int
    differences: tuple[str, ...]


def replay(header: Header, events: Iterable[Event], space: Space, scheduler: Scheduler | None = None) -> Replay:
    """Fold events; with a scheduler, also compare each recorded decision with the one it takes.

    Raises:
        CorruptLog: if an event cannot follow the ones before.
    """
    history = History(header, space)
    decisions = 0
    differences = []
    for event in events:
        history.check(event)
        if scheduler is not None and decided(event):
            decisions += 1
            derived = _derive(scheduler, history, event)
            if derived != event:
                differences.append(
                    f"event {len(history.events) + 1}: recorded {_text(event)}, derived {_text(derived)}"
                )
        history.take(event)
    return Replay(history, len(history.events), decisions, tuple(differences))


def _derive(
    scheduler: Scheduler, history: History, event: Started | Resumed | Ended
) -> Started | Resumed | Ended | None:
    held = None if event.held is None else history.trials[event.held]
    decision = decide(scheduler, history, held)
    if isinstance(decision, Wait):
        return None
    device = "cpu" if isinstance(event, Ended) else event.device
    return record(decision, history, held, event.at, device)


def _text(event: Event | None) -> str:
    return "to wait" if event is None else msgspec.json.encode(event).decode()
