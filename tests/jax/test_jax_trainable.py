import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen
from flax.training.train_state import TrainState

import welltempered as wt
from welltempered.jax.programs import programs
from welltempered.seeds import seed_of

rng = np.random.default_rng(0)
x = rng.normal(size=(70, 6)).astype(np.float32)
y = (x @ rng.normal(size=(6, 3))).argmax(1).astype(np.int32)
data, held = (x[:50], y[:50]), (x[50:], y[50:])


@pytest.fixture(autouse=True)
def _cache_elsewhere(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    before = jax.config.jax_compilation_cache_dir
    yield
    jax.config.update("jax_compilation_cache_dir", before)


class Net(linen.Module):
    units: int
    rate: float = 0.0

    @linen.compact
    def __call__(self, x, *, train=False):
        x = linen.relu(linen.Dense(self.units)(x))
        x = linen.Dropout(self.rate, deterministic=not train)(x)
        return linen.Dense(3)(x)


def loss_of(logits, y):
    return optax.softmax_cross_entropy_with_integer_labels(logits, y).mean()


def init(key, params):
    net = Net(params["units"], 0.5)
    optimizer = optax.inject_hyperparams(optax.adam)(learning_rate=params["lr"], b1=params["b1"])
    return TrainState.create(apply_fn=net.apply, params=net.init(key, jnp.ones((1, 6))), tx=optimizer)


def step(state, batch, params, key):
    x, y = batch

    def loss(weights):
        return loss_of(state.apply_fn(weights, x, train=True, rngs={"dropout": key}), y)

    value, slope = jax.value_and_grad(loss)(state.params)
    return state.apply_gradients(grads=slope), {"loss": value}


def evaluate(state, batch, params):
    logits = state.apply_fn(state.params, batch[0])
    return {"loss": loss_of(logits, batch[1]), "accuracy": (logits.argmax(1) == batch[1]).mean()}


space = wt.Space(lr=wt.Float(1e-3, 1e-1, scale="log"), b1=wt.Float(0.8, 0.95), units=wt.Choice([4]))
train = wt.jax.trainable(init, step, data, validation=held, evaluate=evaluate, batch_size=16)


def tuned(train, space, tmp_path, epochs=3, **options):
    options = {
        "method": wt.Full(wt.Random()),
        "budget": f"{3 * epochs} epochs",
        "minimize": "val_loss",
        "workers": 0,
    } | options
    return wt.tune(train, space, epochs=epochs, path=tmp_path, progress=False, **options)


def reports(study):
    return {trial.id: [report.metrics for report in trial.reports] for trial in study.trials}


def test_trials_with_other_numbers_share_a_program(tmp_path):
    first = tuned(train, space, tmp_path / "a")
    made = programs.compiled
    second = tuned(train, space, tmp_path / "b", seed=1)
    assert programs.compiled == made
    assert {*first.trials[0].params.values()} != {*second.trials[0].params.values()}
    assert reports(first) != reports(second)


def test_other_shapes_have_a_program_of_their_own(tmp_path):
    tuned(train, space, tmp_path / "a")
    made = programs.compiled
    tuned(train, wt.Space(lr=space["lr"], b1=space["b1"], units=wt.Choice([5])), tmp_path / "b")
    assert programs.compiled > made


def test_a_trial_trains_as_a_plain_loop_would(tmp_path):
    study = tuned(train, space, tmp_path, budget="1 trial", epochs=2)
    trial = study.trials[0]
    seed = seed_of(0, trial.id, 0)
    key = jax.random.key(seed % 2**32)
    state = jax.jit(lambda key: init(key, trial.params))(key)
    one_step = jax.jit(lambda state, batch, key: step(state, batch, trial.params, key))
    count = 0
    for epoch in (1, 2):
        order, losses = np.random.default_rng([seed, epoch]).permutation(50), []
        for first in range(0, 50, 16):
            index = order[first : first + 16]
            batch = data[0][index], data[1][index]
            state, metrics = one_step(state, batch, jax.random.fold_in(key, count))
            losses += [float(metrics["loss"])] * len(index)
            count += 1
        report = trial.reports[epoch - 1].metrics
        assert report["loss"] == pytest.approx(np.mean(losses), abs=1e-6)
        wanted = {name: float(value) for name, value in evaluate(state, held, trial.params).items()}
        assert {name: report[f"val_{name}"] for name in wanted} == pytest.approx(wanted, abs=1e-6)


def test_a_trial_continues_bit_for_bit_in_another_process(tmp_path):
    whole = tuned(train, space, tmp_path / "whole", epochs=4, budget="1 trial")
    pieces = tmp_path / "pieces"
    tuned(train, space, pieces, epochs=4, budget="2 epochs")
    joined = tuned(train, space, pieces, epochs=4, budget="4 epochs", workers=1)
    assert reports(whole) == reports(joined)


def test_keys_and_short_floats_in_the_state_are_kept_bit_for_bit(tmp_path):
    def init(key, params):
        return {"key": key, "w": jnp.ones(6, jnp.bfloat16), "old": jax.random.PRNGKey(1)}

    def step(state, batch, params, key):
        mine, key = jax.random.split(state["key"])
        noise = jax.random.normal(mine, (6,), jnp.bfloat16)
        return {**state, "key": key, "w": state["w"] + params["lr"] * noise}, {"loss": state["w"].sum()}

    odd = wt.jax.trainable(init, step, data, batch_size=16)
    whole = tuned(odd, space, tmp_path / "whole", epochs=4, budget="1 trial", minimize="loss")
    tuned(odd, space, tmp_path / "pieces", epochs=4, budget="2 epochs", minimize="loss")
    joined = tuned(odd, space, tmp_path / "pieces", epochs=4, budget="4 epochs", minimize="loss")
    assert reports(whole) == reports(joined)


def test_a_float_that_the_code_must_know_is_declared_static(tmp_path):
    def step_if(state, batch, params, key):
        return (step if params["b1"] > 0 else None)(state, batch, params, key)

    options = {"validation": held, "evaluate": evaluate, "batch_size": 16}
    tuned(wt.jax.trainable(init, step_if, data, static=["b1"], **options), space, tmp_path, budget="1 trial")


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"init": 3}, "init must be a function"),
        ({"evaluate": None}, "validation and evaluate must be given together"),
        ({"static": "lr"}, "static must be a sequence of names"),
        ({"batch_size": 0}, "batch_size must be"),
    ],
)
def test_wrong_arguments_are_refused(wrong, says):
    arguments = {"init": init, "step": step, "train": data, "validation": held, "evaluate": evaluate} | wrong
    with pytest.raises(wt.InvalidInput, match=says):
        wt.jax.trainable(**arguments)
