"""The object that builders ask for their hyperparameters: what there is to tune, and the values of one trial."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

from welltempered.errors import InvalidInput
from welltempered.kerastuner import parameters as kinds
from welltempered.kerastuner.parameters import HyperParameter, Parent, from_config

__all__ = ["HyperParameters"]


class HyperParameters:
    """A space of hyperparameters, and a value for each that is in use.

    A builder asks it for values, `hp.Int("units", 32, 512, step=32)`; what it has not been asked for before joins the
    space, and has its default as value.

    Attributes:
        values: the values by name, of active hyperparameters only.
        asked: names of those that were asked for, in order, since the object was made.
    """

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.asked: dict[str, None] = {}
        self._space: list[HyperParameter] = []
        self._scopes: list[str] = []
        self._conditions: list[Parent] = []

    # ------------------------------------------------------------------ ask

    def Int(
        self,
        name: str,
        min_value: int,
        max_value: int,
        step: int | None = None,
        sampling: str = "linear",
        default: int | None = None,
        parent_name: str | None = None,
        parent_values: Any = None,
    ) -> Any:
        """A whole number.

        Args:
            name: its name.
            min_value: the smallest.
            max_value: the largest, included.
            step: distance between two of them, with logarithmic sampling a factor. Default: all.
            sampling: "linear", "log", or "reverse_log", which is only kept for old scripts.
            default: value where it is not tuned. Default `min_value`.
            parent_name: a hyperparameter that must have one of `parent_values` for this one to be used.
            parent_values: see there.

        Returns:
            Its value; `None` if it is not in use.

        Raises:
            InvalidInput: if the arguments do not fit together.
        """
        with self._maybe(parent_name, parent_values):
            return self._value(
                kinds.Int(
                    self._full(name),
                    min_value,
                    max_value,
                    step,
                    sampling=sampling,
                    default=default,
                    conditions=self._conditions,
                )
            )

    def Float(
        self,
        name: str,
        min_value: float,
        max_value: float,
        step: float | None = None,
        sampling: str = "linear",
        default: float | None = None,
        parent_name: str | None = None,
        parent_values: Any = None,
    ) -> Any:
        """A real number.

        The arguments are those of `Int`; `sampling` may also be "one_minus_log", uniform in log(1 - x), which is the
        scale of momentum and of Adam's betas, and which KerasTuner does not have.

        Raises:
            InvalidInput: if the arguments do not fit together.
        """
        with self._maybe(parent_name, parent_values):
            return self._value(
                kinds.Float(
                    self._full(name),
                    min_value,
                    max_value,
                    step,
                    sampling=sampling,
                    default=default,
                    conditions=self._conditions,
                )
            )

    def Choice(
        self,
        name: str,
        values: Sequence[Any],
        ordered: bool | None = None,
        default: Any = None,
        parent_name: str | None = None,
        parent_values: Any = None,
    ) -> Any:
        """One of several values, all of them int, float, str or bool.

        Args:
            name: its name.
            values: the values.
            ordered: whether they have an order; by default numbers have. No method here makes use of it.
            default: value where it is not tuned. Default: the first.
            parent_name: as in `Int`.
            parent_values: as in `Int`.

        Raises:
            InvalidInput: if there is none, or the default is none of them.
            TypeError: if they are of several types, or of another one.
        """
        with self._maybe(parent_name, parent_values):
            return self._value(
                kinds.Choice(self._full(name), values, ordered=ordered, default=default, conditions=self._conditions)
            )

    def Boolean(
        self, name: str, default: bool = False, parent_name: str | None = None, parent_values: Any = None
    ) -> Any:
        """True or false, by default false; the other arguments are those of `Int`."""
        with self._maybe(parent_name, parent_values):
            return self._value(kinds.Boolean(self._full(name), default, conditions=self._conditions))

    def Fixed(self, name: str, value: Any, parent_name: str | None = None, parent_values: Any = None) -> Any:
        """A value that is not tuned; the other arguments are those of `Int`."""
        with self._maybe(parent_name, parent_values):
            return self._value(kinds.Fixed(self._full(name), value, conditions=self._conditions))

    # ------------------------------------------------------------------ scopes

    @contextlib.contextmanager
    def name_scope(self, name: str) -> Iterator[None]:
        """Within it names begin with `name/`."""
        self._scopes.append(name)
        try:
            yield
        finally:
            self._scopes.pop()

    @contextlib.contextmanager
    def conditional_scope(self, parent_name: str, parent_values: Any) -> Iterator[None]:
        """Within it hyperparameters are only in use if another one has one of these values; else they are `None`.

        Raises:
            InvalidInput: if that other one is not known.
        """
        parent = self._full(parent_name)
        if not any(known.name == parent for known in self._space):
            raise InvalidInput(
                f"`HyperParameter` named: {parent} not defined. Ask for it before the scope that needs it"
            )
        self._conditions.append(Parent(parent, parent_values))
        try:
            yield
        finally:
            self._conditions.pop()

    def _maybe(self, parent: str | None, values: Any) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext() if parent is None else self.conditional_scope(parent, values)

    # ------------------------------------------------------------------ look

    @property
    def space(self) -> list[HyperParameter]:
        """All hyperparameters, in the order in which they were asked for."""
        return self._space

    def get(self, name: str) -> Any:
        """The value of a hyperparameter.

        Raises:
            ValueError: if it is not in use.
            KeyError: if there is none.
        """
        name = self._full(name)
        for known in self._space:
            if known.name == name and self.is_active(known):
                self.values.setdefault(name, known.default)
        if name in self.values:
            self.asked[name] = None
            return self.values[name]
        if any(known.name == name for known in self._space):
            raise ValueError(f"{name} is currently inactive.")
        raise KeyError(f"{name} does not exist.")

    def __getitem__(self, name: str) -> Any:
        return self.get(name)

    def __contains__(self, name: str) -> bool:
        return self._full(name) in self.values

    def is_active(self, hyperparameter: HyperParameter | str) -> bool:
        """Whether all conditions of a hyperparameter hold; of a name, of any that has it."""
        if isinstance(hyperparameter, HyperParameter):
            return all(condition.is_active(self.values) for condition in hyperparameter.conditions)
        return any(self.is_active(known) for known in self._space if known.name == str(hyperparameter))

    def known(self, hyperparameter: HyperParameter) -> HyperParameter | None:
        """The one of this name and under these conditions, if it has been asked for before."""
        for known in self._space:
            if known.name == hyperparameter.name and known.conditions == hyperparameter.conditions:
                return known
        return None

    # ------------------------------------------------------------------ change, copy

    def merge(self, hps: "HyperParameters | Sequence[HyperParameter]", overwrite: bool = True) -> None:
        """Take up further hyperparameters; with `overwrite` those of the same name and conditions are replaced."""
        for hp in hps.space if isinstance(hps, HyperParameters) else hps:
            known = self.known(hp)
            if known is None:
                self._register(hp)
            elif overwrite:
                self._space[self._space.index(known)] = _copied(hp)
                if self.is_active(hp):
                    self.values[hp.name] = hp.default

    def ensure_active_values(self) -> None:
        """Give what is in use and has no value a random one, and take values from what is not."""
        for hp in self._space:
            if self.is_active(hp):
                self.values.setdefault(hp.name, hp.random_sample())
            elif not any(self.is_active(other) for other in self._space if other.name == hp.name):
                self.values.pop(hp.name, None)

    def get_config(self) -> dict[str, Any]:
        """As JSON: the space and the values."""
        space = [{"class_name": type(hp).__name__, "config": hp.get_config()} for hp in self._space]
        return {"space": space, "values": dict(self.values)}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """The object that `get_config` described."""
        new = cls()
        new._space = [from_config(each) for each in config["space"]]
        new.values = dict(config["values"])
        return new

    def copy(self) -> Self:
        """An object of its own with the same space and values."""
        return self.from_config(self.get_config())

    # ------------------------------------------------------------------ inside

    def _full(self, name: str) -> str:
        return "/".join([*self._scopes, str(name)])

    def _value(self, hp: HyperParameter) -> Any:
        """The value of what is asked for, which joins the space if it is new."""
        if any(condition.name == hp.name for condition in hp.conditions):
            raise InvalidInput(
                f"name of a hyperparameter must differ from its conditions: {hp.name!r} cannot have the same name as "
                "what it depends on"
            )
        known = self.known(hp)
        if known is None:
            known = self._register(hp)
        if not self.is_active(known):
            return None  # so that nobody relies on it
        self.asked[hp.name] = None
        return self.values.setdefault(hp.name, known.default)

    def _register(self, hp: HyperParameter) -> HyperParameter:
        new = _copied(hp)
        self._space.append(new)
        if self.is_active(new):
            self.values.setdefault(new.name, new.default)
        return new


def _copied(hp: HyperParameter) -> HyperParameter:
    return from_config({"class_name": type(hp).__name__, "config": hp.get_config()})
