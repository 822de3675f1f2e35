"""Each thing that deserves a second look, and what does not."""

import pytest

from welltempered.advice.looks import looks_of
from welltempered.advice.rows import rows_of
from welltempered.presets.design import layers, units
from welltempered.presets.optimizers import optimizer
from welltempered.presets.regularisation import clip_norm, dropout, weight_decay
from welltempered.presets.training import batch_size, beta1, epsilon, learning_rate, momentum
from welltempered.space import Choice, Float, Int, Space

LR = {"lr": learning_rate()}


def looks(count=100, /, **parameters):
    return list(looks_of(tuple(rows_of(Space(parameters))), count))


def test_a_sound_space_needs_no_second_look():
    sound = {"momentum": momentum(), "units": units(n_in=784, n_out=10), "eps": epsilon(), "clip": clip_norm()}
    assert looks(**LR, **sound, dropout=dropout(), decay=weight_decay(), beta1=beta1()) == []


def test_a_learning_rate_that_is_missing_is_fixed_by_omission():
    (found,) = looks(momentum=momentum())
    assert found.startswith("The learning rate is not in the space: it is fixed by omission")


def test_a_constant_learning_rate_is_called_out():
    assert looks(lr=Choice(0.1), momentum=momentum()) == [
        "lr is fixed at 0.1: what is compared at one learning rate is how well that rate suits."
    ]


def test_other_constants_are_called_out():
    assert looks(**LR, depth=Choice(2), optimizer=Choice("sgd")) == [
        "depth is fixed at 2, so the results hold for this value only: is it meant to be?",
        "optimizer is fixed at 'sgd': fine to begin with; another needs a learning rate of its own.",
    ]


def test_too_many_parameters_for_the_budget_are_counted():
    many = {f"x{i}": Float(0, 1) for i in range(9)}
    assert looks(20, **LR, **many, fixed=Choice(1))[-1] == (
        "10 parameters are many for 20 full trainings, enough for about 8: fix the rest, let layers share their "
        "values, or spend 25 trainings."
    )
    assert looks(25, **LR, **many) == []
    assert looks(1, **LR, **many)[0].startswith("10 parameters are many for 1 full training, enough for about 1")


@pytest.mark.parametrize(
    ("name", "parameter", "look"),
    [
        (
            "lr",
            Float(1e-5, 1e-1),
            "lr is on a linear scale: 90 % of the trials lie above 0.01. Its order of",
        ),
        ("wd", Float(0, 1e-2), "wd is on a linear scale: 90 % of the trials lie above 0.001"),
        ("eps", Float(1e-10, 1e-3), "eps is on a linear scale: 90 % of the trials lie above 0.0001"),
    ],
)
def test_a_linear_scale_over_decades_is_measured(name, parameter, look):
    (found,) = looks(**{**({} if name == "lr" else LR), name: parameter})
    assert found.startswith(look)
    assert found.endswith("use scale='zero_or_log'." if name == "wd" else "use scale='log'.")


def test_a_linear_scale_within_a_decade_is_none_of_our_business():
    assert looks(lr=Float(1e-3, 9e-3)) == []


@pytest.mark.parametrize(
    ("scale", "named", "share"), [("linear", "a linear", 9), ("log", "a log", 9)], ids=["linear", "log"]
)
def test_averages_on_another_scale_are_measured(scale, named, share):
    (found,) = looks(**LR, momentum=Float(0.9, 0.999, scale=scale))
    assert found == (
        f"momentum is on {named} scale: only {share} % of the trials lie above 0.99, the middle of the range in steps "
        "averaged. Use scale='one_minus_log'."
    )


def test_averages_that_span_little_may_be_linear():
    assert looks(**LR, momentum=Float(0.8, 0.9)) == []


@pytest.mark.parametrize(
    ("name", "parameter", "usual"),
    [
        ("momentum", momentum(0.95, 0.999), "0.9"),
        ("batch_size", batch_size(128, 512), "32"),
        ("lr", learning_rate(1e-6, 1e-4), "0.001 or 0.01"),
        ("beta2", Float(0.9, 0.99, scale="one_minus_log"), "0.999"),
    ],
)
def test_a_range_without_the_usual_value_needs_evidence(name, parameter, usual):
    found = looks(**{**LR, name: parameter})
    assert any(f"without the usual {usual}: is there evidence for that?" in look for look in found)


def test_either_usual_learning_rate_will_do():
    assert looks(lr=learning_rate(5e-3, 1.0)) == []


def test_a_choice_among_numbers_knows_no_order():
    (found,) = looks(**LR, units_1=Choice(64, 128, 256))
    assert found == ("units_1 is a Choice, which knows no order: as Int, with a scale, a value tells of those near it.")
    assert looks(**LR, units_1=Choice(64, 128), kind=Choice("a", "b", "c")) == []


def test_a_batch_size_reopens_other_parameters():
    (found,) = looks(**LR, batch=Int(16, 512, scale="log"))
    assert found == (
        "batch changes which learning rate, momentum and regularisation are best: whoever changes it later tunes these "
        "again."
    )
    assert looks(batch_size=batch_size())[-1].endswith("None can be compared while the learning rate is fixed.")


def test_spaces_of_presets_are_looked_at_once():
    found = looks(1000, **optimizer("sgd", "adam"), **layers((1, 4), units=units(n_in=784, n_out=10)))
    assert found == []


def test_what_is_shadowed_by_a_parameter_of_the_optimizer_is_told():
    one = looks(**optimizer("sgd"), weight_decay=weight_decay())
    assert "weight_decay is not read by run.build_optimizer: sgd_weight_decay is." in one
    two = looks(**optimizer("sgd", "adam"), weight_decay=weight_decay(), learning_rate=learning_rate())
    assert "weight_decay is not read by run.build_optimizer where optimizer is 'sgd': sgd_weight_decay is." in two
    assert "learning_rate is not read by run.build_optimizer: sgd_lr, adam_lr are." in two
    assert not [look for look in looks(**optimizer("adam"), weight_decay=weight_decay()) if "not read" in look]
