"""What training code of KerasTuner scripts may raise to end a trial, or the whole search."""

__all__ = ["FailedTrialError", "FatalError", "FatalRuntimeError", "FatalTypeError", "FatalValueError"]


class FailedTrialError(Exception):
    """Raised by a builder or a training: this trial has failed, and trying it again would not help."""


class FatalError(Exception):
    """Raised by a builder or a training: the search ends at once, and the error reaches whoever has called `search`."""


class FatalValueError(FatalError, ValueError):
    """A fatal error that is a `ValueError`, too."""


class FatalTypeError(FatalError, TypeError):
    """A fatal error that is a `TypeError`, too."""


class FatalRuntimeError(FatalError, RuntimeError):
    """A fatal error that is a `RuntimeError`, too."""
