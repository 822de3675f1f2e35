"""Three epochs, a stop and six more are nine epochs, bit for bit: with real optimizers, in every way to stop."""

import pytest

import welltempered as wt
from trainings import Pieces, reports, same, tune

pytest.importorskip("torch")


def results(study):
    """Return all that training led to: every report and the last state of every trial."""
    assert [trial.state for trial in study.trials] == ["complete", "complete"]
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
