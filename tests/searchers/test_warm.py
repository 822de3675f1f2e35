import json
import math

import pytest

from simulated import SPACES, history_of, simulate, study_of, suggested
from welltempered.errors import InvalidInput
from welltempered.method import from_json, to_json
from welltempered.presets.training import learning_rate
from welltempered.schedulers.full import Full
from welltempered.searchers.random import Random
from welltempered.searchers.sobol import Sobol
from welltempered.searchers.warm import Warm
from welltempered.space import Choice, Float, Int, Space

SPACE = Space(lr=Float(1e-5, 1e-1, scale="log"), dropout=Float(0, 0.5))


def valley(params, epoch):
    return {"loss": abs(math.log10(params["lr"]) + 3) + params["dropout"]}


def past(space=SPACE, curve=valley, trials=30):
    """Return a finished study."""
    return simulate(study_of(space, Full(Random()), epochs=1, seed=9), budget=f"{trials} trials", curve=curve)


def best_of(study, count):
    return [trial.params for trial in sorted(study.trials, key=lambda trial: trial.loss)[:count]]


def test_a_study_is_kept_as_its_best_settings_in_their_order():
    study = past()
    warm = Warm(Random(), [study])
    assert [dict(setting) for setting in warm.sources[0]] == best_of(study, 10)
    assert warm == Warm(Random(), [study.history]) == Warm(Random(), [best_of(study, 10)])
    assert hash(warm) == hash(Warm(Random(), [study]))


def test_it_survives_its_way_through_json_without_the_studies():
    method = Full(Warm(Random(), [past(), past(trials=5)]))
    assert from_json(json.loads(json.dumps(to_json(method)))) == method


def test_sources_come_first_and_in_turns():
    one, other = past(), past(curve=lambda params, epoch: {"loss": params["lr"]})
    found = suggested(Warm(Sobol(), [one, other]), SPACE, 3)
    assert found == [best_of(one, 1)[0], best_of(other, 1)[0], suggested(Sobol(), SPACE, 1)[0]]


def test_a_parameter_is_known_by_its_name_or_by_what_it_means():
    study = past(Space(rate=learning_rate(), dropout=Float(0, 0.5)), lambda params, epoch: {"loss": params["rate"]})
    best = study.best.params["rate"]
    assert suggested(Warm(Sobol(), [study]), Space(lr=learning_rate()), 1)[0]["lr"] == best
    named = Space(rate=Float(1e-6, 1, scale="log"), width=Int(1, 9))
    assert suggested(Warm(Sobol(), [study]), named, 1)[0]["rate"] == best


def test_values_are_clipped_rounded_or_left_out_as_the_space_wants():
    space = Space(
        lr=Float(1e-5, 1e-2, scale="log"), width=Int(4, 8, step=2), act=Choice("relu", "tanh"), free=Float(0, 1)
    )
    given = [{"lr": 0.5, "width": 6.6, "act": "gelu"}, {"lr": 0, "width": 99, "act": "tanh"}]
    found = suggested(Warm(Random(), [given]), space, 6)
    assert (found[0]["lr"], found[0]["width"]) == (1e-2, 6)
    assert any((p["lr"], p["width"], p["act"]) == (1e-5, 8, "tanh") for p in found)


def test_each_setting_is_tried_once_even_if_it_leaves_parameters_open():
    given = [{"lr": lr} for lr in (1e-2, 1e-3, 1e-4)]
    found = [params["lr"] for params in suggested(Warm(Random(), [given]), SPACE, 12)]
    assert [lr for lr in found if lr in (1e-2, 1e-3, 1e-4)] == [1e-2, 1e-3, 1e-4]


def test_a_source_that_misleads_is_soon_asked_rarely():
    wrong = [{"lr": 0.1 - 1e-4 * k, "dropout": 0.5} for k in range(10)]
    warm = Warm(Random(), [wrong, past()])
    study = simulate(study_of(SPACE, Full(warm), epochs=1), budget="100 trials", curve=valley)
    of = study.history.fold(warm).of
    assert of[50:].count(1) < 10
    assert of[50:].count(2) > 15


def test_a_constraint_of_the_present_space_holds():
    space = SPACES["constrained"]
    given = [{"first": 3, "second": 90}, {"first": 90, "second": 3}]
    found = suggested(Warm(Random(), [given]), space, 10)
    assert all(space.contains(params) for params in found)
    assert (90, 3) in {(params["first"], params["second"]) for params in found}


@pytest.mark.parametrize(
    ("sources", "error"),
    [
        ([], r"sources must be a list of studies, as in Warm\(Sobol\(\), \[study\]\), got \[\]"),
        ("studies/first", "sources must be a list of studies"),
        (["studies/first"], r"sources must be studies or lists .*; for a folder write Study\.open\('studies/first'\)"),
        ([3], "sources must be a list of params"),
        ([[]], "sources must have trials to learn from"),
    ],
)
def test_wrong_sources_are_refused(sources, error):
    with pytest.raises(InvalidInput, match=f"^{error}"):
        Warm(Sobol(), sources)


def test_a_study_in_which_nothing_has_worked_is_refused():
    with pytest.raises(InvalidInput, match=r"^sources must have trials to learn from"):
        Warm(Sobol(), [history_of(SPACE, Full(Sobol()))])
    with pytest.raises(InvalidInput, match=r"^sources must have trials to learn from"):
        Warm(Sobol(), [past(curve=lambda params, epoch: {"loss": None}, trials=3)])


def test_a_source_that_has_nothing_in_common_with_the_space_is_refused():
    warm = Warm(Sobol(), [[{"alpha": 0.1}]])
    with pytest.raises(
        InvalidInput, match=r"^sources must have a parameter in common with the space, lr, dropout, got "
    ):
        warm.suggest(history_of(SPACE, Full(warm)))
