import numpy as np
import pytest

from simulated import FINITE, SPACES, bad_luck, chance, history_of, params_of, simulate, study_of
from welltempered.errors import InvalidInput
from welltempered.events import Reported, Started
from welltempered.schedulers.full import Full
from welltempered.schedulers.hyperband import Hyperband
from welltempered.schedulers.rules import Median
from welltempered.searchers.random import Random
from welltempered.searchers.replicate import Replicate
from welltempered.seeds import seed_of
from welltempered.space import Float, Space

SPACE = Space(x=Float(0, 1))


def noisy(searcher, seed, trials=150):
    """Return a history of trials whose loss is x and noise of the trial's seed."""
    history = history_of(SPACE, Full(searcher), epochs=1, seed=seed)
    for id in range(trials):
        history.apply(Started(id, searcher.suggest(history), 1))
        noise = np.random.default_rng(seed_of(seed, id, 0)).normal(0, 0.2)
        history.apply(Reported(id, 1, {"loss": history.trials[id].params["x"] + noise}))
    return history


def test_the_best_of_a_noisy_study_is_nearer_to_the_truth():
    def truth(searcher):
        return np.mean([noisy(searcher, seed).best.params["x"] for seed in range(20)])

    assert truth(Replicate(Random())) < 0.6 * truth(Random())


def test_only_leaders_are_trained_again_and_none_more_often_than_asked():
    history = noisy(Replicate(Random(), times=4), 0)
    counts = {tuple(history.replicates(trial.id)): None for trial in history.trials}
    assert max(map(len, counts)) == 4
    assert sum(len(same) > 1 for same in counts) < 30
    assert any(1 < len(same) < 4 for same in counts), "no leader was abandoned"
    assert len(history.replicates(history.best.id)) > 1


def test_no_setting_is_trained_again_before_ten_have_results():
    history = noisy(Replicate(Random()), 1, trials=11)
    assert len({trial.params["x"] for trial in history.trials}) == 10


def test_replicates_that_run_are_counted():
    searcher = Replicate(Random(), times=3)
    history = noisy(searcher, 0, trials=10)
    found = []
    for id in range(10, 14):
        found.append(searcher.suggest(history))
        history.apply(Started(id, found[-1], 1))
    assert found[0] == found[1] == history.best.params
    assert found[1] != found[2] != found[3]


def test_a_small_space_is_tried_whole_and_then_the_leader_again():
    space = FINITE["named choices"]
    study = simulate(study_of(space, Full(Replicate(Random(), times=3)), epochs=1))
    points = [sorted(params.items(), key=str) for params in params_of(study.history)]
    assert len(points) == space.size + 2
    assert points[-1] == points[-2]


@pytest.mark.parametrize("make", [Full, Hyperband, lambda searcher: Median(Full(searcher), least=2)])
def test_with_any_scheduler_and_bad_luck_replay_finds_no_difference(make):
    study = study_of(SPACES["nested conditions"], make(Replicate(Random(), times=3)))
    simulate(study, slots=3, budget="400 epochs", fate=bad_luck(1))
    assert study.replay(verify=True).differences == ()
    assert any(len(study.history.replicates(trial.id)) > 1 for trial in study.trials)


def test_what_has_diverged_everywhere_is_not_trained_again():
    study = study_of(SPACES["continuous"], Full(Replicate(Random())), epochs=1)
    simulate(study, budget="30 trials", curve=lambda params, epoch: {"loss": None})
    assert len({chance(params) for params in params_of(study.history)}) == 30


@pytest.mark.parametrize("times", [1, 2.5, None])
def test_times_is_a_whole_number(times):
    with pytest.raises(InvalidInput, match=r"^times must be a whole number of at least 2, got times="):
        Replicate(Random(), times=times)
