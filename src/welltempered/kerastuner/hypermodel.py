"""What is tuned: a builder of models, and perhaps how to train them."""

import functools
from collections.abc import Callable
from typing import Any

from welltempered.checks import shown
from welltempered.kerastuner.errors import FatalValueError
from welltempered.kerastuner.hyperparameters import HyperParameters

__all__ = ["HyperModel", "hypermodel_of"]


class HyperModel:
    """A space of models: subclass it with `build`, and with `fit` where training is to be tuned, too.

    Args:
        name: what it is called.
        tunable: whether what `build` asks for is tuned; if not, it has its default unless it was declared elsewhere.
    """

    def __init__(self, name: str | None = None, tunable: bool = True) -> None:
        self.name = name
        self.tunable = tunable

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "build" in cls.__dict__:
            cls.build = _untuned(cls.build)  # type: ignore[method-assign]

    def build(self, hp: HyperParameters) -> Any:
        """The model for these values, compiled."""
        raise NotImplementedError

    def declare_hyperparameters(self, hp: HyperParameters) -> None:
        """Ask for hyperparameters before the first build; by default for none."""

    def fit(self, hp: HyperParameters, model: Any, *args: Any, **kwargs: Any) -> Any:
        """Train the model, and say what that reached.

        Args:
            hp: the values.
            model: what `build` has returned.
            args: what `search` was given.
            kwargs: the same, with `callbacks` of ours added, which belong into `model.fit`.

        Returns:
            A `History`, a dict of metrics, the objective as a float, or a list of such.
        """
        return model.fit(*args, **kwargs)


def _untuned(build: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(build)
    def wrapper(self: HyperModel, hp: HyperParameters, *args: Any, **kwargs: Any) -> Any:
        return build(self, hp if getattr(self, "tunable", True) else hp.copy(), *args, **kwargs)

    return wrapper


class DefaultHyperModel(HyperModel):
    """The hypermodel that a function is."""

    def __init__(self, build: Callable[[HyperParameters], Any]) -> None:
        super().__init__()
        self._function = build

    def build(self, hp: HyperParameters) -> Any:
        return self._function(hp)


def hypermodel_of(given: Any) -> Any:
    """The hypermodel that was given: ours, what looks like it (KerasTuner's own applications), or a function.

    Raises:
        FatalValueError: if it is none of these.
    """
    if given is None or isinstance(given, HyperModel) or (hasattr(given, "build") and hasattr(given, "fit")):
        return given
    if not callable(given):
        raise FatalValueError(
            "The `hypermodel` argument should be either a callable with signature `build(hp)` returning a model, "
            f"or an instance of `HyperModel`, got {shown(given)}"
        )
    return DefaultHyperModel(given)


def trains_itself(hypermodel: Any) -> bool:
    """Whether it has a `fit` of its own."""
    return hypermodel is not None and getattr(type(hypermodel), "fit", None) is not HyperModel.fit
