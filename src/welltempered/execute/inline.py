"""Training in this process, one trial at a time: for debugging, notebooks and light objectives."""

import contextlib
import contextvars
import threading
import time
from collections.abc import Sequence
from queue import Empty, SimpleQueue

from welltempered.execute.devices import device_of, gpus
from welltempered.execute.work import work
from welltempered.experiment import Train
from welltempered.lease import Lease, Said
from welltempered.run import Setting

_PATIENCE = 5.0
"""Seconds training code is given to return once its last lease is over."""


class Inline:
    """One slot in a thread of this process, so that Ctrl-C and deadlines reach the study while a net trains.

    What training prints goes to the terminal; breakpoints work. Nothing is pickled.

    Args:
        train: the training code.
        setting: what all its runs have in common.
    """

    def __init__(self, train: Train, setting: Setting) -> None:
        self.slots = 1
        self.clock = time.monotonic
        self._lease: Lease | None = None
        self._channel = _Channel()
        context = contextvars.copy_context()
        self._thread = threading.Thread(
            target=context.run,
            args=(_serve, train, setting, self._channel),
            name="welltempered-slot-0",
            daemon=True,
        )

    def device(self, slot: int) -> str:
        """See `Executor.device`."""
        return device_of(slot, gpus())

    def assign(self, slot: int, lease: Lease) -> None:
        """See `Executor.assign`."""
        self._lease = lease
        self._channel.leases.put(lease)
        if not self._thread.ident:
            self._thread.start()

    def poll(self, timeout: float) -> Sequence[Said]:
        """See `Executor.poll`."""
        events = []
        with contextlib.suppress(Empty):
            events.append(self._channel.events.get(timeout=timeout))
            while True:
                events.append(self._channel.events.get_nowait())
        if self._lease is not None and any(map(self._lease.closed_by, events)):
            self._lease = None
        return events

    def cut(self, reason: str) -> None:
        """See `Executor.cut`."""
        self._channel.reason = reason

    def close(self) -> None:
        """See `Executor.close`."""
        self._channel.closed = True
        self._channel.leases.put(None)
        if self._lease is None and self._thread.ident:  # what follows the loop in the training code may still run
            self._thread.join(_PATIENCE)


def _serve(train: Train, setting: Setting, channel: "_Channel") -> None:
    with contextlib.suppress(SystemExit):  # see `asked_to_cut`; hooks for exceptions of threads need not hear of it
        work(train, setting, channel)


class _Channel:
    """Two queues."""

    def __init__(self) -> None:
        self.leases: SimpleQueue[Lease | None] = SimpleQueue()
        self.events: SimpleQueue[Said] = SimpleQueue()
        self.reason: str | None = None
        self.closed = False

    def receive(self) -> Lease | None:
        return self.leases.get()

    def begin(self, lease: Lease) -> None:
        """Nobody measures the time here."""

    def send(self, event: Said) -> None:
        self.events.put(event)

    def asked_to_cut(self) -> str | None:
        if self.closed:
            raise SystemExit  # from what trains for nobody any more, before it writes into a folder that may be gone
        return self.reason
