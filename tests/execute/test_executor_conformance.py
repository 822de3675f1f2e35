"""What every executor promises: leases go in, and exactly one event closes each."""

import time

import pytest

import welltempered as wt
from trainings import SPACE, experiment
from welltempered.checkpoints import Checkpoints
from welltempered.header import make
from welltempered.run import Setting

EPOCHS = 9


def train(run):
    """Report the same numbers as `curve`, how often this very call began, and what was restored."""
    restored = []
    run.keep(epoch=(lambda: run.epoch, restored.append))
    began = run.epoch
    assert restored == ([began] if began else [])
    for epoch in run:
        if run.params["x"] > 1:
            raise ZeroDivisionError("too far")
        time.sleep(run.params["x"] / 10)
        run.report(loss=run.params["x"] / epoch, began=began)


def curve(params, epoch):
    return {"loss": params["x"] / epoch}


class Bench:
    """A history whose trials are leased to an executor by hand."""

    def __init__(self, kind, folder):
        self.history = wt.History(make(experiment(method=wt.Full(wt.Random()))), SPACE)
        self.checkpoints = Checkpoints(folder / "checkpoints")
        self.real = kind != "simulator"
        setting = Setting(
            resolve=SPACE.resolve,
            objective=self.history.objective,
            epochs=EPOCHS,
            seed=0,
            resumable=True,
            checkpoints=self.checkpoints,
            saving=0,
        )
        self.executor = {
            "inline": lambda: wt.Inline(train, setting),
            "processes": lambda: wt.Processes(train, setting, slots=2, logs=folder / "logs"),
            "simulator": lambda: wt.Simulator(curve, slots=2),
        }[kind]()

    def lease(self, trial, until, *, stop=None, slot=0, x=0.0):
        """Start or continue a trial and hand it to the executor."""
        fresh = trial == len(self.history.trials)
        self.history.apply(wt.Started(trial, {"x": x}, until) if fresh else wt.Resumed(trial, until))
        lease = wt.Lease(self.history.trials[trial], stop or until)
        self.executor.assign(slot, lease)
        return lease

    def events(self, *leases):
        """Return what happens until all these leases are closed; every event must fit to those before."""
        open_ = {lease.trial.id: lease for lease in leases}
        events = []
        deadline = time.monotonic() + 60
        while open_:
            assert time.monotonic() < deadline, "a lease was never closed"
            for event in self.executor.poll(0.2):
                self.history.apply(event)
                events.append(event)
                if open_[event.trial].closed_by(event):
                    del open_[event.trial]
        return events

    def run(self, *arguments, **options):
        """Give a lease and return its events without their times."""
        lease = self.lease(*arguments, **options)
        return [bare(event) for event in self.events(lease)]

    def quiet(self):
        """Whether nothing comes any more."""
        deadline = time.monotonic() + 0.3
        while time.monotonic() < deadline:
            if self.executor.poll(0.05):
                return False
        return True


def bare(event):
    """Return an event as plain values that all executors agree on."""
    if isinstance(event, wt.Reported):
        return (event.trial, event.epoch, event.metrics["loss"])
    return (event.trial, event.epoch, event.reason) if isinstance(event, wt.Cut) else (event.trial, event.reason)


def reported(trial, *epochs, x=0.0):
    return [(trial, epoch, x / epoch) for epoch in epochs]


@pytest.fixture(params=["inline", "processes", "simulator"])
def bench(request, tmp_path):
    bench = Bench(request.param, tmp_path)
    yield bench
    bench.executor.close()


@pytest.fixture(params=["inline", "processes"])
def real(request, tmp_path):
    bench = Bench(request.param, tmp_path)
    yield bench
    bench.executor.close()


def test_a_lease_is_reported_epoch_by_epoch_and_closed_once(bench):
    assert bench.run(0, 3, x=0.5) == reported(0, 1, 2, 3, x=0.5)
    assert bench.quiet()
    if bench.real:
        assert bench.checkpoints.present() == {(0, 3)}
    # The same trial goes on where it stands, another one begins at the beginning.
    assert bench.run(0, 5, x=0.5) == reported(0, 4, 5, x=0.5)
    assert bench.run(1, 2) == reported(1, 1, 2)
    assert bench.run(0, EPOCHS, x=0.5) == reported(0, 6, 7, 8, 9, x=0.5)
    assert bench.quiet()


def test_a_lease_with_a_stop_is_cut_there_and_can_go_on(bench):
    assert bench.run(0, 5, stop=2) == [*reported(0, 1, 2), (0, 2, "budget")]
    assert bench.quiet()
    if bench.real:
        assert bench.checkpoints.present() == {(0, 2)}
    assert bench.run(0, 5) == reported(0, 3, 4, 5)


def test_cutting_ends_every_lease_at_its_next_epoch(bench):
    leases = [bench.lease(slot, EPOCHS, slot=slot, x=1.0) for slot in range(bench.executor.slots)]
    while len(bench.history.events) == len(leases):
        for event in bench.executor.poll(0.2):
            bench.history.apply(event)
    bench.executor.cut("interrupted")
    events = bench.events(*leases)
    cuts = [event for event in events if isinstance(event, wt.Cut)]
    assert {cut.reason for cut in cuts} == {"interrupted"}
    assert sorted(cut.trial for cut in cuts) == [lease.trial.id for lease in leases]
    for cut in cuts:
        assert 0 < cut.epoch == bench.history.trials[cut.trial].epoch < EPOCHS
        if bench.real:
            assert (cut.trial, cut.epoch) in bench.checkpoints.present()
    assert bench.quiet()


def test_slots_train_side_by_side(bench):
    leases = [bench.lease(slot, 3, slot=slot, x=0.5) for slot in range(bench.executor.slots)]
    events = bench.events(*leases)
    assert sorted(map(bare, events)) == [row for lease in leases for row in reported(lease.trial.id, 1, 2, 3, x=0.5)]


def test_polling_for_nothing_returns_soon(bench):
    began = time.monotonic()
    assert list(bench.executor.poll(0.2)) == []
    assert time.monotonic() - began < 2


def test_the_clock_of_an_executor_only_goes_forward(bench):
    before = bench.executor.clock()
    bench.run(0, 2, x=0.1)
    assert bench.executor.clock() > before


def test_a_trial_that_is_held_goes_on_without_loading(real):
    real.run(0, 3)
    real.checkpoints.delete(real.checkpoints.present())
    real.run(0, 6)
    assert [report.metrics["began"] for report in real.history.trials[0].reports] == [0] * 6


def test_a_trial_goes_on_from_its_checkpoint_once_another_was_in_between(real):
    real.run(0, 3)
    real.run(1, 3)
    real.run(0, 6)
    assert [report.metrics["began"] for report in real.history.trials[0].reports] == [0, 0, 0, 3, 3, 3]


def test_a_trial_goes_on_from_its_checkpoint_in_another_slot(real):
    real.run(0, 3)
    real.run(0, 6, slot=real.executor.slots - 1)
    began = 3 if real.executor.slots > 1 else 0
    assert [report.metrics["began"] for report in real.history.trials[0].reports] == [0, 0, 0, began, began, began]


def test_a_failure_ends_the_trial_with_the_users_traceback_and_the_slot_goes_on(real):
    assert real.run(0, 3, x=2.0) == [(0, "failed")]
    lines = real.history.trials[0].error.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[1].startswith(f'  File "{__file__}", line ')
    assert lines[-1] == "ZeroDivisionError: too far"
    assert sum(line.startswith("  File") for line in lines) == 1, "one frame, the user's"
    assert real.run(1, 2) == reported(1, 1, 2)
    assert real.quiet()


def test_closing_abandons_what_still_runs(real):
    real.lease(0, EPOCHS, x=1.0)
    began = time.monotonic()
    real.executor.close()
    assert time.monotonic() - began < 4
