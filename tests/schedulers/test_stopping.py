"""What rules share: leases in pieces that the scheduler within does not notice, and stops as recorded decisions."""

from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

import welltempered as wt
from simulated import SPACES, bad_luck, calm, copied, doomed, kinds, simulate, study_of
from telling import command
from torch_training import BOTH, train
from trainings import experiment, output, program, reports, steady, tune
from welltempered.events import STOPPED

EAGER = {"grace": 2, "every": 1, "least": 1, "noise": 0, "trend": 0}
NEVER = {"grace": 2, "every": 2, "least": 10**6}


def whole(study, checks):
    """Return what happened, with the pieces of each lease put together again."""
    found, until = [], {}
    for event in study.history.events:
        trial = event.trial
        if isinstance(event, wt.Resumed) and until.get(trial) in checks and kept(found, trial):
            until[trial] = event.until
            continue
        if isinstance(event, wt.Started | wt.Resumed):
            until[trial] = event.until
        found.append((type(event).__name__, trial, getattr(event, "epoch", None), getattr(event, "params", None)))
    return found


def kept(found, trial):
    return next(name for name, id, *_ in reversed(found) if id == trial) == "Reported"


@pytest.mark.parametrize("slots", [1, 3])
@pytest.mark.parametrize("fate", [None, doomed])
@pytest.mark.parametrize("within", [wt.Full, wt.Halving, wt.Hyperband])
@pytest.mark.parametrize(
    "wrap", [lambda inner: wt.Median(inner, **NEVER), lambda inner: wt.Slack(wt.Median(inner, **NEVER), **NEVER)]
)
def test_a_rule_that_stops_nobody_changes_nothing_but_where_leases_end(slots, fate, within, wrap):
    bare, wrapped = (
        simulate(study_of(SPACES["continuous"], method), slots=slots, fate=fate, budget="25 trials")
        for method in (within(wt.Random()), wrap(within(wt.Random())))
    )
    checks = {2, 4, 6, 8}
    assert whole(wrapped, checks) == whole(bare, ())
    assert any(event.until in checks for event in kinds(wrapped.history, wt.Started, wt.Resumed))


def test_the_scheduler_within_learns_of_a_stop_as_of_an_end():
    """A rung of synchronous Hyperband is complete without those that were stopped on the way to it."""
    rule = wt.Percentile(wt.Hyperband(wt.Random(), rounds=1), percent=5, **EAGER)
    study = simulate(study_of(SPACES["continuous"], rule, epochs=27), slots=3)
    assert {trial.bracket for trial in study.trials} == {0, 1, 2, 3}
    assert len(kinds(study.history, wt.Ended)) > 3
    assert not study.history.interrupted
    assert not any(trial.running for trial in study.trials)


def test_rules_that_wrap_each_other_have_a_say_at_the_same_epoch():
    """One stops what is bad, the other what has come to its end; both look after epochs 2, 3, 4, ..."""
    flat, bad = [0.1] * 9, [0.9] * 9
    curves = [[1 / epoch for epoch in range(1, 10)], flat, bad]

    def ends(method):
        study = study_of(wt.Space(row=wt.Int(0, 2)), method)
        curve = wt.Simulator(lambda params, epoch: {"loss": curves[params["row"]][epoch - 1]})
        study.drive(curve, budget="3 trials")
        assert study.replay(verify=True).differences == ()
        return {trial.params["row"]: str(trial.error).partition(":")[0] for trial in study.trials}

    def median(inner):
        return wt.Median(inner, **EAGER)

    def plateau(inner):
        return wt.Plateau(inner, patience=1, share=0, grace=2, every=1, noise=0)

    full = wt.Full(wt.Grid(points=3))
    assert ends(median(full)) == {0: "None", 1: "None", 2: "median"}
    assert ends(plateau(full)) == {0: "None", 1: "plateau", 2: "plateau"}
    for method in (plateau(median(full)), median(plateau(full))):
        assert ends(method) == {0: "None", 1: "plateau", 2: "median"}


def stops(study):
    return [event for event in kinds(study.history, wt.Ended) if event.reason == STOPPED]


def test_a_stop_is_a_recorded_decision_that_a_replay_derives_again():
    rule = wt.Median(wt.Full(wt.Random()), **EAGER)
    study = simulate(study_of(SPACES["continuous"], rule), slots=3, budget="200 epochs", fate=bad_luck(1))
    found = study.replay(verify=True)
    assert found.differences == ()
    assert found.decisions == len(kinds(study.history, wt.Started, wt.Resumed)) + len(stops(study))
    assert len(stops(study)) > 5
    for stop in stops(study):
        trial = study.trials[stop.trial]
        assert (trial.state, trial.error) == ("stopped", stop.error)
        assert trial.error.startswith("median: loss at best")
        assert not trial.failed
    assert set(study.history.failures) <= {"diverged", "failed", "crashed"}


def test_a_forged_stop_is_found():
    rule = wt.Median(wt.Full(wt.Random()), **EAGER)
    study = simulate(study_of(SPACES["continuous"], rule), budget="100 epochs")
    events = list(study.history.events)
    number = events.index(stops(study)[0])
    events[number] = msgspec.structs.replace(events[number], error="it looked bad")
    forged = copied(study, 0)
    for event in events[: number + 1]:
        forged.append(event)
    (difference,) = forged.replay(verify=True).differences
    assert difference.startswith(f'event {number + 1}: recorded {{"event":"ended","trial":{events[number].trial},')
    assert "it looked bad" in difference.partition("derived")[0]
    assert '"error":"median: loss at best' in difference.partition("derived")[2]


def test_a_log_of_another_method_is_reported_and_not_refused():
    study = simulate(study_of(SPACES["continuous"], wt.Full(wt.Random())), budget="60 epochs")
    other = wt.Median(wt.Full(wt.Grid(points=3)), **EAGER)
    foreign = study_of(SPACES["continuous"], other)
    for event in study.history.events:
        foreign.append(event)
    assert foreign.replay(verify=True).differences


@pytest.mark.parametrize("slots", [1, 3])
def test_where_trials_cannot_be_resumed_only_the_held_one_goes_on(slots):
    rule = wt.Median(wt.Full(wt.Random()), **EAGER)
    study = simulate(study_of(SPACES["continuous"], rule, resumable=False), slots=slots, budget="150 epochs")
    assert stops(study)
    assert all(event.held == event.trial for event in [*kinds(study.history, wt.Resumed), *stops(study)])
    assert study.replay(verify=True).differences == ()


def test_a_study_that_is_asked_and_told_stops_trials_too():
    losses = [0.3, 0.1, 0.2, 0.9]
    with wt.Study.create(experiment(method=wt.Median(wt.Full(wt.Random()), **EAGER))) as study:
        while (trial := study.ask()).id < 4:
            for _ in range(trial.epoch, trial.until):
                study.tell(trial, loss=losses[trial.id % 4])
        assert [trial.state for trial in study.trials] == ["complete", "complete", "stopped", "stopped", "running"]
        assert study.trials[3].error == "median: loss at best 0.9 in 2 epochs, median of 3 others 0.2"
        assert study.best.id == 1
        assert study.trials[2].epoch == 2


def test_whoever_watches_a_run_sees_every_event_stops_included():
    seen = []
    with wt.Study.create(experiment(method=wt.Median(wt.Full(wt.Random()), **EAGER))) as study:
        study.run(steady, budget="10 trials", workers=0, watch=seen.append)
        assert seen == study.history.events
        assert stops(study)


def test_checkpoints_of_stopped_trials_are_swept_and_the_best_one_s_is_kept(tmp_path):
    with tune(method=wt.Median(wt.Full(wt.Random()), **EAGER), budget="12 trials", path=tmp_path / "study") as study:
        assert len(stops(study)) > 2
        assert {trial for trial, _ in study.checkpoints.present()} == {study.best.id}


def test_the_command_line_shows_who_was_stopped_and_why(tmp_path, capsys, monkeypatch):
    path = str(tmp_path / "study")
    with tune(method=wt.Median(wt.Full(wt.Random()), **EAGER), budget="9 trials", path=path) as study:
        found = [stop.trial for stop in stops(study)]
        why = study.trials[found[0]].error
    listed = command(["trials", path, "--state", "stopped", "--sort", "trial"], capsys, monkeypatch).out
    assert [int(line.split()[0]) for line in listed.splitlines()[1:]] == found
    assert f"stopped\n{why}\n" in command(["logs", path, str(found[0])], capsys, monkeypatch).out
    assert f"{len(found)} stopped" in command(["show", path], capsys, monkeypatch).out
    assert " 0 differ" in command(["replay", path, "--verify"], capsys, monkeypatch).out


TORCH = {
    "space": wt.Space(optimizer=wt.Choice("sgd", "adam")),  # sgd learns faster
    "method": wt.Median(wt.Full(BOTH), **EAGER),
    "budget": None,
}


SCRIPT = """
    import os, sys
    import welltempered as wt
    from torch_training import train
    from test_stopping import TORCH
    from trainings import experiment

    def watch(event):
        if isinstance(event, wt.Reported) and event.epoch == int(sys.argv[2]) and event.trial == 1:
            os._exit(9)

    study = wt.Study.create(experiment(train, space=TORCH["space"], method=TORCH["method"]), sys.argv[1])
    study.run(train, budget=None, workers=0, watch=watch)
"""


@pytest.mark.parametrize("epoch", [1, 2])
def test_a_study_on_disk_that_is_killed_about_a_stop_ends_like_an_undisturbed_one(tmp_path, epoch, monkeypatch):
    with tune(train, **TORCH) as straight:
        assert [trial.state for trial in straight.trials] == ["complete", "stopped"]
    monkeypatch.syspath_prepend(Path(__file__).parent)
    output(program(tmp_path, SCRIPT, tmp_path / "study", epoch), code=9)
    with tune(train, **TORCH, path=tmp_path / "study") as study:
        assert [trial.state for trial in study.trials] == ["complete", "stopped"]
        assert reports(study) == reports(straight)
        assert study.trials[1].error == straight.trials[1].error
        assert study.replay(verify=True).differences == ()


@dataclass(frozen=True)
class Executioner:
    """A scheduler of somebody else's that stops a trial by itself."""

    searcher: wt.Random
    trial: int

    def next(self, history, held):
        """Stop the trial once it has begun."""
        if len(history.trials) > self.trial:
            return wt.Stop(self.trial, "somebody said so")
        return wt.Start(self.searcher.suggest(history), 3)

    def keeps(self, history):
        """Nobody."""
        return ()


def test_who_is_over_cannot_be_stopped_again():
    study = study_of(SPACES["continuous"], wt.Full(wt.Random()))
    study._scheduler = Executioner(wt.Random(), 0)
    with pytest.raises(wt.CorruptLog, match="only a trial that is paused can be stopped"):
        simulate(study, curve=calm)
    assert study.trials[0].state == "stopped"


def test_a_trial_that_is_stopped_may_be_the_best_and_its_checkpoint_stays():
    study = study_of(SPACES["continuous"], wt.Full(wt.Random()))
    study.append(wt.Started(0, study.space.defaults(), 3))
    for epoch in (1, 2, 3):
        study.append(wt.Reported(0, epoch, {"loss": 0.5}, saved=10))
    study.append(wt.Ended(0, STOPPED, "because"))
    assert study.best.id == 0
    with pytest.raises(wt.CorruptLog, match="the trial is running or has ended"):
        study.append(wt.Resumed(0, 9))
    study.append(wt.Started(1, study.space.defaults(), 9))
    with pytest.raises(wt.CorruptLog, match="held must be one of the 2 trials"):
        study.append(wt.Ended(1, STOPPED, "because", held=7))


# -------------------------------------------------------------------- goals, and what cannot be resumed


@pytest.mark.parametrize("slots", [1, 2])
@pytest.mark.parametrize("killed", [False, True])
def test_what_cannot_be_resumed_is_trained_anew_if_a_run_ends_between_two_pieces(slots, killed):
    method = wt.Median(wt.Full(wt.Sobol()), grace=2, every=3)
    study = study_of(SPACES["continuous"], method, epochs=10, resumable=False)
    for budget in ("15 epochs", "22 epochs", "8 trials"):
        if killed:
            ends = [n for n, event in enumerate(study.history.events) if isinstance(event, wt.Reported)]
            study = copied(study, ends[-1] + 1) if ends else study
        simulate(study, slots=slots, budget=budget)
        assert not study.history.between
    assert {trial.state for trial in study.trials} <= {"complete", "stopped", "diverged"}
    assert study.replay(verify=True).differences == ()


def test_who_is_still_in_memory_goes_on_before_an_interrupted_one_begins_anew():
    study = study_of(SPACES["continuous"], wt.Median(wt.Full(wt.Sobol()), grace=2, every=3), epochs=10, resumable=False)
    first, second = study.ask(), study.ask()
    study.append(wt.Cut(first.id, 0, "worker lost"))
    while second.running:
        second = study.tell(second, loss=1.0)
    again = study.ask(held=second)
    assert (again.id, again.epoch) == (second.id, 2)
    assert study.ask().id == first.id


def test_the_log_says_where_a_lease_ends_of_which_a_piece_begins():
    study = study_of(
        SPACES["continuous"], wt.Plateau(wt.Median(wt.Full(wt.Sobol()), grace=2, every=3), grace=4, every=4), epochs=10
    )
    simulate(study, budget="1 trials")
    opened = [event for event in study.history.events if isinstance(event, wt.Started | wt.Resumed)]
    assert [event.until for event in opened] == [2, 4, 5, 8, 10]
    assert [event.goal for event in opened] == [10, 10, 10, 10, 0]


def test_a_stopping_rule_does_not_change_how_far_training_looks_ahead():
    """A schedule that anneals over the lease must not anneal to each check."""

    def seen(method):
        found = []

        def train(run):
            run.keep()
            for epoch in run:
                found.append((run.trial, epoch, run.until))
                run.report(loss=1.0 / epoch)

        experiment = wt.Experiment(train, SPACES["continuous"], minimize="loss", epochs=9, method=method)
        with wt.Study.create(experiment) as study:
            study.run(train, budget="2 trials", workers=0)
        return found

    assert seen(wt.Median(wt.Full(wt.Sobol()), grace=2, every=2)) == seen(wt.Full(wt.Sobol()))


def test_a_goal_before_the_end_of_the_lease_is_refused():
    study = study_of(SPACES["continuous"], wt.Full(wt.Sobol()), epochs=9)
    params = study.space.defaults()
    with pytest.raises(wt.CorruptLog, match=r"its goal must lie in 4..9, or be 0"):
        study.append(wt.Started(0, params, 3, goal=2))
