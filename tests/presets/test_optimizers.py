"""The choice of an optimizer, and what each brings along."""

import pytest

from simulated import suggested
from welltempered.errors import InvalidInput
from welltempered.presets.optimizers import OPTIMIZERS, optimizer
from welltempered.presets.training import momentum
from welltempered.searchers.random import Random
from welltempered.space import Choice, Space

every_optimizer = pytest.mark.parametrize("name", OPTIMIZERS)


def names_of(made, name):
    return [key for key in made if key.startswith(f"{name}_")]


def test_every_optimizer_has_its_own_parameters_that_need_it():
    made = optimizer(*OPTIMIZERS)
    assert made["optimizer"] == Choice(*OPTIMIZERS)
    assert made["optimizer"].means == "optimizer"
    for name, words in OPTIMIZERS.items():
        for word in words:
            assert made[f"{name}_{word}"].condition.text == f"optimizer == '{name}'"
    assert len(made) == 1 + sum(map(len, OPTIMIZERS.values()))


def test_searchers_give_each_optimizer_its_own_and_nothing_else():
    for params in suggested(Random(), Space(optimizer(*OPTIMIZERS)), 60):
        name = params["optimizer"]
        assert set(params) == {"optimizer", *(f"{name}_{word}" for word in OPTIMIZERS[name])}


@every_optimizer
def test_a_single_optimizer_needs_no_conditions(name):
    made = optimizer(name)
    assert made["optimizer"].options == (name,)
    assert all(parameter.condition is None for parameter in made.values())
    assert list(Space(made).defaults()) == list(made)


@every_optimizer
def test_words_say_what_they_mean(name):
    means = {"lr": "learning_rate"}
    for word in OPTIMIZERS[name]:
        assert optimizer(name)[f"{name}_{word}"].means == means.get(word, word)


def test_sgd_takes_larger_steps_than_adam():
    made = optimizer("sgd", "adam")
    assert made["sgd_lr"].low > made["adam_lr"].low
    assert made["sgd_lr"].high > made["adam_lr"].high
    assert made["sgd_momentum"] == momentum().when(optimizer="sgd")


def test_prefixes_keep_the_optimizers_of_two_nets_apart():
    made = optimizer("sgd", "adam", prefix="disc", budget=5) | optimizer("adam", prefix="gen", budget=5)
    assert list(made) == ["disc_optimizer", "disc_sgd_lr", "disc_adam_lr", "gen_optimizer", "gen_adam_lr"]
    assert made["disc_sgd_lr"].condition.text == "disc_optimizer == 'sgd'"
    assert Space(made).defaults()["disc_optimizer"] == "sgd"


@pytest.mark.parametrize(
    ("budget", "names"),
    [
        (1, ["adam_lr"]),
        (9, ["adam_lr"]),
        (10, ["adam_lr", "adam_beta1"]),
        (24, ["adam_lr", "adam_beta1"]),
        (25, ["adam_lr", "adam_beta1", "adam_beta2", "adam_epsilon"]),
        (None, ["adam_lr", "adam_beta1", "adam_beta2", "adam_epsilon"]),
    ],
)
def test_the_budget_decides_what_of_adam_is_searched(budget, names):
    assert names_of(optimizer("sgd", "adam", budget=budget), "adam") == names


@pytest.mark.parametrize(
    ("budget", "sgd", "rmsprop"),
    [(9, ["sgd_lr"], ["rmsprop_lr"]), (10, ["sgd_lr", "sgd_momentum"], ["rmsprop_lr"])],
)
def test_rho_joins_later_than_momentum(budget, sgd, rmsprop):
    made = optimizer("sgd", "rmsprop", budget=budget)
    assert (names_of(made, "sgd"), names_of(made, "rmsprop")) == (sgd, rmsprop)
    assert "rmsprop_rho" in optimizer("rmsprop", budget=25)


def test_a_budget_may_say_its_unit_and_the_help_lists_what_each_optimizer_brings():
    assert optimizer("adam", budget="9 trials") == optimizer("adam", budget=9)
    for name in ("sgd", "rmsprop", "adagrad", "adam"):
        assert f'`"{name}"`: {", ".join(f"`{key}`" for key in names_of(optimizer(name), name))}' in optimizer.__doc__


def test_the_table_cannot_be_changed():
    with pytest.raises(TypeError):
        OPTIMIZERS["lion"] = ("lr",)


@pytest.mark.parametrize(
    ("names", "arguments", "sentence"),
    [
        ([], {}, 'optimizer needs a name, as in optimizer."sgd", "adam".; there are sgd, nesterov'),
        (["adan"], {}, "there is no preset of the optimizer 'adan', did you mean 'adam'?"),
        (["AdamW"], {}, "there is no preset of the optimizer 'AdamW', did you mean 'adamw'?"),
        (["lookahead"], {}, "there is no preset of the optimizer 'lookahead', there are sgd, nesterov, rmsprop"),
        ([["sgd", "adam"]], {}, 'names must be given one by one, .*: write optimizer."sgd", "adam".'),
        ([None], {}, "there is no preset of the optimizer None"),
        (["sgd", "adam", "sgd"], {}, "names of optimizers must differ, got sgd, adam, sgd"),
        (
            ["sgd"],
            {"budget": 0},
            "budget must be a whole number of full trainings of at least 1, .* got budget=0",
        ),
        (["sgd"], {"budget": "9"}, "budget must be a number or say its unit, 9 or '9 trials', got '9'"),
        (["sgd"], {"budget": "9 epochs"}, "or give the number of full trainings itself"),
        (["sgd"], {"budget": True}, "budget must be a whole number of full trainings"),
        (["sgd"], {"prefix": "my net"}, "prefix must be a word such as 'disc', got prefix='my net'"),
    ],
)
def test_wrong_arguments_are_refused(names, arguments, sentence):
    with pytest.raises(InvalidInput, match=sentence.replace("?", r"\?")):
        optimizer(*names, **arguments)
