"""Training in processes of their own: one per slot, started when first needed, reused from trial to trial."""

import math
import time
from collections.abc import Sequence
from multiprocessing.connection import wait
from pathlib import Path

import cloudpickle

from welltempered.budget import duration
from welltempered.checks import shown, whole
from welltempered.errors import InvalidInput
from welltempered.events import OUT_OF_MEMORY, OUT_OF_TIME, TIME_LIMIT, Ended
from welltempered.execute.child import Child
from welltempered.execute.devices import device_of, gpus
from welltempered.experiment import Train
from welltempered.lease import Lease, Lost, Said
from welltempered.limits import Limits, size
from welltempered.run import Setting

_PATIENCE = 5.0
"""Seconds a worker is given to leave by itself before it is killed."""
_LOOK_SECONDS = 0.5
"""Between two looks at the memory of workers; one costs some milliseconds."""
_START_SECONDS = 600.0
"""Longest start of a worker, with the import of the training code, where epochs have a limit."""


class Processes:
    """One process per slot. A process that dies takes its lease with it and nothing else: it is started anew.

    Training code travels by value where a worker could not import it (scripts, notebooks, closures), so no
    `if __name__ == "__main__"` guard is needed. What it prints is written to `logs/<trial>.log`. Workers ignore Ctrl-C,
    which is the study's to handle, and die with the study's process, however that dies, and so do their own children.
    Linux and macOS.

    Each worker sees one GPU, as its only one (`CUDA_VISIBLE_DEVICES`); with more slots than GPUs several workers share
    one.

    Args:
        train: the training code.
        setting: what all its runs have in common.
        slots: how many processes.
        logs: folder of the log files; made if missing.
        threads: threads of each process. Default 1: two processes with one thread each train faster than one with two,
            and processes that compete for cores slow down by an order of magnitude.
        devices: the GPUs to deal out, as `CUDA_VISIBLE_DEVICES` names them. Default: all that this process may use.
        limits: memory and time of a worker.

    Raises:
        InvalidInput: if `slots` or `threads` is below 1, or the training code cannot be sent to another process.
    """

    def __init__(  # noqa: PLR0913 - all but two have names
        self,
        train: Train,
        setting: Setting,
        *,
        slots: int,
        logs: Path,
        threads: int = 1,
        devices: Sequence[str] | None = None,
        limits: Limits | None = None,
    ) -> None:
        for name, value in (("slots", slots), ("threads", threads)):
            whole(name, value, "a whole number of at least 1", 1)
        self.slots = slots
        self.clock = time.monotonic
        self._limits = limits or Limits()
        self._devices = gpus() if devices is None else tuple(devices)
        self._logs = logs
        self._threads = threads
        self._job = _pickled("train", train), _pickled("space", setting)
        self._workers: dict[int, Child] = {}
        self._looked = -math.inf
        try:
            logs.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InvalidInput(
                f"logs must be a folder that can be made, got {logs}: {error.strerror}; see what is there"
            ) from None

    def device(self, slot: int) -> str:
        """See `Executor.device`."""
        return device_of(slot, self._devices)

    def assign(self, slot: int, lease: Lease) -> None:
        """See `Executor.assign`."""
        worker = self._workers.get(slot)
        if worker is not None and not worker.alive():
            worker.discard()
            worker = None
        if worker is None:
            gpu = self._devices[slot % len(self._devices)] if self._devices else None
            worker = self._workers[slot] = Child(self._job, self._logs, self._threads, gpu)
        worker.assign(lease)

    def poll(self, timeout: float) -> Sequence[Said]:
        """See `Executor.poll`."""
        workers = {worker.connection: worker for worker in self._workers.values() if worker.lease is not None}
        said: list[Said] = []
        ready = wait(list(workers), timeout)
        for connection, worker in workers.items():
            if connection in ready or not worker.alive():
                self._listen(worker, said)
        self._enforce(said)
        return said

    def cut(self, reason: str) -> None:
        """See `Executor.cut`."""
        for worker in self._workers.values():
            worker.cut(reason)

    def close(self) -> None:
        """See `Executor.close`."""
        for worker in self._workers.values():
            worker.leave()
        deadline = time.monotonic() + _PATIENCE
        for worker in self._workers.values():
            worker.join(deadline)

    def _listen(self, worker: Child, said: list[Said]) -> None:
        """Take what a worker has said; if it is gone, say so for it."""
        messages, lost = worker.receive()
        said += messages
        if messages and isinstance(messages[-1], Lost):
            worker.discard()  # what it held in vain is only sure to be free once it is gone
        elif lost is not None and (loss := worker.lost(*lost)) is not None:
            said.append(loss)

    def _enforce(self, said: list[Said]) -> None:
        """End the workers that go beyond a limit."""
        now = time.monotonic()
        look = self._limits.memory < math.inf and now - self._looked >= _LOOK_SECONDS
        self._looked = now if look else self._looked
        for worker in self._workers.values():
            over = self._over(worker, now, look=look)
            if over is None:
                continue
            lease = worker.lease
            worker.kill()
            said += worker.receive()[0]  # what it has said before still counts, and may have closed the lease
            loss = worker.lost(*over)
            if loss is not None and lease is not None and over[0] == OUT_OF_TIME:
                said.append(Ended(lease.trial.id, *over))
            elif loss is not None:
                said.append(loss)
            worker.discard()

    def _over(self, worker: Child, now: float, *, look: bool) -> tuple[str, str] | None:
        """The limit beyond which a worker is, as reason and sentence."""
        if worker.lease is None:
            return None
        limits, silent = self._limits, now - worker.heard
        if silent > (limits.epoch if worker.begun else max(limits.epoch, _START_SECONDS)):
            return TIME_LIMIT, f"an epoch took more than {duration(limits.epoch)}"
        if worker.begun and worker.lease.trial.seconds + now - worker.began > limits.trial:
            return OUT_OF_TIME, f"the trial took more than {duration(limits.trial)}"
        if look and (used := worker.memory()) > limits.memory:
            return OUT_OF_MEMORY, f"its worker used {size(used)}, the limit is {size(limits.memory)}"
        return None


def _pickled(name: str, value: object) -> bytes:
    try:
        data: bytes = cloudpickle.dumps(value)
    except Exception as error:
        raise InvalidInput(
            f"{name} must be something that can be sent to worker processes, got {shown(value)}: {error}; "
            "create what cannot be sent inside of train, or use workers=0 to train in this process"
        ) from error
    return data
