"""Three epochs, a stop and six more are nine epochs, bit for bit: with real optimizers, in every way to stop."""

import pytest

import welltempered as wt
from trainings import Pieces, reports, same, tune

pytest.importorskip("torch")


def results(study):
    """Return all that training led to: every report and the last state of every trial."""
    assert {trial.state for trial in study.trials} == {"complete"}
    return reports(study), [study.checkpoint(trial) for trial in study.trials]


def check(study, whole):
    found, states = results(study)
    expected, expected_states = whole
    assert found == expected
    assert same(states, expected_states)


class KeepAll(Pieces):
    """The same scheduler; every checkpoint stays, to be compared."""

    def keeps(self, history):
        return range(len(history.trials))


class KeepAllWhole(KeepAll):
    def next(self, history, held):
        started = len(history.trials)
        if started == self.trials:
            return wt.Wait()
        return wt.Start(self.searcher.suggest(history), history.epochs)


def pieces(*, together, **changes):
    from torch_training import BOTH, settings

    return settings(method=KeepAll(BOTH, together=together), **changes)


@pytest.fixture(scope="module")
def whole():
    """Both optimizers, nine epochs without a stop, in this process."""
    from torch_training import BOTH, settings

    with tune(**settings(method=KeepAllWhole(BOTH))) as study:
        found = results(study)
        rates = [[report["rate"] for report in trial] for trial in found[0]]
        assert all(len(set(trial)) == 9 for trial in rates), "the schedule moves"
        assert len({report["weights"] for trial in found[0] for report in trial}) == 18, "so do the weights"
        return found


def test_a_held_trial_goes_on_exactly_in_this_process(whole):
    with tune(**pieces(together=False)) as study:
        check(study, whole)


def test_a_trial_goes_on_exactly_from_its_checkpoint_in_this_process(whole):
    with tune(**pieces(together=True)) as study:
        check(study, whole)


def test_training_again_is_the_same_though_the_generators_were_used_in_between(whole):
    import torch

    torch.rand(17)
    with tune(**pieces(together=False)) as study:
        torch.rand(3)
        check(study, whole)


def test_a_held_trial_goes_on_exactly_in_a_worker(whole):
    with tune(**pieces(together=False, workers=1)) as study:
        check(study, whole)
        assert {report["threads"] for trial in reports(study) for report in trial} == {1}


def test_a_trial_goes_on_exactly_in_another_process(whole, tmp_path):
    """Three epochs of each in two workers, the rest in this process."""
    with tune(**pieces(together=True, workers=2, budget="6 epochs", path=tmp_path)) as study:
        assert [trial.epoch for trial in study.trials] == [3, 3]
    with tune(**pieces(together=True, path=tmp_path)) as study:
        check(study, whole)


@pytest.fixture(scope="module")
def matrix(tmp_path_factory):
    """Every case, nine epochs in one worker; and three epochs in a worker and six in another."""
    from torch_training import CASES, MATRIX, Listed, train_case

    common = {"train": train_case, "space": MATRIX, "workers": 1}
    with tune(**common, method=KeepAllWhole(Listed(), trials=len(CASES)), budget=None) as study:
        expected = results(study)
    stopped = {**common, "path": tmp_path_factory.mktemp("matrix")}
    stopped["method"] = KeepAll(Listed(), trials=len(CASES), together=True)
    with tune(**stopped, budget=f"{3 * len(CASES)} epochs") as study:
        assert {trial.epoch for trial in study.trials} == {3}
    with tune(**stopped, budget=None) as study:
        return list(zip(CASES, *expected, *results(study), strict=True))


def test_every_optimizer_schedule_dropout_norm_and_loader_goes_on_exactly_in_another_process(matrix):
    assert len(matrix) == 60
    wrong = [case for case, whole, state, *found in matrix if not same([whole, state], found)]
    assert not wrong


@pytest.mark.parametrize("kind", ["loader", "workers"])
def test_what_loaders_and_their_workers_draw_depends_on_the_epoch(matrix, kind):
    """Data that are augmented from all generators of the loading process are others in each epoch, and shuffled."""
    seen = [[epoch["seen"] for epoch in found] for case, found, *_ in matrix if case["loader"] == kind]
    assert len(seen) == 4
    assert all(len(set(epochs)) == 9 for epochs in seen)


def test_workers_that_persist_keep_their_order_of_batches(matrix):
    seen = [[epoch["seen"] for epoch in found] for case, found, *_ in matrix if case["loader"] == "persistent"]
    assert len(seen) == 4
    assert all(len(set(epochs)) == 9 for epochs in seen)
