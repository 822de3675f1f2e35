"""The loop of a slot, the same in a thread and in a process: take a lease, train, take the next."""

import errno
import traceback
from collections.abc import Callable
from pathlib import Path

from welltempered.errors import CheckpointUnwritten, CorruptCheckpoint, WelltemperedError
from welltempered.events import DAMAGED, FAILED, FINISHED, OUT_OF_MEMORY, UNWRITTEN, WORKER_LOST, Cut, Ended
from welltempered.experiment import Train
from welltempered.lease import Channel, Lease, Lost
from welltempered.run import Run, Setting

_OURS = str(Path(__file__).parents[1])
_OUT_OF_MEMORY = {"MemoryError", "OutOfMemoryError", "ResourceExhaustedError"}
"""Classes of exceptions: Python's and NumPy's, torch's (also `torch.cuda`), TensorFlow's."""
_NO_MEMORY = ("RESOURCE_EXHAUSTED", "DefaultCPUAllocator: can't allocate memory", "CUDA out of memory")
"""What messages say where the class is none of its own: XLA's, torch's on the CPU, CUDA libraries'."""


def work(train: Train, setting: Setting, channel: Channel, rest: Callable[[], None] = lambda: None) -> None:
    """Serve a slot until its channel says it is over; `rest` is called between two trials."""
    lease = channel.receive()
    while lease is not None:
        lease = _trial(train, setting, channel, lease)
        rest()


def _trial(train: Train, setting: Setting, channel: Channel, lease: Lease) -> Lease | None:
    """Train one trial for as many leases as it gets in a row; returns the first lease of another trial."""
    trial = lease.trial
    channel.begin(lease)
    if trial.epoch and not setting.resumable:
        channel.send(Ended(trial.id, FINISHED))  # its training code has returned, and nothing can bring it back
        return channel.receive()
    try:
        run = Run(setting, channel, lease)
    except CorruptCheckpoint as error:  # no fault of the trial's: it goes on from an older one
        channel.send(
            Cut(trial.id, setting.checkpoints.sound(trial.id, trial.epoch, trial.parent), DAMAGED, error=str(error))
        )
        return channel.receive()
    except WelltemperedError as error:
        channel.send(Ended(trial.id, FAILED, str(error)))
        return channel.receive()
    except Exception as error:  # noqa: BLE001 - such as no memory or a disk that fails for a moment
        channel.send(Lost(trial.id, OUT_OF_MEMORY if _out_of_memory(error) else WORKER_LOST, _text(error)))
        return channel.receive()
    try:
        train(run)
        run.finish()
    except CheckpointUnwritten as error:
        run.lose(UNWRITTEN, str(error))
    except BaseException as error:  # noqa: BLE001 - whatever training code does, the study goes on
        _fail(run, channel, error)
    return run.leave()


def _fail(run: Run, channel: Channel, error: BaseException) -> None:
    text = _text(error)
    if run.training and (reason := channel.asked_to_cut()):  # a child of this process may have been told to end, too
        run.interrupt(reason, text)
    elif isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        run.lose(UNWRITTEN, f"there must be room on the disk, got: {error}; make some, then run the study again")
    elif _out_of_memory(error):
        run.lose(OUT_OF_MEMORY, text)
    else:
        run.fail(text)


def _out_of_memory(error: BaseException) -> bool:
    said = "".join(traceback.format_exception_only(error))  # `str` of somebody's exception may itself raise
    named = {kind.__name__ for kind in type(error).__mro__} & _OUT_OF_MEMORY
    return bool(named) or any(sign in said for sign in _NO_MEMORY)


def _text(error: BaseException) -> str:
    """The traceback without the frames of this package, and the error; it alone, if it says all and none are left."""
    frames = traceback.TracebackException(type(error), error, error.__traceback__)
    part: traceback.TracebackException | None = frames
    alone = isinstance(error, WelltemperedError)
    while part is not None:
        theirs = [frame for frame in part.stack if not frame.filename.startswith(_OURS)]
        alone = alone and not theirs
        part.stack = traceback.StackSummary.from_list(theirs or part.stack)
        part = part.__cause__ or part.__context__
    return (
        "".join(frames.format_exception_only() if alone else frames.format())
        .encode("utf-8", "backslashreplace")
        .decode()
    )  # file names may hold what no text may
