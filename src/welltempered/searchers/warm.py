"""A searcher that starts from what other studies have found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from welltempered.checks import number, shown
from welltempered.decide import Searcher, check_searcher
from welltempered.errors import InvalidInput
from welltempered.events import Event
from welltempered.history import History
from welltempered.searchers.around import around, first_untried, known, own_rng, place
from welltempered.searchers.evidence import compare
from welltempered.searchers.turns import FLOOR, Turns
from welltempered.space import Params, Space
from welltempered.space.given import Given, givens

KEPT = 10
"""The best settings of a study that are kept: with 5 or 20 instead, transfer between tasks was as good."""
_NEAR = 0.1
"""Standard deviation of draws around a kept setting, where 1 is the whole scale of a parameter."""


@dataclass(frozen=True)
class Warm:
    """A searcher that starts from other studies, also of other spaces: on other data, with another model.

    Of each study the ten best settings are kept, in their order and without their losses, which mean nothing elsewhere
    (so Salinas, Shen & Perrone, "A quantile-based approach for hyperparameter transfer learning", ICML 2020, who
    keep ranks). They stand in the method, so the studies are needed no more, neither to continue nor to replay. The
    searcher and each study take turns: a study's turn is its next best setting, after the last a draw around one of
    them. How often each is asked follows from what its trials come to, as in `Portfolio`, so a study that misleads
    is soon asked rarely.

    A parameter is known by its name, or else by the hyperparameter that it is, as presets say (`Parameter.means`).
    Values beyond a range count as its end; parameters that a study does not know are drawn evenly.
    A decision costs what the searcher takes, or O(parameters) with the ten settings.

    Attributes:
        searcher: where the other params come from; it learns from all trials.
        sources: the studies, as `Study`, `History`, or a list of params, best first, where they have no study.
        trust: share of the trials that comes from them, before there are results. Default 0.5: with more, sources that
            help did as well, and those that mislead cost more.

    Raises:
        InvalidInput: if an argument is of another kind or out of range; if a study has no trial to learn from; at the
            first suggestion, if a source has no parameter in common with the space.
    """

    searcher: Searcher
    sources: Sequence[Any]
    trust: float = 0.5

    def __post_init__(self) -> None:
        check_searcher(self.searcher, type(self).__name__)
        many = self.sources
        if not isinstance(many, Sequence) or isinstance(many, str) or not many:
            raise InvalidInput(f"sources must be a list of studies, as in Warm(Sobol(), [study]), got {shown(many)}")
        object.__setattr__(self, "sources", tuple(map(_settings, many)))
        object.__setattr__(self, "trust", number("trust", self.trust, "above 0 and below 1", 0, 1))

    def init(self, history: History) -> Turns:
        """All sources are trusted alike, and come before the searcher."""
        count = len(self.sources)
        return Turns([1 - self.trust, *[self.trust / count] * count], FLOOR, last=0)

    def learn(self, state: Turns, history: History, event: Event) -> None:
        """Note whose trial it was and what has become of it."""
        state.learn(history, event)

    def suggest(self, history: History) -> Params | None:
        """What the source suggests whose turn it is; `None` when the searcher has nothing left."""
        if not history.trials:
            self._check(history.space)
        turns = history.fold(self)
        turn = turns.order()[0]
        drawn = self._drawn(history, self.sources[turn - 1], turns.count[turn]) if turn else None
        return self.searcher.suggest(history) if drawn is None else drawn

    def _drawn(self, history: History, settings: Sequence[Given], count: int) -> Params | None:
        """The next setting of a source that had so many turns; after the last a draw around one of the better ones."""
        space, rng = history.space, own_rng(history, type(self).__name__)
        for setting in settings[count:]:
            params = space.decode(around(space, place(space, setting), 0.0, rng))
            if space.feasible(params) and not history.tried(params):
                return params
        center = place(space, settings[int(len(settings) * rng.random() ** 2)])
        return first_untried(history, partial(around, space, center, _NEAR, rng))

    def _check(self, space: Space) -> None:
        for settings in self.sources:
            if not any(known(name, space[name], setting) for setting in settings for name in space):
                names = ", ".join(dict.fromkeys(name for setting in settings for name in setting))
                raise InvalidInput(
                    f"sources must have a parameter in common with the space, {', '.join(space)}, got one of {names}; "
                    "say which hyperparameter one is, as in Float(1e-5, 1e-1, scale='log', means='learning_rate')"
                )


def _settings(source: object) -> tuple[Given, ...]:
    """The best settings of a source, best first."""
    if isinstance(source, str | Path):
        opened = f"Study.open({str(source)!r})"
        raise InvalidInput(
            f"sources must be studies or lists of params, got {shown(source)}; for a folder write {opened}"
        )
    history = getattr(source, "history", source)
    if not isinstance(history, History):
        settings = givens("sources", source)
    else:
        settings = tuple(Given(_named(history.trials[id].params, history.space)) for id in _best(history))
    if not settings:
        raise InvalidInput(f"sources must have trials to learn from, got {shown(source)}, where none has a finite loss")
    return settings


def _best(history: History) -> list[int]:
    """The best trials, compared after the same epoch; where few have been trained, after their last."""
    compared = compare(history)
    ranked = [int(id) for id in compared.ranked if compared.epoch] or [trial.id for trial in _by_loss(history)]
    distinct = {Given(history.trials[id].params): id for id in reversed(ranked)}
    return sorted(distinct.values(), key=ranked.index)[:KEPT]


def _by_loss(history: History) -> list[Any]:
    sound = [trial for trial in history.trials if not trial.failed and trial.losses]
    return sorted((t for t in sound if t.loss < float("inf")), key=lambda trial: (trial.loss, trial.id))


def _named(params: Mapping[str, Any], space: Space) -> Params:
    """Params by their names, and also by the hyperparameters that they are."""
    means = {space[name].means: value for name, value in params.items()}
    return {name: value for name, value in means.items() if name is not None} | dict(params)
