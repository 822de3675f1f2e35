import math

import numpy as np
import pytest

from simulated import SPACES, history_of, params_of, simulate, study_of, suggested
from welltempered.errors import InvalidInput
from welltempered.schedulers.full import Full
from welltempered.searchers.prior import Prior
from welltempered.searchers.random import Random
from welltempered.searchers.sobol import Sobol
from welltempered.searchers.zoom import Zoom, zooms
from welltempered.space import Choice, Float, Space

SPACE = Space(
    lr=Float(1e-5, 1e-1, scale="log", means="learning_rate"),
    dropout=Float(0, 0.5),
    act=Choice("relu", "gelu", "tanh", "elu"),
)
GUESS = {"lr": 1e-3, "act": "gelu", "dropout": 0.1}


def valley(params, epoch):
    """Losses that are lowest at lr 1e-3."""
    return {"loss": abs(math.log10(params["lr"]) + 3) + params["dropout"] + (params["act"] != "gelu")}


def lowest(searcher, trials=30):
    """Return the mean of the best losses of five studies."""
    studies = [study_of(SPACE, Full(searcher), epochs=1, seed=seed) for seed in range(5)]
    return np.mean([simulate(study, budget=f"{trials} trials", curve=valley).best.loss for study in studies])


def test_the_guess_comes_first_then_others_near_and_far():
    found = suggested(Prior(Sobol(), GUESS), SPACE, 60)
    assert found[0] == GUESS
    near = [abs(math.log10(params["lr"]) + 3) < 1 for params in found]
    assert 30 < sum(near) < 55
    assert suggested(Sobol(), SPACE, 1)[0] in found[:3]


def test_a_good_guess_helps_and_a_wrong_one_costs_little():
    wrong = {"lr": 1e-1, "act": "elu", "dropout": 0.5}
    assert lowest(Prior(Random(), GUESS)) < 0.5 * lowest(Random())
    assert lowest(Prior(Random(), wrong), trials=60) < lowest(Random(), trials=30)


def test_a_wrong_guess_is_soon_asked_rarely():
    prior = Prior(Random(), {"lr": 1e-1, "act": "elu", "dropout": 0.5}, confidence=0.9)
    study = simulate(study_of(SPACE, Full(prior), epochs=1), budget="100 trials", curve=valley)
    of = study.history.fold(prior).of
    assert of[:10].count(1) >= 3
    assert of[50:].count(1) < 15


def test_a_guess_may_be_of_some_parameters_or_name_the_hyperparameter():
    found = suggested(Prior(Random(), {"learning_rate": 1e-3}), SPACE, 200)
    assert found[0]["lr"] == 1e-3
    assert len({params["act"] for params in found}) == 4


def test_what_is_left_out_is_its_default_if_it_has_one():
    space = Space(lr=Float(1e-5, 1e-1, scale="log", default=3e-4), dropout=Float(0, 0.5, default=0.1))
    assert suggested(Prior(Random(), {"dropout": 0.25}), space, 1)[0] == {"lr": 3e-4, "dropout": 0.25}
    assert suggested(Prior(Random()), space, 1)[0] == space.defaults()


def test_a_value_out_of_range_counts_as_its_end():
    assert suggested(Prior(Random(), {"lr": 5}), SPACE, 1)[0]["lr"] == 0.1


def test_a_guess_of_an_unknown_parameter_is_refused_before_anything_is_trained():
    with pytest.raises(InvalidInput, match=r"^in the guess: the space has no parameter 'lrr', did you mean 'lr'\?"):
        Prior(Sobol(), {"lrr": 0.1}).suggest(history_of(SPACE, Full(Sobol())))


@pytest.mark.parametrize(
    ("guess", "error"),
    [
        ({"opt": "adan"}, r"^in the guess: opt has no option 'adan', has 'sgd', 'adam'$"),
        ({"lr": "0.1"}, r"^in the guess: lr cannot be '0\.1', it is Float"),
    ],
)
def test_a_guess_of_what_no_parameter_can_be_is_refused_before_anything_is_trained(guess, error):
    space = Space(lr=Float(1e-4, 1e-1, scale="log"), opt=Choice("sgd", "adam"))
    with pytest.raises(InvalidInput, match=error):
        Prior(Sobol(), guess).suggest(history_of(space, Full(Sobol())))
    assert Prior(Sobol(), {"lr": 5, "opt": "adam"}).suggest(history_of(space, Full(Sobol()))) == {
        "lr": 0.1,
        "opt": "adam",
    }


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"guess": 3}, "params must be a dict"),
        ({"confidence": 1}, "confidence must be above 0 and below 1, got confidence=1"),
        ({"searcher": Full(Sobol())}, r"write either Full\(Sobol\(\)\)|a scheduler goes outside"),
    ],
)
def test_wrong_arguments_are_refused(arguments, error):
    with pytest.raises(InvalidInput, match=error):
        Prior(**{"searcher": Sobol(), "guess": {}, **arguments})


def test_the_searcher_within_does_not_throw_the_same_dice():
    """Whatever decides whose turn it is, and what is drawn around the guess, must not be seen in what Random draws."""
    prior, space = Prior(Random(), {"lr": 1e-3, "dropout": 0.1}), SPACES["continuous"]
    history = history_of(space, Full(prior))
    own = [prior._drawn(history, None) for _ in range(2)]
    assert own[0] == own[1] != Random().suggest(history)


def test_a_zoom_within_is_shown():
    study = study_of(SPACES["continuous"], Full(Prior(Zoom(Random(), start=10, growth=1.2))), epochs=1)
    simulate(study, budget="150 trials", curve=lambda params, epoch: {"loss": params["dropout"] + params["lr"]})
    assert zooms(study.history)
    assert study.replay(verify=True).differences == ()
    assert len(params_of(study.history)) == 150
