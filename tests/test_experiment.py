import pytest

from welltempered.errors import InvalidInput
from welltempered.experiment import Experiment
from welltempered.objective import Objective
from welltempered.schedulers.full import Full
from welltempered.searchers.random import Random
from welltempered.searchers.sobol import Sobol
from welltempered.space import Float, Space

SPACE = Space(lr=Float(1e-5, 1e-1, scale="log"))


def train(run):
    pass


def experiment(**changes):
    return Experiment(**{"train": train, "space": SPACE, "minimize": "loss", "epochs": 9} | changes)


def test_what_is_minimized_or_maximized_is_the_objective():
    assert experiment().objective == Objective("loss")
    assert experiment(minimize=None, maximize="accuracy").objective == Objective("accuracy", maximize=True)


def test_the_method_is_given_or_left_to_the_study():
    assert (experiment().method, experiment().scheduler) == ("auto", None)
    assert experiment(method="auto") == experiment()
    assert experiment(method=Full(Random())).scheduler == Full(Random())


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"train": 3}, "train must be a function of one argument, the run, got 3"),
        ({"space": {"lr": 0.1}}, "space must be a Space, such as Space(lr=Float(1e-5, 1e-1)), got {'lr': 0.1}"),
        ({"epochs": 0}, "epochs must be a whole number of at least 1 and below 2**63, got epochs=0"),
        ({"epochs": 2.5}, "epochs must be a whole number of at least 1 and below 2**63, got epochs=2.5"),
        ({"epochs": True}, "epochs must be a whole number of at least 1 and below 2**63, got epochs=True"),
        ({"seed": -1}, "seed must be a whole number of at least 0 and below 2**63, got seed=-1"),
        ({"seed": 2**63}, f"seed must be a whole number of at least 0 and below 2**63, got seed={2**63}"),
        (
            {"method": Sobol()},
            (
                'method must be "auto" or a scheduler such as Hyperband(Sobol()), got Sobol(); '
                "write Hyperband(Sobol()), or Full(Sobol()) to stop nobody early"
            ),
        ),
        ({"method": None}, 'method must be "auto" or a scheduler such as Hyperband(Sobol()), got None'),
        (
            {"method": "Auto"},
            (
                "method must be \"auto\" or a scheduler such as Hyperband(Sobol()), got 'Auto'; "
                "a scheduler is written without quotes"
            ),
        ),
    ],
)
def test_an_argument_that_breaks_a_rule_is_named(changes, sentence):
    with pytest.raises(InvalidInput) as error:
        experiment(**changes)
    assert str(error.value) == sentence


@pytest.mark.parametrize(
    "changes",
    [{"minimize": None}, {"maximize": "accuracy"}, {"minimize": ""}, {"minimize": 3}],
    ids=["neither", "both", "empty", "no name"],
)
def test_exactly_one_metric_is_improved(changes):
    with pytest.raises(InvalidInput, match=r"^exactly one of minimize and maximize must name a metric, got minimize="):
        experiment(**changes)
