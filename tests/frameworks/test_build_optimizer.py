"""An optimizer and its schedule from the params in one line: what is built, when the rate changes, exact
continuation."""

import re

import pytest

import welltempered as wt
from trainings import Pieces, reports, same, tune

torch = pytest.importorskip("torch")

from annealed import BATCHES, CASES, SPACE, Listed, model_of, one_epoch, train, train_by_lease, train_carelessly  # noqa: E402


class KeepAll(Pieces):
    """Pieces of trials, of which every checkpoint stays to be compared."""

    def keeps(self, history):
        return range(len(history.trials))


class Whole(KeepAll):
    """The same trials, each in one piece."""

    def next(self, history, held):
        started = len(history.trials)
        return wt.Wait() if started == self.trials else wt.Start(self.searcher.suggest(history), history.epochs)


def run_with(body, params=None, epochs=4, **settings):
    """Train one trial with these params; what `body` raises ends the test, what it returns is returned."""
    found = []

    def train(run):
        found.append(body(run))

    choices = {name: wt.Choice(value) for name, value in (params or {"lr": 0.1}).items()}
    with tune(train, space=wt.Space(choices), epochs=epochs, **settings) as study:
        (trial,) = study.trials
        assert trial.ended in {None, "finished"}, trial.error
    return found[-1]


def refused(body, params=None):
    """Return the sentence with which training code is refused."""
    choices = {name: wt.Choice(value) for name, value in (params or {"lr": 0.1}).items()}
    with tune(body, space=wt.Space(choices), epochs=2) as study:
        assert study.trials[0].state == "failed"
        return study.trials[0].error.strip().splitlines()[-1].removeprefix("welltempered.errors.InvalidInput: ")


def rates(run, optimizer, step=lambda optimizer, _: optimizer.step(), losses=None):
    """Train some epochs of five steps; return the rates of each."""
    found = []
    for epoch in run:
        found.append([])
        for i in range(5):
            found[-1].append(optimizer.param_groups[0]["lr"])
            step(optimizer, i)
        run.report(loss=losses[epoch - 1] if losses else 1)
    return found


def layer():
    return torch.nn.Linear(2, 1)


# ------------------------------------------------------------ what is built

BUILT = [
    ("sgd", {}, {"lr": 0.01, "momentum": 0.9, "nesterov": False, "weight_decay": 0}),
    ("nesterov", {"nesterov_momentum": 0.99}, {"momentum": 0.99, "nesterov": True}),
    (
        "rmsprop",
        {"rmsprop_rho": 0.9, "rmsprop_epsilon": 1e-6, "momentum": 0.5},
        {"alpha": 0.9, "eps": 1e-6, "momentum": 0.5},
    ),
    ("adagrad", {"lr": 0.5, "epsilon": 1e-5}, {"lr": 0.5, "eps": 1e-5}),
    ("adam", {"adam_beta1": 0.8}, {"lr": 0.001, "betas": (0.8, 0.999)}),
    ("adam", {"beta2": 0.99, "learning_rate": 0.2}, {"lr": 0.2, "betas": (0.9, 0.99)}),
    ("adamw", {"adamw_lr": 0.3, "lr": 0.1, "adamw_weight_decay": 0.2}, {"lr": 0.3, "weight_decay": 0.2}),
    ("adamw", {"adamw_learning_rate": 0.3, "lr": 0.1}, {"lr": 0.3}),
    ("adamw", {"sgd_lr": 0.3}, {"lr": 0.001, "weight_decay": 0.01}),
    ("nadam", {"nadam_learning_rate": 0.01, "rho": 7}, {"lr": 0.01, "betas": (0.9, 0.999)}),
]
CLASSES = {"sgd": "SGD", "nesterov": "SGD", "rmsprop": "RMSprop", "adagrad": "Adagrad", "adam": "Adam"}
CLASSES |= {"adamw": "AdamW", "nadam": "NAdam"}


@pytest.mark.parametrize(("name", "params", "expected"), BUILT)
@pytest.mark.parametrize("by_argument", [True, False])
def test_the_optimizer_has_what_the_params_say_and_else_its_defaults(name, params, expected, by_argument):
    def body(run):
        return run.build_optimizer(layer(), optimizer=name if by_argument else None), [run.report(loss=1) for _ in run]

    optimizer, _ = run_with(body, params if by_argument and params else {**params, "optimizer": name})
    assert type(optimizer).__name__ == CLASSES[name]
    assert {key: optimizer.param_groups[0][key] for key in expected} == expected


def test_groups_keep_their_own_rates_and_all_are_annealed():
    def body(run):
        one, other = layer(), layer()
        groups = [{"params": one.parameters()}, {"params": other.parameters(), "lr": 0.04}]
        optimizer = run.build_optimizer(groups, optimizer="sgd")
        found = []
        for _ in run:
            found.append([group["lr"] for group in optimizer.param_groups])
            run.report(loss=1)
        return found

    found = run_with(body, {"lr": 0.1, "schedule": "linear"})
    assert found == [pytest.approx([0.1 * share, 0.04 * share]) for share in (1, 0.75, 0.5, 0.25)]


def test_two_optimizers_have_params_and_state_of_their_own():
    names = []

    def body(run):
        one = run.build_optimizer(layer(), optimizer="sgd", prefix="generator_")
        other = run.build_optimizer(layer().parameters(), prefix="critic_")
        names.extend(run._kept)
        return [(run.report(loss=1), one.param_groups[0]["lr"], other.param_groups[0]["lr"]) for _ in run]

    params = {"generator_lr": 0.4, "generator_schedule": "linear", "critic_optimizer": "adam", "critic_lr": 0.2}
    assert [found[1:] for found in run_with(body, params, epochs=2)] == [(0.4, 0.2), (0.2, 0.2)]
    assert names == ["generator_optimizer", "generator_schedule", "critic_optimizer", "critic_schedule"]


WRONG = [
    ({}, {}, "optimizer must be one of sgd, .*, nadam, got none: params have no optimizer; write optimizer='sgd'"),
    ({}, {"optimizer": "lion"}, "optimizer must be one of sgd, .*, nadam, got optimizer='lion'"),
    ({}, {"optimizer": torch.optim.SGD}, "optimizer must be one of sgd, .*, nadam, got optimizer=<class"),
    ({"optimizer": "adam"}, {"optimizer": "sgd"}, "optimizer must be left to the params, which have optimizer='adam'"),
    ({}, {"optimizer": "sgd", "steps": 0}, "steps must be a whole number of at least 1, got steps=0"),
    ({}, {"optimizer": "sgd", "horizon": "short"}, "horizon must be 'full' or 'lease', got horizon='short'"),
    ({}, {"optimizer": "sgd", "horizon": ["full"]}, r"horizon must be 'full' or 'lease', got horizon=\['full'\]"),
    (
        {},
        {"optimizer": "sgd", "prefix": 3},
        "prefix must be a word such as 'disc', got prefix=3",
    ),
    ({"sgd_lr": "fast"}, {"optimizer": "sgd"}, "parameters and params must suit torch.optim.SGD, got lr='fast'"),
    ({"momentum": 0.0}, {"optimizer": "nesterov"}, "parameters and params must suit torch.optim.SGD, got .*: Nesterov"),
    ({"schedule": "cos"}, {"optimizer": "sgd"}, "schedule must be one of constant, .*, got 'cos'"),
    ({}, {"optimizer": "sgd", "parameters": [{"lr": 1}]}, "each group of parameters must be a dict with 'params', got"),
    ({"lr": True}, {"optimizer": "sgd"}, "lr must be a number, got lr=True"),
    ({}, {"optimizer": "sgd", "parameters": 3}, "parameters and params must suit torch.optim.SGD, got .*"),
    ({}, {"optimizer": "sgd", "parameters": []}, "parameters and params must suit torch.optim.SGD, got .*: .*empty"),
]


@pytest.mark.parametrize(("params", "arguments", "sentence"), WRONG)
def test_wrong_arguments_are_refused_with_a_sentence(params, arguments, sentence):
    def train(run):
        run.build_optimizer(**{"parameters": layer(), **arguments})

    assert re.match(sentence, refused(train, params))


def test_it_cannot_be_built_within_the_loop_or_twice_under_one_name():
    def late(run):
        for _ in run:
            run.build_optimizer(layer(), optimizer="sgd")

    def twice(run):
        run.build_optimizer(layer(), optimizer="sgd")
        run.build_optimizer(layer(), optimizer="sgd")

    def kept(run):
        run.keep(optimizer=run.build_optimizer(layer(), optimizer="sgd"))

    assert refused(late) == "run.build_optimizer must be called before the first epoch, got a call after it began"
    assert refused(twice) == "each optimizer must have a prefix of its own, got prefix='' again; give each a prefix"
    assert refused(kept) == (
        "run.keep must be given each name once, got 'optimizer' again; "
        "build_optimizer keeps it with its schedule: leave it out of run.keep"
    )


# ---------------------------------------------------- when the rate changes

CURVE = wt.CosineDecay(warmup=1)
PARAMS = {"lr": 0.1, "schedule": "cosine", "warmup": 1.0}


def test_with_steps_the_rate_changes_after_each_step_and_else_after_each_epoch():
    for steps in (5, None):
        found = run_with(
            lambda run, s=steps: rates(run, run.build_optimizer(layer(), optimizer="sgd", steps=s)), PARAMS
        )
        for epoch in range(4):
            for step in range(5):
                at = epoch if steps is None else 5 * epoch + step
                assert found[epoch][step] == pytest.approx(0.1 * CURVE.at(at, epochs=4, steps=steps or 1))


def test_steps_that_are_skipped_do_not_shift_the_epochs_that_follow():
    """As a gradient scaler skips them where gradients overflow."""
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0)

    def skipping(optimizer, i):
        (parameter, *_) = optimizer.param_groups[0]["params"]
        scaler.scale((parameter * (float("inf") if i == 2 else 1.0)).sum()).backward()
        scaler.step(optimizer)
        scaler.update()
        optimizer.zero_grad()

    def body(run):
        return rates(run, run.build_optimizer(layer(), optimizer="sgd", steps=5), skipping)

    found = run_with(body, PARAMS)
    assert [epoch[0] for epoch in found] == pytest.approx([0.1 * CURVE.at(5 * i, epochs=4, steps=5) for i in range(4)])
    assert found[1][3] == found[1][2]


def test_epochs_without_a_single_step_say_no_word_and_lose_no_place():
    def body(run):
        return rates(run, run.build_optimizer(layer(), optimizer="sgd", steps=5), lambda *_: None)

    found = run_with(body, PARAMS)
    assert [epoch[0] for epoch in found] == pytest.approx([0.1 * CURVE.at(5 * i, epochs=4, steps=5) for i in range(4)])


def test_steps_beyond_those_of_an_epoch_wait_for_the_next():
    def body(run):
        return rates(run, run.build_optimizer(layer(), optimizer="sgd", steps=2))

    found = run_with(body, {"lr": 0.1, "schedule": "linear"})
    assert found[0] == pytest.approx([0.1, 0.0875, 0.075, 0.075, 0.075])
    assert found[1][0] == pytest.approx(0.075)


def test_with_gradients_accumulated_steps_are_those_of_the_optimizer():
    def body(run):
        step = lambda optimizer, i: optimizer.step() if i in {1, 4} else None  # noqa: E731
        return rates(run, run.build_optimizer(layer(), optimizer="sgd", steps=2), step)

    found = run_with(body, {"lr": 0.1, "schedule": "linear"})
    assert found[0] == pytest.approx([0.1, 0.1, 0.0875, 0.0875, 0.0875])
    assert found[3] == pytest.approx([0.025, 0.025, 0.0125, 0.0125, 0.0125])


@pytest.mark.parametrize("steps", [None, 5])
@pytest.mark.parametrize("wanted", ["minimize", "maximize"])
def test_a_plateau_sees_the_objective_in_its_direction(steps, wanted):
    losses = [3, 2, 2, 2, 1, 1]
    rule = wt.ReduceOnPlateau(factor=0.5, patience=1, warmup=2)

    def body(run):
        optimizer = run.build_optimizer(layer(), optimizer="sgd", steps=steps)
        return rates(run, optimizer, losses=losses if wanted == "minimize" else [-loss for loss in losses])

    params = {"lr": 0.1, "schedule": "plateau", "plateau_factor": 0.5, "plateau_patience": 1, "warmup": 2}
    found = run_with(body, params, epochs=6, **{"minimize": None, wanted: "loss"})
    factors = [1, *rule.factors(losses)]
    for epoch in range(6):
        for step in range(5):
            at = epoch if steps is None else 5 * epoch + step
            expected = 0.1 * factors[epoch] * rule.warming(at, steps=steps or 1)
            assert found[epoch][step] == pytest.approx(expected)


# -------------------------------------------------------- exact continuation


@pytest.fixture(scope="module")
def matrix(tmp_path_factory):
    """Return all cases with what they came to, whole and in two pieces, of which a worker process trains the second."""
    common = {"train": train, "space": SPACE, "epochs": 6}
    with tune(**common, method=Whole(Listed(), trials=len(CASES)), budget=None) as study:
        expected = reports(study), [study.checkpoint(trial) for trial in study.trials]
    stopped = {**common, "path": tmp_path_factory.mktemp("annealed")}
    stopped["method"] = KeepAll(Listed(), trials=len(CASES), together=True)
    with tune(**stopped, budget=f"{3 * len(CASES)} epochs") as study:
        assert {trial.epoch for trial in study.trials} == {3}
    with tune(**stopped, budget=None, workers=1) as study:
        found = reports(study), [study.checkpoint(trial) for trial in study.trials]
    return list(zip(CASES, *expected, *found, strict=True))


def test_every_schedule_goes_on_exactly_in_another_process(matrix):
    assert len(matrix) == 32
    wrong = [case for case, whole, state, *found in matrix if not same([whole, state], found)]
    assert not wrong


def test_every_schedule_trains_with_the_rates_of_its_value(matrix):
    for case, epochs, *_ in matrix:
        schedule, base = wt.schedule_of(case), {"sgd": 0.01, "adamw": 0.001}[case["optimizer"]]
        on_plateau = isinstance(schedule, wt.ReduceOnPlateau)
        factors = [1, *schedule.factors([epoch["loss"] for epoch in epochs])] if on_plateau else None
        steps = BATCHES if case["per_step"] else 1
        for number, epoch in enumerate(epochs):
            for i in range(BATCHES):
                at = number * steps + (i if case["per_step"] else 0)
                share = schedule.warming(at, steps=steps) * factors[number] if on_plateau else None
                share = schedule.at(at, epochs=6, steps=steps) if share is None else share
                assert epoch[f"rate_{i}"] == pytest.approx(base * share, rel=1e-9, abs=1e-12)


def test_the_check_sees_what_is_kept_here_and_names_the_model_that_is_not():
    space = wt.Space(
        careless=wt.Choice(False, True), optimizer=wt.Choice("adamw"), **wt.schedule("plateau"), lr=wt.Choice(0.01)
    )
    experiment = wt.Experiment(train_carelessly, space, minimize="loss", epochs=9)
    careful, careless = wt.check(experiment, epochs=4, stop=2, trials=2, progress=False).trials
    assert careful.problem is None
    assert careful.leaves > 30
    assert careless.params["careless"]
    assert "did you pass it to run.keep?\n    run.keep(model=model)\nfirst effect" in careless.problem


# -------------------------------------------------------------- the lease

LEASED = wt.Space(schedule=wt.Choice("linear"), seed=wt.Float(0, 1))


@pytest.mark.parametrize("together", [False, True])
def test_a_longer_lease_stretches_the_curve_to_its_end_from_the_epoch_that_was_reached(together):
    """Held in its worker or read from a checkpoint: first an end after 3 epochs, then one after 9."""
    with tune(train_by_lease, space=LEASED, method=Pieces(together=together, trials=2), budget=None) as study:
        for trial in study.trials:
            metrics = [report.metrics for report in trial.reports]
            assert [found["until"] for found in metrics] == [3, 3, 3, 9, 9, 9, 9, 9, 9]
            first = [0.01 * (1 - epoch / 3) for epoch in range(3)]
            then = [0.01 * (1 - epoch / 9) for epoch in range(3, 9)]
            assert [found["rate"] for found in metrics] == pytest.approx([*first, *then])


def test_a_lease_that_was_cut_short_goes_on_along_the_same_curve(tmp_path):
    settings = {"train": train_by_lease, "space": LEASED, "method": Pieces(trials=1)}
    with tune(**settings, budget=None) as study:
        expected = reports(study)
    with tune(**settings, budget="2 epochs", path=tmp_path) as study:
        assert study.trials[0].interrupted
    with tune(**settings, budget=None, path=tmp_path) as study:
        assert reports(study) == expected


def test_a_training_in_one_lease_is_the_same_with_either_horizon():
    def body(run, horizon):
        model = model_of()
        optimizer = run.build_optimizer(model, optimizer="sgd", horizon=horizon)
        run.keep(model=model)
        return [(run.report(loss=1), one_epoch(model, optimizer)) for _ in run]

    one, other = (run_with(lambda run, h=h: body(run, h), {"schedule": "cosine"}) for h in ("full", "lease"))
    assert one == other
