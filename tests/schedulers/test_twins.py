import math

import pytest

from simulated import params_of, simulate, study_of
from welltempered.events import Resumed
from welltempered.schedulers.freeze_thaw import FreezeThaw
from welltempered.schedulers.twins import Twins
from welltempered.space import Float, Space

pytestmark = pytest.mark.usefixtures("no_global_randomness")

SPACE = Space(x=Float(0, 1), y=Float(0, 1))


def waves(x, y):
    return (x - 0.7) ** 2 + (y - 0.4) ** 2 + 0.3 * math.sin(9 * x) * math.cos(7 * y)


def setting(params):
    """Return the setting of a coarse grid that is trained in place of params."""
    return round(params["x"] * 8) / 8, round(params["y"] * 8) / 8


def looked_up(params, epoch):
    return {"loss": waves(*setting(params)) + 1 / epoch}


def counted(params, epoch):
    """Errors among 500 examples."""
    return {"loss": round(500 * (0.4 + 0.3 * waves(params["x"], params["y"]) + 0.3 / epoch)) / 500}


def run(curve, seed=0, budget=200):
    """Return the study and what its method knows; its log gives the same decisions again."""
    study = study_of(SPACE, FreezeThaw(), epochs=27, seed=seed)
    simulate(study, curve=curve, budget=f"{budget} epochs")
    assert study.replay(verify=True).differences == ()
    return study.history, study.history.fold(FreezeThaw())


def best_row(history):
    """Return how many trials trained the best of the settings."""
    settings = [setting(params) for params in params_of(history)]
    return settings.count(min(settings, key=lambda xy: waves(*xy)))


def test_where_params_are_looked_up_in_a_table_the_best_row_is_seldom_trained_again(monkeypatch):
    aware = [run(looked_up, seed, 400)[0] for seed in range(2)]
    monkeypatch.setattr(Twins, "met", lambda *_: False)
    unaware = [run(looked_up, seed, 400)[0] for seed in range(2)]
    assert sum(map(best_row, aware)) < sum(map(best_row, unaware)) / 2


def test_a_twin_is_given_up_after_its_first_lease():
    history, state = run(looked_up)
    assert state.twins.reach > 0
    losses = {}
    twins = [trial.id for trial in history.trials if losses.setdefault(trial.losses[0], trial.id) != trial.id]
    resumed = {event.trial for event in history.events if isinstance(event, Resumed)}
    median = sorted(trial.loss for trial in history.trials)[len(history.trials) // 2]
    good = [id for id in twins if history.trials[id].losses[0] < median]
    assert good
    assert not resumed & set(good)


@pytest.mark.parametrize("seed", range(3))
def test_accuracies_that_are_equal_by_chance_make_no_twins(seed):
    history, state = run(counted, seed)
    firsts = [trial.losses[0] for trial in history.trials]
    assert len(set(firsts)) < len(firsts)
    assert state.twins.reach == 0


def test_nets_that_learn_nothing_are_no_twins():
    def dead(params, epoch):
        return {"loss": 2.3 if params["x"] < 0.6 else 1 + waves(params["x"], params["y"]) + 0.1 / epoch}

    history, state = run(dead)
    assert sum(trial.losses[0] == 2.3 for trial in history.trials) > 3
    assert state.twins.reach == 0


def test_trials_that_report_something_else_beside_the_loss_are_no_twins():
    def named(params, epoch):
        return {**looked_up(params, epoch), "x": params["x"]}

    assert run(named)[1].twins.reach == 0
