"""Training code for a study, from a pure `init` and `step`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from welltempered.checks import shown, whole
from welltempered.errors import InvalidInput
from welltempered.jax.data import on_device
from welltempered.jax.loop import Loop, epochs, rows
from welltempered.jax.programs import cache_on_disk, programs
from welltempered.run import Run

__all__ = ["Trainable", "trainable"]

Tree = Any
Params = Mapping[str, Any]
Init = Callable[[Any, Params], Tree]
Step = Callable[[Tree, Tree, Params, Any], tuple[Tree, Mapping[str, Any]]]
Evaluate = Callable[[Tree, Tree, Params], Mapping[str, Any]]

_BATCH_SIZE = 32
"""As Keras has it."""


class Source:
    """Arrays, or the function that reads them; asked once per process.

    Args:
        name: of the argument.
        given: see `trainable`.
    """

    def __init__(self, name: str, given: Any) -> None:
        self.name, self.given = name, given

    def __reduce__(self) -> tuple[Any, ...]:
        return Source, (self.name, self.given)  # what was read stays where it was read

    @cached_property
    def arrays(self) -> Tree:
        """Arrays with as many rows each, on the device."""
        given = self.given() if callable(self.given) else self.given
        leaves = [np.shape(leaf) for leaf in jax.tree.leaves(given)]
        counts = {shape[0] if shape else 0 for shape in leaves}
        if len(counts) != 1 or not max(counts):
            raise InvalidInput(
                f"{self.name} must be a tree of arrays with as many rows each, at least one, got the shapes {leaves}"
            )
        return on_device(given)


@dataclass(frozen=True)
class Trainable:
    """What `trainable` returns: training code for `tune`, which can be sent to worker processes."""

    init: Init
    step: Step
    train: Source
    validation: Source | None
    evaluate: Evaluate | None
    batch_size: int | None
    static: frozenset[str]

    def __call__(self, run: Run) -> None:
        """Train a trial as long as its lease goes."""
        cache_on_disk()
        training = Training(self, run)
        run.keep(training=training)
        for epoch in run:
            run.report(**training.epoch(epoch))

    def split(self, params: Params) -> tuple[dict[str, Any], dict[str, float]]:
        """What the program is made of, and what goes in when it runs."""
        moving = {name: value for name, value in params.items() if type(value) is float and name not in self.static}
        return {name: value for name, value in params.items() if name not in moving}, moving


class Training:
    """A state in training: what `run.keep` is given.

    Args:
        code: what trains it.
        run: the trial.
    """

    def __init__(self, code: Trainable, run: Run) -> None:
        self._seed, self._train = run.seed, code.train.arrays
        self._held = None if code.validation is None else code.validation.arrays
        size = code.batch_size
        if size is None:
            size = whole("batch_size", run.params.get("batch_size", _BATCH_SIZE), "a whole number of at least 1", 1)
        key = np.asarray(jax.random.key_data(jax.random.key(run.seed % 2**32)))
        fixed, self._inputs = code.split(run.params)
        pure = Pure(code, fixed)
        leaves = programs.compile(pure.begin, key, self._inputs)(key, self._inputs)
        batches = [jax.tree.map(lambda a: a[:1], data) for data in (self._train, self._held)]
        self._carry = {
            "state": leaves,
            "key": key,
            "step": np.zeros((), np.int32),
            "sums": pure.measures(leaves, key, self._inputs, batches),
            "rows": np.zeros((), np.float32),
        }
        example = self._carry, self._inputs, self._train, self._held
        loop = Loop(pure.reset, pure.step, pure.test, pure.result)
        self._epoch = epochs(loop, example, size, whole=None)

    def epoch(self, number: int) -> dict[str, float]:
        """Train an epoch, 1 is the first, and validate: means of the metrics over all rows."""
        order = np.random.default_rng([self._seed, number]).permutation(rows(self._train))
        given = self._carry, self._inputs, self._train, self._held, order
        self._carry, train, held = self._epoch(*given)
        logs, held_logs = jax.device_get((train["train"], held.get("held", {})))
        own = {name: float(value) for name, value in logs.items()}
        return own | {f"val_{name}": float(value) for name, value in held_logs.items()}

    def state_dict(self) -> dict[str, Any]:
        """The state as NumPy's arrays, bit for bit, and how many steps it has seen."""
        return {"state": [_plain(leaf) for leaf in self._carry["state"]], "step": np.asarray(self._carry["step"])}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there.

        Raises:
            InvalidInput: if `init` makes a state of another shape.
        """
        own = self._carry["state"]
        shapes, found = [np.shape(_plain(leaf)) for leaf in own], [np.shape(leaf) for leaf in state["state"]]
        if shapes != found:
            raise InvalidInput(f"init must make the state that was saved, got the shapes {shapes}, saved were {found}")
        leaves = [_like(leaf, saved) for leaf, saved in zip(own, state["state"], strict=True)]
        self._carry = {**self._carry, "state": leaves, "step": state["step"]}


class Pure:
    """Functions of arrays alone, for programs: `init`, `step` and `evaluate` with their trees taken apart.

    Programs see lists of arrays, since a tree may hold functions, which no two trials have in common.

    Args:
        code: what is wrapped.
        fixed: params that are part of the program.
    """

    def __init__(self, code: Trainable, fixed: Params) -> None:
        self._code, self._fixed = code, fixed
        self._tree: Any = None
        self._names: dict[str, list[str]] = {}

    def begin(self, key: Any, inputs: Params) -> list[Any]:
        """The first state."""
        leaves, self._tree = jax.tree.flatten(self._code.init(jax.random.wrap_key_data(key), self._params(inputs)))
        return [_strong(jnp.asarray(leaf)) for leaf in leaves]

    def measures(self, leaves: list[Any], key: Any, inputs: Params, batches: list[Tree]) -> dict[str, Any]:
        """Zeros for all metrics that step and evaluate return."""
        wrapped = jax.random.wrap_key_data(key)
        step, evaluate = self._code.step, self._code.evaluate

        def seen(leaves: list[Any]) -> dict[str, Any]:
            state = jax.tree.unflatten(self._tree, leaves)
            train = dict(step(state, batches[0], self._params(inputs), wrapped)[1])
            held = {} if evaluate is None else dict(evaluate(state, batches[1], self._params(inputs)))
            return {"train": train, "held": held}

        return jax.tree.map(lambda _: np.zeros((), np.float32), jax.eval_shape(seen, leaves))  # type: ignore[no-any-return]

    def reset(self, carry: Tree) -> Tree:
        """Measure anew."""
        zero = {"sums": jax.tree.map(jnp.zeros_like, carry["sums"]), "rows": jnp.zeros_like(carry["rows"])}
        return {**carry, **zero}

    def step(self, carry: Tree, batch: Tree, inputs: Params, _: Any) -> Tree:
        """Train on a batch."""
        key = jax.random.fold_in(jax.random.wrap_key_data(carry["key"]), carry["step"])
        state = jax.tree.unflatten(self._tree, carry["state"])
        state, metrics = self._code.step(state, batch, self._params(inputs), key)
        leaves = [jnp.asarray(leaf) for leaf in jax.tree.leaves(state)]
        return {**self._measured(carry, batch, "train", metrics), "state": leaves, "step": carry["step"] + 1}

    def test(self, carry: Tree, batch: Tree, inputs: Params, _: Any) -> Tree:
        """Measure a batch."""
        assert self._code.evaluate is not None  # `trainable` asks for both or neither
        state = jax.tree.unflatten(self._tree, carry["state"])
        return self._measured(carry, batch, "held", self._code.evaluate(state, batch, self._params(inputs)))

    @staticmethod
    def result(carry: Tree) -> dict[str, Any]:
        """Means over the rows."""
        means: dict[str, Any] = jax.tree.map(lambda total: total / carry["rows"], carry["sums"])
        return means

    @staticmethod
    def _measured(carry: Tree, batch: Tree, kind: str, metrics: Mapping[str, Any]) -> Tree:
        count = rows(batch)
        sums = {name: total + metrics[name] * count for name, total in carry["sums"][kind].items()}
        return {**carry, "sums": {**carry["sums"], kind: sums}, "rows": carry["rows"] + count}

    def _params(self, inputs: Params) -> dict[str, Any]:
        return {**self._fixed, **inputs}


def _strong(leaf: Any) -> Any:
    """The leaf with a type of its own: a number of Python would take that of its first partner."""
    return leaf if _is_key(leaf) else jax.lax.convert_element_type(leaf, leaf.dtype)


def _is_key(leaf: Any) -> bool:
    return bool(jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key))


def _plain(leaf: Any) -> Any:
    """As an array that a checkpoint can hold; types that NumPy lacks as their bytes."""
    array = np.asarray(jax.random.key_data(leaf) if _is_key(leaf) else leaf)
    return array.view(f"u{array.itemsize}") if array.dtype.kind == "V" else array


def _like(leaf: Any, saved: Any) -> Any:
    """The other way round: a leaf as ours is one."""
    if _is_key(leaf):
        return jax.random.wrap_key_data(jnp.asarray(saved), impl=jax.random.key_impl(leaf))
    return jnp.asarray(np.asarray(saved).view(leaf.dtype))


def trainable(  # noqa: PLR0913 - the first three are the training, the others stand by their names
    init: Init,
    step: Step,
    train: Any,
    *,
    validation: Any = None,
    evaluate: Evaluate | None = None,
    batch_size: int | None = None,
    static: Sequence[str] = (),
) -> Trainable:
    """Training code for `tune`, from a pure `init` and `step`; an epoch is one compiled program.

    ```python
    def init(key, params):
        weights = jax.random.normal(key, (64, params["units"]))
        return {"weights": weights, "moments": optax.adam(0.0).init(weights)}


    def step(state, batch, params, key):
        loss, slope = jax.value_and_grad(loss_of)(state["weights"], *batch)
        change, moments = optax.adam(params["lr"]).update(slope, state["moments"])
        return {"weights": state["weights"] + change, "moments": moments}, {"loss": loss}


    train = wt.jax.trainable(init, step, (x, y))
    ```

    Params that are floats go in when the program runs, so trials that differ in nothing else share a program; all
    others are part of it. The order of the rows is shuffled anew each epoch, from the trial's seed and the epoch. State
    and generator are kept as NumPy's arrays: a trial continues bit for bit.

    Args:
        init: (key, params) -> state, a tree of arrays: weights, the optimizer's state, anything.
        step: (state, batch, params, key) -> (state, metrics); metrics are means over the batch, and reported as means
            over the epoch. The key is another one in each step.
        train: a tree of arrays with as many rows each, whose batches `step` is given; or a function of no arguments
            that returns one, called once per process. It is copied to the device once.
        validation: the same for `evaluate`, after each epoch; its metrics are reported with `val_` before their names.
        evaluate: (state, batch, params) -> metrics, means over the batch.
        batch_size: rows of a batch; the last one may have fewer. Default: the param "batch_size" if there is one, or
            32.
        static: names of floats that the code must know while it is compiled, as it does `if params["rate"] > 0`. Each
            value of these needs a program of its own.

    Raises:
        InvalidInput: if an argument is of another kind, or arrays differ in their rows.
    """
    for name, given in (("init", init), ("step", step)):
        if not callable(given):
            raise InvalidInput(f"{name} must be a function, got {shown(given)}")
    if (validation is None) != (evaluate is None):
        raise InvalidInput("validation and evaluate must be given together, got one of them")
    if isinstance(static, str):
        raise InvalidInput(f"static must be a sequence of names, got {static!r}; write static=[{static!r}]")
    if batch_size is not None:
        batch_size = whole("batch_size", batch_size, "a whole number of at least 1", 1)
    held = None if validation is None else Source("validation", validation)
    return Trainable(init, step, Source("train", train), held, evaluate, batch_size, frozenset(static))
