"""What every searcher promises."""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from welltempered import header as headers
from welltempered.decide import Searcher
from welltempered.errors import InvalidInput
from welltempered.events import (
    CRASHED,
    FAILED,
    FINISHED,
    OUT_OF_MEMORY,
    STOPPED,
    WORKER_LOST,
    Cut,
    Ended,
    Event,
    Reported,
    Resumed,
    Started,
    Undone,
)
from welltempered.experiment import Experiment
from welltempered.history import History
from welltempered.repeats import key
from welltempered.schedulers.full import Full
from welltempered.space import Params, Space
from welltempered.testing.case import Case, folded
from welltempered.testing.simulation import SMALL, SPACES, calm

_EPOCHS = 3
_UNDONE = 20
"""Trial after which a zoom is undone by hand, whether there was one or not."""
_EVERY = 4
"""Of so many suggestions one is derived again from the events alone."""

_REPEATS = 10
"""Trials per point of a finite space after which one that repeats points must have come to the end."""

_Curve = Callable[[Params, int], Mapping[str, float | None]]


def check_searcher(
    searcher: Searcher,
    *,
    spaces: Mapping[str, Space] = SPACES,
    seeded: bool = True,
    exhaustive: bool = True,
    repeats: bool = False,
    trials: int = 30,
) -> None:
    """Check what every searcher promises, in spaces of every kind, with trials that end in every way there is.

    - `suggest` is pure: asked again it says the same; it changes nothing and draws from no global generator; a searcher
      built again from the JSON of its fields says the same of the events alone.
    - What it suggests lies in the space, satisfies the constraints, and is plain JSON.
    - The seed decides: another one, other suggestions.
    - No point of a finite space is suggested twice; when there are none left, it says `None`. An infinite space is
      never exhausted.
    - None of this depends on how trials end: there are running, paused, complete, finished, interrupted, resumed,
      failed, crashed and diverged ones, in one space all with the same loss, and none with any at first. Nor does
      an event that belongs to no trial matter to it.

    Args:
        searcher: a frozen dataclass on the top level of a module.
        spaces: where to check it, by name. Default: ten, one of each kind.
        seeded: `False` if it is deterministic, as `Grid` is: then no seed may change anything.
        exhaustive: `False` if it may say `None` before all points are tried.
        repeats: `True` if it suggests points again on purpose, as `Replicate` does, but ten times on average at
            most.
        trials: how many suggestions per space; a small finite one is searched to its end.

    Raises:
        ConformanceError: with the first promise that is broken.
    """
    case = Case(repr(searcher))
    if not isinstance(searcher, Searcher):
        raise case.broken("have suggest(history)", "none", "see welltempered.Searcher")
    again = case.rebuilt(Full(searcher))
    rebuilt = again.searcher if isinstance(again, Full) else searcher
    for name, space in spaces.items():
        here = case.at(f"space {name!r}")
        history = _walk(here.at("seed 0"), searcher, _empty(searcher, space, 0), trials, repeats=repeats)
        _check_end(here.at("seed 0"), searcher, history, trials, exhaustive=exhaustive)
        _check_derived(here.at("seed 0"), rebuilt, history)
        if space.size >= SMALL:
            other = _walk(here.at("seed 1"), searcher, _empty(searcher, space, 1), trials, repeats=repeats)
            _check_seed(here, _params(history), _params(other), seeded=seeded)
    name, space = next(iter(spaces.items()))
    flat = case.at(f"space {name!r}, seed 0, all losses equal")
    equal: _Curve = lambda params, epoch: {"loss": 1.0}  # noqa: ARG005, E731 - one line
    _walk(flat, searcher, _empty(searcher, space, 0), trials, equal, repeats=repeats)


def _empty(searcher: Searcher, space: Space, seed: int) -> History:
    experiment = Experiment(print, space, minimize="loss", epochs=_EPOCHS, method=Full(searcher), seed=seed)
    return History(headers.make(experiment), space)


def _walk(
    case: Case, searcher: Searcher, history: History, trials: int, losses: _Curve = calm, *, repeats: bool
) -> History:
    """Start a trial with each suggestion, and let each come to another end."""
    space = history.space
    most = len(list(space.points(None))) * (_REPEATS if repeats else 1) + 1 if space.size < SMALL else trials
    for trial in range(most):
        here = case.at(f"trial {trial}")
        params = _ask(here, searcher, history)
        if params is None:
            break
        if space.size < SMALL and history.tried(params) and not repeats:
            raise here.broken(
                "suggest no point of a finite space twice",
                params,
                "see history.tried(params), and let Random().suggest(history) choose when all else was tried",
            )
        for event in _life(trial, params, losses):
            history.apply(event)
        if trial == _UNDONE:
            history.apply(Undone(1))
    return history


def _ask(case: Case, searcher: Searcher, history: History) -> Params | None:
    """What is suggested next, asked twice."""
    with case.pure("suggest", history):
        params = searcher.suggest(history)
        text = _text(case, params)
        again = _text(case, searcher.suggest(history))
    if again != text:
        raise case.broken(
            "suggest the same for the same history",
            f"{text.decode()} and then {again.decode()}",
            "draw from history.rng, which begins anew at each access, and keep nothing between calls",
        )
    if params is None:
        return None
    try:
        history.space.check(params)
    except InvalidInput as error:
        raise case.broken(
            "suggest params in the space",
            f"{params}: {error}",
            "make them with space.decode or space.sample, and look at space.feasible",
        ) from None
    return params


def _text(case: Case, params: Params | None) -> bytes:
    """Params as the log keeps them."""
    try:
        text = key(params or {})
        plain = msgspec.json.decode(text) == (params or {})
    except (TypeError, ValueError, OverflowError, msgspec.MsgspecError):
        plain = False
    if not plain:
        raise case.broken(
            "suggest plain JSON",
            repr(params),
            "make numbers of NumPy's with float(), int() or .item(), and lists of tuples",
        )
    return b"None" if params is None else text


def _life(trial: int, params: Params, losses: _Curve) -> Sequence[Event]:
    """The events of a trial: the first ones leave no loss to learn from, later ones end in every way there is."""

    def reports(*epochs: int) -> list[Event]:
        return [Reported(trial, epoch, dict(losses(params, epoch))) for epoch in epochs]

    full = Started(trial, params, _EPOCHS)
    lives: list[list[Event]] = [
        [full, Ended(trial, FAILED, "RuntimeError: no luck")],
        [full, Reported(trial, 1, {"loss": None})],
        [full],
        [full, Cut(trial, 0, WORKER_LOST)],
        [Started(trial, params, 1), *reports(1)],
        [full, *reports(1, 2, 3)],
        [full, *reports(1, 2), Reported(trial, 3, {"loss": None})],
        [full, *reports(1), Cut(trial, 0, WORKER_LOST), Resumed(trial, _EPOCHS), *reports(1, 2, 3)],
        [full, *reports(1), Ended(trial, OUT_OF_MEMORY, "too wide")],
        [full, *reports(1, 2), Ended(trial, FINISHED)],
        [Started(trial, params, 1), *reports(1), Resumed(trial, _EPOCHS), *reports(2), Cut(trial, 1, WORKER_LOST)],
        [full, *reports(1), Ended(trial, CRASHED, "its worker died")],
        [Started(trial, params, 2), *reports(1, 2)],
        [Started(trial, params, 2), *reports(1, 2), Ended(trial, STOPPED, "median: no better than 0.5")],
    ]
    return lives[trial % len(lives)]


def _check_end(case: Case, searcher: Searcher, history: History, trials: int, *, exhaustive: bool) -> None:
    """See that the searcher ends where the space does."""
    space, found = history.space, len({key(params) for params in _params(history)})
    if not exhaustive:
        return
    if space.size >= SMALL:
        if len(history.trials) < trials:
            raise case.broken(
                "go on while there are points to try",
                f"None after {len(history.trials)} trials",
                "say exhaustive=False if it is meant to end",
            )
        return
    points = len(list(space.points(None)))
    if found < points:
        raise case.broken(
            "suggest every point of a finite space",
            f"None after {found} of {points}",
            "let Random().suggest(history) choose when it has nothing else, or say exhaustive=False",
        )
    if _ask(case.at(f"trial {len(history.trials)}"), searcher, history) is not None:
        raise case.broken("say None when every point was tried", "params", "see history.tried(params)")


def _check_derived(case: Case, rebuilt: Searcher, history: History) -> None:
    """Derive suggestions again from nothing but the events before them."""
    for number, event in enumerate(history.events):
        if not isinstance(event, Started) or event.trial % _EVERY:
            continue
        here, past = case.at(f"trial {event.trial}"), folded(history, number)
        with here.pure("suggest", past):
            derived = rebuilt.suggest(past)
        if derived != event.params:
            raise here.broken(
                "suggest the same when all it knows are the events",
                f"{event.params}, and {derived} from a fresh process",
                "keep nothing between calls; state of its own belongs in init and learn, see history.fold",
            )


def _check_seed(case: Case, one: list[Params], other: list[Params], *, seeded: bool) -> None:
    if seeded and one == other:
        raise case.broken(
            "suggest other params for another seed",
            f"the same {len(one)} for seeds 0 and 1",
            "draw from history.rng, or say seeded=False if it is meant to be deterministic",
        )
    if not seeded and one != other:
        raise case.broken(
            "suggest the same for every seed, as seeded=False says",
            "others for seed 1 than for seed 0",
            "leave seeded=False out",
        )


def _params(history: History) -> list[Params]:
    return [trial.params for trial in history.trials]
