"""Reduce on plateau: the rule itself, and that torch's and Keras' own classes do the same in their own words."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import welltempered as wt

LOSSES = st.lists(st.sampled_from([1.0, 0.99, 0.9, 0.5, 0.45, 2.0, math.nan]), min_size=1, max_size=30)
RULES = st.builds(
    wt.ReduceOnPlateau,
    factor=st.sampled_from([0.1, 0.5]),
    patience=st.integers(1, 4),
    min_delta=st.sampled_from([0.0, 0.07]),
    cooldown=st.integers(0, 3),
    floor=st.sampled_from([0.0, 0.2]),
)


def test_it_falls_after_patience_epochs_without_improvement_and_waits_anew():
    rule = wt.ReduceOnPlateau(factor=0.5, patience=2)
    assert rule.factors([1, 1, 1, 1, 1, 0.9, 0.9, 0.9]) == [1, 1, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125]


def test_an_improvement_of_no_more_than_min_delta_is_none():
    rule = wt.ReduceOnPlateau(factor=0.5, patience=1, min_delta=0.25)
    assert rule.factors([1, 0.75, 0.5]) == [1, 0.5, 0.5]


def test_nothing_is_waited_in_the_cooldown_but_the_best_is_kept_up_to_date():
    rule = wt.ReduceOnPlateau(factor=0.5, patience=1, cooldown=2)
    assert rule.factors([3, 3, 2, 2, 2.5, 2.5]) == [1, 0.5, 0.5, 0.5, 0.25, 0.25]


def test_it_does_not_fall_below_its_floor():
    assert wt.ReduceOnPlateau(patience=1, floor=0.05).factors([1, 1, 1, 1]) == [1, 0.1, 0.05, 0.05]


def test_a_loss_that_is_no_number_is_no_improvement():
    assert wt.ReduceOnPlateau(factor=0.5, patience=1).factors([1, math.nan, 0.5]) == [1, 0.5, 0.5]


@given(RULES, LOSSES)
def test_torch_falls_at_the_same_epochs_with_a_patience_of_one_less(rule, losses):
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer,
        factor=rule.factor,
        patience=rule.patience - 1,
        threshold=rule.min_delta,
        threshold_mode="abs",
        cooldown=rule.cooldown,
        min_lr=0.1 * rule.floor,
        eps=0,
    )
    found = []
    for loss in losses:
        theirs.step(loss)
        found.append(optimizer.param_groups[0]["lr"] / 0.1)
    assert found == pytest.approx(rule.factors(losses))


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras 3.15 with NumPy 2
@settings(max_examples=25)
@given(RULES, LOSSES.map(lambda losses: [loss for loss in losses if not math.isnan(loss)]))
def test_keras_falls_at_the_same_epochs_with_a_cooldown_of_one_more(rule, losses):
    keras = pytest.importorskip("keras")
    theirs = keras.callbacks.ReduceLROnPlateau(
        monitor="loss",
        mode="min",
        factor=rule.factor,
        patience=rule.patience,
        min_delta=rule.min_delta,
        cooldown=rule.cooldown + 1,
        min_lr=0.1 * rule.floor,
    )
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.1), "mse")
    theirs.set_model(model)
    theirs.on_train_begin()
    found = []
    for epoch, loss in enumerate(losses):
        theirs.on_epoch_end(epoch, {"loss": loss})
        found.append(float(model.optimizer.learning_rate) / 0.1)
    assert found == pytest.approx(rule.factors(losses), abs=1e-6)


@pytest.mark.parametrize("losses", [3, ["a"], [None]])
def test_losses_are_numbers(losses):
    with pytest.raises(wt.InvalidInput, match="losses must be numbers, one per epoch, got losses="):
        wt.ReduceOnPlateau().factors(losses)


def test_it_is_no_curve_and_says_so():
    with pytest.raises(wt.InvalidInput, match=r"use factors\(losses\)"):
        wt.ReduceOnPlateau().at(3, epochs=9)
