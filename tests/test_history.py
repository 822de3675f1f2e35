import math
import random
from dataclasses import dataclass

import msgspec
import numpy as np
import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from simulated import SPACES, bad_luck, copied, history_of, simulate, study_of
from welltempered.errors import CorruptLog
from welltempered.events import Cut, Ended, Event, Origin, Reported, Resumed, Started, Undone
from welltempered.history import History
from welltempered.repeats import average
from welltempered.schedulers.full import Full
from welltempered.schedulers.halving import Halving
from welltempered.schedulers.hyperband import Hyperband
from welltempered.searchers.random import Random
from welltempered.searchers.sobol import Sobol

SPACE = SPACES["finite with conditions"]
POINTS = list(SPACE.points(None))
EPOCHS = 5


def empty(seed=0):
    return history_of(SPACE, Full(Random()), epochs=EPOCHS, seed=seed)


def replayed(events, seed=0):
    history = empty(seed)
    for event in events:
        history.apply(event)
    return history


def finite(loss):
    return math.inf if loss is None else loss


@dataclass(frozen=True)
class Diary:
    """A method whose state is all that it was told, to see that it is told the same early and late."""

    def init(self, history):
        return [("begin", len(history.trials), history.spent)]

    def learn(self, state, history, event):
        state.append((event, tuple(history.trials), history.spent, history.ranked(1)[:]))


class Model:
    """What a history should say, worked out slowly and independently: it keeps the events, and reads them all."""

    def __init__(self, events=()):
        self.events = [*events]

    def count(self):
        return sum(isinstance(event, Started) for event in self.events)

    def of(self, trial):
        return [event for event in self.events if event.trial == trial]

    def before(self, trial):
        """Return what was known when a trial started."""
        start = next(n for n, event in enumerate(self.events) if isinstance(event, Started) and event.trial == trial)
        return Model(self.events[:start])

    def parent(self, trial):
        """Return the state with which a trial began, `None` once it has begun anew."""
        parent, restart = self.of(trial)[0].parent, None
        for event in self.of(trial):
            if isinstance(event, Resumed) and parent is not None and restart is not None and restart < parent.epoch:
                return None
            restart = event.epoch if isinstance(event, Cut) else None
        return parent

    def inherited(self, trial):
        parent = self.parent(trial)
        return 0 if parent is None else parent.epoch

    def lineage(self, trial):
        """Return (trial, epochs before it, params) of all who have trained it."""
        own, parent = (trial, self.inherited(trial), self.of(trial)[0].params), self.parent(trial)
        if parent is None:
            return [own]
        return [stage for stage in self.before(trial).lineage(parent.trial) if stage[1] < parent.epoch] + [own]

    def offers(self, state):
        """Say whether a trial may begin with a state."""
        if not 0 <= state.trial < self.count():
            return False
        known = self.inherited(state.trial) < state.epoch <= self.from_where(state.trial)
        return known and self.curve(state.trial)[state.epoch - 1].metrics["loss"] is not None

    def curve(self, trial):
        """Return the reports that count: going on after a cut takes those after its epoch away."""
        parent, restart = self.of(trial)[0].parent, None
        reports = [] if parent is None else self.before(trial).curve(parent.trial)[: parent.epoch]
        for event in self.of(trial):
            if isinstance(event, Reported):
                reports.append(event)
            if isinstance(event, Resumed):
                reports = reports[:restart]
            restart = event.epoch if isinstance(event, Cut) else None
        return reports

    def restart(self, trial):
        """Return the epoch a trial goes on from after a cut, `None` if it was not cut."""
        last = self.of(trial)[-1]
        return last.epoch if isinstance(last, Cut) else None

    def from_where(self, trial):
        restart = self.restart(trial)
        return len(self.curve(trial)) if restart is None else restart

    def lease(self, trial):
        """Return whether the last lease is open, and its end."""
        open_, until = False, 0
        for event in self.of(trial):
            if isinstance(event, Started | Resumed):
                open_, until = True, event.until
            elif isinstance(event, Cut | Ended) or event.epoch == until or event.metrics["loss"] is None:
                open_ = False
        return open_, until

    def end(self, trial):
        """Return reason and error of a trial that is over."""
        last = self.of(trial)[-1]
        if isinstance(last, Ended):
            return last.reason, last.error
        if isinstance(last, Reported) and last.metrics["loss"] is None:
            return "diverged", f"loss was not finite after epoch {last.epoch}"
        return None

    def knows(self, trial):
        return trial is None or 0 <= trial < self.count()

    def allows(self, event):
        """Say whether an event may come next."""
        if isinstance(event, Started):
            parent = event.parent
            begins = 0 if parent is None else parent.epoch
            fits = begins < event.until <= EPOCHS and (parent is None or self.offers(parent))
            return event.trial == self.count() and fits and self.knows(event.held)
        return self.knows(event.trial) and self.allows_next(event)

    def allows_next(self, event):
        running, _ = self.lease(event.trial)
        epoch = len(self.curve(event.trial))
        match event:
            case Resumed():
                paused = not running and not self.end(event.trial)
                return paused and self.from_where(event.trial) < event.until <= EPOCHS and self.knows(event.held)
            case Reported():
                return running and event.epoch == epoch + 1 and "loss" in event.metrics
            case Cut():
                return running and (event.epoch == 0 or self.inherited(event.trial) <= event.epoch <= epoch)
        return running


class HistoryAgainstModel(RuleBasedStateMachine):
    """Drive a history and the model through the same events, legal and illegal, and compare all they say."""

    def __init__(self):
        super().__init__()
        self.model = Model()
        self.history = empty()
        self.history.fold(Diary())  # from the first event on
        self.history.ranked(1)  # kept up to date from now on; the other epochs are ranked when they are looked at
        self.snapshots = [()]

    # -------------------------------------------------------------- legal events

    def trials(self, *, running):
        model = self.model
        return [t for t in range(model.count()) if model.lease(t)[0] == running and not model.end(t)]

    def take(self, event):
        assert self.model.allows(event)
        self.history.check(event)
        self.history.apply(event)
        self.model.events.append(event)
        self.snapshots.append(tuple(self.history.trials))

    @rule(point=st.sampled_from(POINTS), until=st.integers(1, EPOCHS), bracket=st.integers(0, 2))
    def start(self, point, until, bracket):
        self.take(Started(self.model.count(), point, until, bracket, None, float(len(self.model.events))))

    def states(self):
        """Return the states with which a trial may begin that trains an epoch at least."""
        states = [Origin(trial, epoch) for trial in range(self.model.count()) for epoch in range(1, EPOCHS)]
        return [state for state in states if self.model.offers(state)]

    @precondition(lambda self: self.states())
    @rule(data=st.data(), point=st.sampled_from(POINTS))
    def descend(self, data, point):
        parent = data.draw(st.sampled_from(self.states()))
        until = data.draw(st.integers(parent.epoch + 1, EPOCHS))
        self.take(Started(self.model.count(), point, until, at=float(len(self.model.events)), parent=parent))

    @precondition(lambda self: any(self.model.from_where(t) < EPOCHS for t in self.trials(running=False)))
    @rule(data=st.data())
    def resume(self, data):
        paused = [t for t in self.trials(running=False) if self.model.from_where(t) < EPOCHS]
        trial = data.draw(st.sampled_from(paused))
        until = data.draw(st.integers(self.model.from_where(trial) + 1, EPOCHS))
        self.take(Resumed(trial, until, data.draw(st.sampled_from([None, trial])), float(len(self.model.events))))

    @precondition(lambda self: self.trials(running=True))
    @rule(data=st.data(), loss=st.sampled_from([None, 0.0, 1.0, 2.0]) | st.floats(-1e6, 1e6))
    def report(self, data, loss):
        trial = data.draw(st.sampled_from(self.trials(running=True)))
        epoch, saved = len(self.model.curve(trial)) + 1, data.draw(st.sampled_from([0, 10]))
        self.take(Reported(trial, epoch, {"loss": loss}, 0.5, float(len(self.model.events)), saved))

    @precondition(lambda self: self.trials(running=True))
    @rule(data=st.data())
    def cut(self, data):
        trial = data.draw(st.sampled_from(self.trials(running=True)))
        first, last = self.model.inherited(trial), len(self.model.curve(trial))
        epoch = data.draw(st.sampled_from([0, *range(first, last + 1)]))
        self.take(Cut(trial, epoch, "budget", float(len(self.model.events))))

    @precondition(lambda self: self.trials(running=True))
    @rule(data=st.data(), reason=st.sampled_from(["finished", "failed", "crashed"]))
    def end(self, data, reason):
        trial = data.draw(st.sampled_from(self.trials(running=True)))
        error = None if reason == "finished" else "out of luck"
        self.take(Ended(trial, reason, error, float(len(self.model.events))))

    # -------------------------------------------------------------- any event

    small = st.integers(-1, 6)
    metrics = st.sampled_from([{"loss": 1.0}, {"loss": None}, {"other": 1.0}, {}])
    held = st.none() | small
    anything = (
        st.builds(
            Started,
            *(small, st.sampled_from(POINTS), small, st.just(0), held),
            parent=st.none() | st.builds(Origin, small, small),
        )
        | st.builds(Resumed, small, small, held)
        | st.builds(Reported, small, small, metrics)
        | st.builds(Cut, small, small, st.just("budget"))
        | st.builds(Ended, small, st.just("failed"))
    )

    @rule(event=anything)
    def illegal_events_are_refused_and_change_nothing(self, event):
        if self.model.allows(event):
            self.history.check(event)  # says so, and nothing else
            return
        for refuse in (self.history.check, self.history.apply):
            with pytest.raises(
                CorruptLog, match=f"^event {len(self.model.events) + 1} cannot follow the ones before: "
            ):
                refuse(event)

    # -------------------------------------------------------------- what is said

    @invariant()
    def the_history_says_what_the_model_says(self):
        history, model = self.history, self.model
        assert history.events == model.events
        assert history.running == set(self.trials(running=True))
        assert history.spent == sum(isinstance(event, Reported) for event in model.events)
        assert history.clock == (model.events[-1].at if model.events else 0)
        assert len(history.trials) == model.count()
        interrupted = set()
        for trial in range(model.count()):
            self.a_trial_says_what_the_model_says(history.trials[trial])
            if isinstance(model.of(trial)[-1], Cut):
                interrupted.add(trial)
        assert history.interrupted == interrupted
        ends = {trial: end for trial in range(model.count()) if (end := model.end(trial))}
        failures = {(reason, trial) for trial, (reason, _) in ends.items() if reason != "finished"}
        assert {(reason, trial) for reason, trials in history.failures.items() for trial in trials} == failures

    def a_trial_says_what_the_model_says(self, trial):
        model, id = self.model, trial.id
        own, curve, end = model.of(id), model.curve(id), model.end(id)
        running, until = model.lease(id)
        assert (trial.params, trial.bracket) == (own[0].params, own[0].bracket)
        assert trial.reports == tuple(curve)
        assert trial.curve == tuple(report.metrics["loss"] for report in curve)
        assert trial.losses == tuple(finite(value) for value in trial.curve)
        assert (trial.epoch, self.history.epoch(id)) == (len(curve), len(curve))
        assert (trial.value, trial.loss) == (trial.curve[-1], trial.losses[-1]) if curve else (None, math.inf)
        assert (trial.running, trial.until) == (running, until)
        assert trial.since <= trial.epoch
        assert list(trial.cuts) == [event for event in own if isinstance(event, Cut)]
        assert (trial.ended, trial.error) == (end or (None, None))
        assert trial.failed == (trial.ended in {"failed", "crashed", "diverged"})
        assert trial.restart == model.restart(id)
        inherited = model.inherited(id)
        assert trial.saves == tuple(report.epoch for report in curve[inherited:] if report.saved)
        usable = [report.epoch for report in curve[: trial.restart][inherited:] if report.saved]
        assert self.history.saves(id) == dict.fromkeys(usable, 10)
        assert trial.interrupted == isinstance(own[-1], Cut)
        assert trial.seconds == 0.5 * (len(curve) - inherited)
        assert [(stage.trial, stage.after, stage.params) for stage in trial.lineage] == model.lineage(id)
        assert (trial.parent, trial.inherited) == (model.parent(id), inherited)
        lost = trial.interrupted and trial.restart < inherited
        assert self.history.parent(id) == (None if lost else trial.parent)
        for epoch in range(EPOCHS + 2):
            assert self.history.offers(Origin(id, epoch)) == model.offers(Origin(id, epoch))

    @invariant()
    def ranks_are_those_of_a_fresh_sort(self):
        for epoch in range(1, EPOCHS + 1):
            curves = [self.model.curve(trial) for trial in range(self.model.count())]
            pairs = [
                (finite(curve[epoch - 1].metrics["loss"]), id)
                for id, curve in enumerate(curves)
                if self.model.inherited(id) < epoch <= len(curve)
            ]
            assert list(self.history.ranked(epoch)) == sorted(pairs)

    @invariant()
    def the_best_is_the_lowest_that_has_trained_longest_and_not_failed(self):
        counts = self.what_counts()
        sound = [t for t in self.history.trials if t.epoch > t.inherited and not t.failed and counts(t) < math.inf]

        def rank(trial):
            return counts(trial), -trial.epoch, trial.loss, trial.id

        assert self.history.best == min(sound, key=rank, default=None)
        others = [trial for trial in sound if trial.id > 1]
        assert self.history.lowest({0, 1}) == min(others, key=rank, default=None)

    def what_counts(self):
        """Return what counts of a trial: its loss, or that of its replicates on average; all a little worse."""
        same = {}
        for trial in self.history.trials:
            if self.model.of(trial.id)[0].parent is None:
                same.setdefault(str(sorted(trial.params.items())), []).append(trial)
        averages = [(trials, average(trials)) for trials in same.values() if len(trials) > 1]
        spreads = sorted(found.spread for _, found in averages if found and found.count > 1 and found.mean < math.inf)
        noise = spreads[len(spreads) // 2] if spreads else 0.0
        means = {
            t.id: found.mean + noise / math.sqrt(found.count) for trials, found in averages if found for t in trials
        }
        return lambda trial: means.get(trial.id, trial.loss + noise)

    @invariant()
    def the_matrix_is_the_encoded_params(self):
        expected = SPACE.encode_many([trial.params for trial in self.history.trials])
        np.testing.assert_array_equal(self.history.matrix(), expected)

    @invariant()
    def tried_params_are_remembered(self):
        tried = [event.params for event in self.model.events if isinstance(event, Started)]
        assert [point for point in POINTS if self.history.tried(point)] == [point for point in POINTS if point in tried]

    @invariant()
    def what_was_said_stays_as_it_was(self):
        assert tuple(self.history.trials) == self.snapshots[-1]

    def teardown(self):
        """Every prefix of the log, folded anew and by way of JSON, gives the same history."""
        again = empty()
        for event, snapshot in zip([None, *self.model.events], self.snapshots, strict=True):
            if event is not None:
                again.apply(msgspec.json.decode(msgspec.json.encode(event), type=Event))
            assert tuple(again.trials) == snapshot
        assert again.fold(Diary()) == self.history.fold(Diary())


def test_a_history_agrees_with_a_slow_model_and_with_its_replay():
    # Without shrinking, which takes five minutes: failing examples are short enough to read.
    phases = [Phase.reuse, Phase.generate]
    machine = settings(max_examples=30, stateful_step_count=30, deadline=None, phases=phases)
    run_state_machine_as_test(HistoryAgainstModel, settings=machine)


# ---------------------------------------------------------------------- leases


def opened(until=3):
    return replayed([Started(0, POINTS[0], until)])


def reported(epoch, loss=1.0, trial=0):
    return Reported(trial, epoch, {"loss": loss})


@pytest.mark.parametrize(
    "closing",
    [[reported(1), reported(2), reported(3)], [reported(1), Cut(0, 1, "budget")], [Ended(0, "failed", "no")]],
    ids=["the last report", "a cut", "an end"],
)
def test_a_lease_is_closed_once(closing):
    history = opened()
    for event in closing:
        assert history.running == {0}
        history.apply(event)
    assert not history.running
    for event in (reported(4), Cut(0, 0, "budget"), Ended(0, "failed")):
        with pytest.raises(CorruptLog, match="the trial has no lease"):
            history.apply(event)


@pytest.mark.parametrize(
    ("event", "rule"),
    [
        (Started(2, POINTS[0], 1), "the next trial must be 1"),
        (Started(1, POINTS[0], EPOCHS + 1), f"a lease must end in 1..{EPOCHS}"),
        (Started(1, POINTS[0], 1, 0, 7), "held must be one of the 1 trials"),
        (Resumed(1, 2), "there are 1 trials"),
        (Resumed(0, 4), "the trial is running or has ended"),
        (reported(3), "its next epoch is 2"),
        (Reported(0, 2, {"accuracy": 1.0}), "it must report loss"),
        (Cut(0, 2, "budget"), "it can go on from 0..1"),
        (Ended(1, "failed"), "the trial has no lease"),
        (Undone(0), "zooms are numbered from 1"),
    ],
)
def test_a_refused_event_names_the_rule_and_the_event(event, rule):
    history = opened()
    history.apply(reported(1))
    before = list(history.trials)
    with pytest.raises(CorruptLog) as error:
        history.apply(event)
    text = msgspec.json.encode(event).decode()
    assert str(error.value) == f"event 3 cannot follow the ones before: {rule}, got {text}"
    assert (list(history.trials), len(history.events), history.spent) == (before, 2, 1)


def test_epochs_that_are_trained_again_are_spent_again():
    history = opened()
    for event in (reported(1), reported(2), Cut(0, 0, "worker died"), Resumed(0, 3), reported(1), reported(2)):
        history.apply(event)
    assert history.spent == 4
    assert history.trials[0].epoch == 2


def test_a_trial_has_one_word_for_its_state():
    history = opened()
    states = [history.trials[0].state]
    leases = [reported(1), Cut(0, 1, "budget"), Resumed(0, 2), reported(2), Resumed(0, EPOCHS)]
    for event in (*leases, *map(reported, range(3, EPOCHS + 1))):
        history.apply(event)
        states.append(history.trials[0].state)
    assert states == ["running", "running", "interrupted", "running", "paused", *["running"] * 3, "complete"]
    history.apply(Started(1, POINTS[1], 2))
    history.apply(Ended(1, "crashed", "worker died"))
    assert history.trials[1].state == "crashed"


def test_a_failed_trial_is_never_the_best():
    history = opened()
    for event in (reported(1, 0.0), Ended(0, "failed"), Started(1, POINTS[1], 1), reported(1, 5.0, trial=1)):
        history.apply(event)
    assert history.best.id == 1


def test_a_trial_that_finished_by_itself_may_be_the_best():
    history = opened()
    for event in (reported(1, 0.0), Ended(0, "finished"), Started(1, POINTS[1], 1), reported(1, 5.0, trial=1)):
        history.apply(event)
    assert history.best.id == 0


def test_a_trial_reads_as_a_line():
    history = opened()
    history.apply(reported(1, 0.25))
    assert str(history.trials[0]) == "trial 0: loss 0.25 after epoch 1 (depth=1)"


# ---------------------------------------------------------------------- snapshots


def test_a_snapshot_never_changes():
    history = opened()
    before = history.trials[0]
    with pytest.raises(AttributeError, match="immutable"):
        before.until = 9
    history.apply(reported(1))
    assert (before.epoch, history.trials[0].epoch) == (0, 1)


def test_a_snapshot_is_made_once_per_event_of_its_trial():
    history = opened()
    before = history.trials[0]
    history.apply(Started(1, POINTS[1], 1))
    history.apply(reported(1, trial=1))
    assert history.trials[0] is before
    history.apply(reported(1))
    assert history.trials[0] is not before
    assert history.trials[0] is history.trials[-2] is next(iter(history.trials)) is history.trials[:1][0]


def test_who_changes_the_params_of_a_snapshot_changes_neither_log_nor_history():
    study = simulate(study_of(SPACES["continuous"], Full(Random())), budget="2 trials")
    before = dict(study.best.params)
    study.best.params["lr"] = 7.0
    assert study.replay(verify=True).differences == ()
    assert copied(study).best.params == before


def test_trials_are_a_sequence():
    history = replayed([Started(id, point, 1) for id, point in enumerate(POINTS)])
    ids = list(range(len(POINTS)))
    assert [trial.id for trial in history.trials] == ids
    assert [trial.id for trial in history.trials[-3::2]] == ids[-3::2]
    assert [trial.id for trial in reversed(history.trials)] == ids[::-1]
    with pytest.raises(IndexError):
        history.trials[len(ids)]


def test_the_matrix_grows_and_cannot_be_written():
    history = empty()
    assert history.matrix().shape == (0, len(SPACE))
    for id in range(100):
        history.apply(Started(id, POINTS[id % len(POINTS)], 1))
        if id % 7 == 0:
            assert history.matrix().shape == (id + 1, len(SPACE))
    np.testing.assert_array_equal(history.matrix(), SPACE.encode_many([trial.params for trial in history.trials]))
    with pytest.raises(ValueError, match="read-only"):
        history.matrix()[0] = 0


# ---------------------------------------------------------------------- randomness


def test_randomness_is_a_function_of_the_seed_and_the_number_of_trials():
    short = replayed([Started(0, POINTS[0], 1), Started(1, POINTS[1], 2)])
    long = replayed([Started(0, POINTS[5], 3), reported(1), Cut(0, 0, "budget"), Started(1, POINTS[1], 1)])
    long.ranked(1), long.matrix(), long.fold(Diary())
    assert short.rng.random(5).tolist() == long.rng.random(5).tolist()


def test_every_access_begins_the_same_stream_anew():
    history = empty()
    first = history.rng.random(3).tolist()
    assert history.rng.random(3).tolist() == first
    history.rng.integers(10)
    assert history.rng.random(3).tolist() == first


def test_other_seeds_and_other_numbers_of_trials_have_other_streams():
    events = [Started(id, POINTS[0], 1) for id in range(50)]
    drawn = set()
    for seed in (0, 1, 2**63 - 1):
        history = empty(seed)
        for event in events:
            drawn.add(tuple(history.rng.random(2)))
            history.apply(event)
    assert len(drawn) == 3 * len(events)


# ---------------------------------------------------------------------- folds


def test_a_fold_begun_late_is_told_the_same_as_one_begun_early():
    study = simulate(study_of(SPACES["continuous"], Halving(Random())), slots=2, budget="60 epochs", fate=bad_luck(1))
    early = History(study.header)
    early.fold(Diary())
    for event in study.history.events:
        early.apply(event)
    late = History(study.header)
    for event in study.history.events:
        late.apply(event)
    assert early.fold(Diary()) == late.fold(Diary())
    assert late.fold(Diary()) is late.fold(Diary())


@pytest.mark.parametrize("method", [Halving(Sobol(), eta=2, brackets=2), Hyperband(Sobol(), rounds=2)], ids=repr)
@pytest.mark.parametrize("space", ["continuous", "finite with conditions"])
def test_what_a_method_decides_does_not_depend_on_when_it_was_first_asked(space, method):
    study = simulate(study_of(SPACES[space], method), slots=2, fate=bad_luck(2), budget="80 epochs")
    count = len(study.history.events)
    for events in random.Random(0).sample(range(count), 20):
        fresh = copied(study, events).history
        asked = copied(study, 0).history
        for event in study.history.events[:events]:
            method.next(asked, None)
            method.keeps(asked)
            asked.apply(event)
        assert method.next(fresh, None) == method.next(asked, None)
        assert set(method.keeps(fresh)) == set(method.keeps(asked))


def test_a_trial_with_params_of_another_space_is_refused():
    history = history_of(SPACES["continuous"], Full(Random()))
    with pytest.raises(CorruptLog, match="its params must be of the space"):
        history.apply(Started(0, {"bogus": 1}, 1))
