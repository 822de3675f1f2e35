"""What can go wrong, as a tree of exceptions.

Catch ``WelltemperedError`` for everything this package raises on purpose::

    WelltemperedError
    ├── InvalidInput (also a ValueError)    an argument breaks a rule
    ├── StudyChanged                        the study at this path was made with another space, objective, ...
    ├── StudyBusy                           this study is being run, elsewhere or in this process
    ├── Conflict                            somebody else has written to the log meanwhile
    ├── CorruptLog                          a log or an event is none of ours, or does not fit
    ├── CorruptCheckpoint                   a checkpoint is missing or damaged
    ├── CheckpointUnwritten                 a checkpoint cannot be written: disk full, folder read-only
    └── TrainingFailed                      the training code fails again and again
"""

__all__ = [
    "CheckpointUnwritten",
    "Conflict",
    "CorruptCheckpoint",
    "CorruptLog",
    "InvalidInput",
    "StudyBusy",
    "StudyChanged",
    "TrainingFailed",
    "WelltemperedError",
]


class WelltemperedError(Exception):
    """The root of all errors raised by this package."""


class InvalidInput(WelltemperedError, ValueError):
    """An argument breaks a rule; the message names argument, rule, value and the way out."""


class StudyChanged(WelltemperedError):
    """The study at this path has another space, objective, seed or method; the message shows the difference."""


class StudyBusy(WelltemperedError):
    """The study is being run, by another process or by this one."""


class Conflict(WelltemperedError):
    """Somebody else has written to the log since it was read.

    Args:
        seq: number of the record that was taken.
    """

    def __init__(self, seq: int) -> None:
        super().__init__(f"record {seq} of the log is taken: another process writes to this study; open it again")


class CorruptLog(WelltemperedError):
    """A log or an event is none of ours, or does not fit to what went before."""


class CorruptCheckpoint(WelltemperedError):
    """A checkpoint is missing or damaged."""


class CheckpointUnwritten(WelltemperedError):
    """A checkpoint cannot be written: the disk is full, or its folder read-only."""


class TrainingFailed(WelltemperedError):
    """The training code has failed alike in the first three trials, or in ten in a row; the message holds why."""
