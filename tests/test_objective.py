import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from welltempered.errors import InvalidInput
from welltempered.objective import Objective

accuracy = Objective("accuracy", maximize=True)
loss = Objective("loss")
finite = st.floats(allow_nan=False, allow_infinity=False)


@given(finite)
def test_a_loss_is_the_metric_with_the_sign_that_makes_lower_better(value):
    assert loss.loss({"loss": value}) == value
    assert accuracy.loss({"accuracy": value}) == -value


@given(finite)
def test_the_value_of_a_loss_is_what_the_user_reported(value):
    assert loss.value(loss.loss({"loss": value})) == value
    assert accuracy.value(accuracy.loss({"accuracy": value})) == value


@pytest.mark.parametrize("objective", [loss, accuracy], ids=str)
@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_the_worst_whatever_the_direction(objective, value):
    assert objective.loss({objective.metric: value}) == math.inf
    assert objective.value(math.inf) is None


def test_other_metrics_do_not_matter():
    assert loss.loss({"accuracy": None, "loss": 0.5}) == 0.5


def test_a_missing_objective_is_named_beside_what_was_reported():
    with pytest.raises(InvalidInput) as error:
        loss.loss({"accuracy": 0.5, "time": 3})
    assert str(error.value) == (
        "report must contain the objective 'loss', got 'accuracy', 'time'; call run.report(loss=...) in every epoch"
    )
    with pytest.raises(InvalidInput, match="got nothing"):
        loss.loss({})


def test_an_objective_reads_as_a_wish():
    assert str(accuracy) == "maximize accuracy"
    assert str(loss) == "minimize loss"
