"""What every scheduler promises."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product

from welltempered import header as headers
from welltempered.decide import Decision, Keeps, Resume, Scheduler, Searcher, Start, Stop, Wait, decide, decided, record
from welltempered.errors import InvalidInput
from welltempered.events import Ended, Origin, Reported, Resumed, Started
from welltempered.execute.base import Executor
from welltempered.execute.simulate import Simulator
from welltempered.experiment import Experiment
from welltempered.history import History
from welltempered.replay import replay
from welltempered.searchers.random import Random
from welltempered.study import Study
from welltempered.testing.case import Case, folded
from welltempered.testing.simulation import SPACES, Mishaps, bad_luck, curve, uneven
from welltempered.trial import Trial

_SPACES = ("continuous", "nested conditions", "finite with conditions")
"""The last one is exhausted by its 13th trial."""
_SLOTS = (1, 3)
_BUDGET = 9
"""Full trainings that a simulated study may cost, as long as its method does not end it."""
_PAUSES = (0.25, 0.55, 0.56)
"""Shares of the budget after which an unlucky one is interrupted."""
_FORGOTTEN = 5
"""Events that are lost with its driver, after the last of them."""
_EVERY = 3
"""Of so many decisions one is derived again from the events alone."""


def check_scheduler(make: Callable[[Searcher], Scheduler], *, epochs: int = 9) -> None:
    """Check what every scheduler promises, in simulated studies with one slot and with three, calm and unlucky ones.

    In the unlucky ones trials diverge and fail, workers die, budgets run out, and a driver is lost.

    - `next` and `keeps` are pure: asked again they say the same; they change nothing and draw from no global generator;
      a scheduler built again from the JSON of its fields decides the same, when it replays the log and when all it has
      are the events before a decision.
    - Only trials that are paused are resumed or stopped, resumed only to an epoch beyond theirs, stopped with a reason,
      and no lease goes beyond a full training.
    - It goes on when trials fail, and the study ends when the searcher has nothing left.
    - A trial that is resumed was among those it `keeps` all the while that it was paused, and it keeps nothing that has
      ended or is complete. A state with which a trial begins was left by the end of a lease, and kept since then.
    - Where trials cannot be resumed, it refuses with `InvalidInput` at the first decision, or resumes none but the one
      that the slot holds.

    Args:
        make: the scheduler with a given searcher: its class if that is its only argument, such as `Halving`, or
            `lambda searcher: Halving(searcher, eta=2)`. A frozen dataclass on the top level of a module.
        epochs: of a full training. Default 9.

    Raises:
        ConformanceError: with the first promise that is broken.
    """
    scheduler = make(Random())
    case = Case(repr(scheduler))
    if not isinstance(scheduler, Scheduler):
        raise case.broken("have next(history, held) and keeps(history)", "not both", "see welltempered.Scheduler")
    rebuilt = case.rebuilt(scheduler)
    for name, slots in product(_SPACES, _SLOTS):
        where = f"space {name!r}, slots={slots}"
        # Nobody trains here, whatever the training code.
        experiment = Experiment(print, SPACES[name], minimize="loss", epochs=epochs, method=scheduler)
        calm = _calm(case.at(f"{where}, calm"), experiment, slots)
        _check_log(case.at(f"{where}, calm"), rebuilt, calm)
        unlucky = _unlucky(case.at(f"{where}, unlucky"), experiment, slots)
        _check_log(case.at(f"{where}, unlucky"), rebuilt, unlucky)
        tried = len(unlucky.trials) >= experiment.space.size  # whoever has failed cannot be trained instead
        if calm.spent == _BUDGET * epochs > unlucky.spent and not tried:
            raise case.at(f"{where}, unlucky").broken(
                "go on when trials fail",
                f"the end after {unlucky.spent} of {calm.spent} epochs, all of which a calm study uses",
                "do not wait for trials that are over; see Ended in learn, or trial.ended",
            )
        _check_exhausted(case.at(f"{where}, budget for all"), experiment, slots)
        _check_unresumable(case.at(f"{where}, resumable=False"), experiment, slots)


@dataclass(frozen=True)
class Watched:
    """A scheduler under the eyes of its check: each decision is asked for twice and looked at.

    Attributes:
        inner: the scheduler.
        where: where it decides.
    """

    inner: Scheduler
    where: str

    def next(self, history: History, held: Trial | None) -> Decision:
        """See `Scheduler.next`."""
        case = Case(repr(self.inner), self.where).at(f"event {len(history.events) + 1}")
        with case.pure("next", history):
            decision = self.inner.next(history, held)
            again = self.inner.next(history, held)
        if again != decision:
            raise case.broken(
                "decide the same for the same history",
                f"{decision} and then {again}",
                "keep nothing between calls, and draw from history.rng",
            )
        rule = _rule(decision, history, held)
        if rule is not None:
            raise case.broken(rule, decision, "see history.trials[...].state, .epoch and history.epochs")
        return decision

    def keeps(self, history: History) -> Keeps:
        """See `Scheduler.keeps`."""
        return self.inner.keeps(history)


def _rule(decision: Decision, history: History, held: Trial | None) -> str | None:
    """The rule that a decision breaks, if it breaks any."""
    if isinstance(decision, Start):
        if not (isinstance(decision.params, dict) and history.space.contains(decision.params)):
            return "start trials with what the searcher suggests, and wait when that is None"
        if decision.parent is not None and not history.offers(decision.parent):
            return "begin trials with states that are there, see history.offers"
        after = 0 if decision.parent is None else decision.parent.epoch
        good = after < decision.until <= history.epochs
        return None if good else f"grant a new trial a lease until {after + 1}..{history.epochs}"
    if isinstance(decision, Resume | Stop):
        return _rule_of_paused(decision, history, held)
    return None if isinstance(decision, Wait) else "return a Start, a Resume, a Stop or Wait()"


def _rule_of_paused(decision: Resume | Stop, history: History, held: Trial | None) -> str | None:
    trial = history.trials[decision.trial] if 0 <= decision.trial < len(history.trials) else None
    if trial is None or trial.state != "paused":
        what = "resume" if isinstance(decision, Resume) else "stop"
        return f"{what} paused trials only, and none that is {trial.state if trial else 'not there'}"
    if isinstance(decision, Stop):
        return None if decision.why.strip() else "say why a trial is stopped"
    if not history.resumable and (held is None or held.id != trial.id):
        return "resume none but the held trial where trials cannot be resumed, or refuse that with InvalidInput"
    good = trial.epoch < decision.until <= history.epochs
    return None if good else f"grant trial {trial.id} a lease until {trial.epoch + 1}..{history.epochs}"


def _scheduler(experiment: Experiment) -> Scheduler:
    assert experiment.scheduler is not None  # it is the one that is checked
    return experiment.scheduler


def _study(case: Case, experiment: Experiment) -> Study:
    return Study.create(replace(experiment, method=Watched(_scheduler(experiment), case.where)))


def _drive(study: Study, executor: Executor, epochs: int) -> History:
    return study.drive(executor, budget=f"{epochs} epochs").history


def _calm(case: Case, experiment: Experiment, slots: int, epochs: int | None = None) -> History:
    with _study(case, experiment) as study:
        simulator = Simulator(curve, slots=slots, seconds=uneven)
        return _drive(study, simulator, epochs or _BUDGET * experiment.epochs)


def _unlucky(case: Case, experiment: Experiment, slots: int) -> History:
    fate, budget = bad_luck(0), _BUDGET * experiment.epochs

    def executor() -> Executor:
        return Mishaps(Simulator(curve, slots=slots, seconds=uneven), fate, alike=False)

    with _study(case, experiment) as study:
        for share in _PAUSES:
            history = _drive(study, executor(), math.ceil(share * budget))
    with _study(case, experiment) as study:
        for event in history.events[:-_FORGOTTEN]:
            study.append(event)
        return _drive(study, executor(), budget)


def _check_exhausted(case: Case, experiment: Experiment, slots: int) -> None:
    """See that the study ends when the searcher has nothing left."""
    if experiment.space.size == math.inf:
        return
    more = int(experiment.space.size * experiment.epochs) + 1  # than all trials can train
    if _calm(case, experiment, slots, more).spent == more:
        raise case.broken(
            "end when the searcher has nothing left",
            f"no end after {more} epochs",
            "return Wait() when the searcher says None and nobody is to be resumed",
        )


def _check_unresumable(case: Case, experiment: Experiment, slots: int) -> None:
    """See that trials which cannot be resumed are not, or that the scheduler says it needs to."""
    unresumable = replace(experiment, resumable=False)
    scheduler = _scheduler(unresumable)
    try:
        scheduler.next(History(headers.make(unresumable), unresumable.space), None)
    except InvalidInput:
        return  # refused at once, which is fine
    history = _calm(case, unresumable, slots)
    _check_derived(case, scheduler, history)


def _check_log(case: Case, rebuilt: Scheduler, history: History) -> None:
    _check_derived(case, rebuilt, history)
    _check_keeps(case, rebuilt, history)


def _check_derived(case: Case, rebuilt: Scheduler, history: History) -> None:
    """Derive the decisions again: all of them in a replay, some from nothing but the events before them."""
    way_out = "keep nothing between calls; state of its own belongs in init and learn, see history.fold"
    found = replay(history.header, history.events, history.space, Watched(rebuilt, f"{case.where}, replayed"))
    if found.differences:
        raise case.broken("decide the same when its log is replayed", found.differences[0], way_out)
    decisions = [(n, event) for n, event in enumerate(history.events) if decided(event)]
    for number, event in decisions[::_EVERY]:
        here, past = case.at(f"event {number + 1}"), folded(history, number)
        held = None if event.held is None else past.trials[event.held]
        with here.pure("next", past):
            decision = decide(rebuilt, past, held)
        device = "cpu" if isinstance(event, Ended) else event.device
        derived = decision if isinstance(decision, Wait) else record(decision, past, held, event.at, device)
        if derived != event:
            raise here.broken(
                "decide the same when all it knows are the events",
                f"{event}, and {derived} from a fresh process",
                way_out,
            )


def _check_keeps(case: Case, rebuilt: Scheduler, history: History) -> None:
    """Follow the log event by event: nobody may be let go of who is resumed later, and no state that is inherited."""
    past = folded(history, 0)
    let_go: dict[int, int] = {}  # paused trial -> event after which it was not kept
    offered: set[Origin] = set()  # states that leases have left, and that were kept since
    for number, event in enumerate([None, *history.events]):
        here = case.at(f"event {number}")
        if isinstance(event, Resumed) and (since := let_go.pop(event.trial, None)) is not None:
            raise here.broken(
                "keep the trials that it may still resume",
                f"trial {event.trial} resumed that keeps did not name after event {since}",
                "name every paused trial that may be resumed, from the moment at which it pauses",
            )
        if isinstance(event, Started) and event.parent is not None and event.parent not in offered:
            raise here.broken(
                "keep the states with which trials may begin",
                f"a trial that begins with {event.parent}, which was not kept",
                "name the state in keeps, from the end of the lease that left it",
            )
        if event is not None:
            past.apply(event)
        kept, states = _kept(here, rebuilt, past)
        if isinstance(event, Reported) and event.trial not in past.running:
            offered.add(Origin(event.trial, event.epoch))
        offered = {state for state in offered if state in states or _newest(past, state, kept)}
        paused = (trial.id for trial in past.trials if trial.state == "paused")
        let_go |= {id: number for id in paused if id not in kept and id not in let_go}


def _newest(history: History, state: Origin, kept: set[int]) -> bool:
    """Whether a state is kept as the newest one of its trial."""
    return state.trial in kept and state.epoch == history.epoch(state.trial)


def _kept(case: Case, scheduler: Scheduler, history: History) -> tuple[set[int], set[Origin]]:
    """The trials and the states that are kept, asked twice."""
    with case.pure("keeps", history):
        kept, again = set(scheduler.keeps(history)), set(scheduler.keeps(history))
    if kept != again:
        raise case.broken(
            "keep the same for the same history",
            f"{sorted(kept, key=str)} and then {sorted(again, key=str)}",
            "keep nothing between calls",
        )
    trials = {keep for keep in kept if isinstance(keep, int)}
    for id in sorted(trials):
        state = history.trials[id].state if 0 <= id < len(history.trials) else "not there"
        if state not in ("running", "paused", "interrupted"):
            raise case.broken(
                "keep only what can be resumed",
                f"trial {id}, which is {state}",
                "leave out what has ended or is complete",
            )
    return trials, {keep for keep in kept if isinstance(keep, Origin)}
