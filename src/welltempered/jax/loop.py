"""An epoch of a pure step: as one program, or as a program per batch."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from welltempered.jax.programs import Lowered, lowered, programs

__all__ = ["Cut", "Loop", "PerBatch", "WholeEpoch", "epochs", "rows", "take"]

Tree = Any
Logs = Mapping[str, Any]


TRIED, TRIES, MARGIN = 4, 3, 1.2
"""Batches of a try, how many tries, and how much faster single batches must be: choices should not follow noise."""


@dataclass(frozen=True)
class Loop:
    """What an epoch is made of: pure functions that JAX can trace.

    Attributes:
        begin: (carry) -> carry, with all measuring set back.
        step: (carry, batch, inputs, present) -> carry; trains.
        test: (carry, batch, inputs, present) -> carry; measures.
        result: (carry) -> logs.
        pads: whether step, and whether test can leave rows out: the last batch, if it is smaller, is then as large as
            the others, and `present` says which rows count by 1 and 0. Otherwise `present` is `None`, and the last
            batch has a shape of its own, which is compiled, too.
    """

    begin: Callable[[Tree], Tree]
    step: Callable[[Tree, Tree, Tree, Any], Tree]
    test: Callable[[Tree, Tree, Tree, Any], Tree]
    result: Callable[[Tree], Logs]
    pads: tuple[bool, bool] = (False, False)


@dataclass(frozen=True)
class Cut:
    """How rows are cut into batches.

    Attributes:
        rows: how many there are.
        size: rows of a batch.
        pads: whether the last batch is filled up.
    """

    rows: int
    size: int
    pads: bool

    @property
    def filled(self) -> bool:
        """Whether the last batch has rows that do not count."""
        return self.pads and self.rows % self.size > 0

    @property
    def whole(self) -> int:
        """How many batches of the full size."""
        return -(-self.rows // self.size) if self.pads else self.rows // self.size

    @property
    def rest(self) -> int:
        """Rows of the last batch, if it has a shape of its own."""
        return 0 if self.pads else self.rows % self.size

    def batches(self, order: Any) -> tuple[Any, Any, Any]:
        """The rows of all full batches in this order, which of them count, and the rows of the rest."""
        order = np.asarray(order, np.int32)
        whole = self.whole * self.size
        missing = max(0, whole - self.rows)
        index = np.concatenate([order, np.repeat(order[:1], missing)])[:whole].reshape(self.whole, self.size)
        present = (np.arange(whole) < self.rows).astype(np.float32).reshape(index.shape) if self.filled else None
        return index, present, order[whole:]


def rows(data: Tree) -> int:
    """How many rows arrays have."""
    return int(jax.tree.leaves(data)[0].shape[0])


def epochs(
    loop: Loop, example: tuple[Tree, Tree, Tree, Tree], size: int, *, whole: bool | None
) -> "WholeEpoch | PerBatch":
    """The program of an epoch, compiled.

    Args:
        loop: what it is made of.
        example: (carry, inputs, data, held): values; `held` may be `None`.
        size: rows of a batch.
        whole: one program, or one per batch. `None` chooses: an epoch is one program, but where it holds what may be
            slow inside of a loop on CPUs. There some batches are trained in both ways, from a copy of the state.
    """
    if whole is False:
        return PerBatch(loop, example, size)
    made = WholeEpoch(loop, example, size)
    if whole is None and made.doubtful and jax.default_backend() == "cpu":
        single = PerBatch(loop, example, size)
        if single.seconds(example) * MARGIN < _looped(loop, example, size):
            return single
    made.compile()
    return made


def _looped(loop: Loop, example: tuple[Tree, Tree, Tree, Tree], size: int) -> float:
    """Seconds of a batch inside of a loop of XLA."""
    carry, inputs, data, _ = example
    index = np.arange(TRIED * size, dtype=np.int32).reshape(TRIED, size) % rows(data)
    present = np.ones(index.shape, np.float32) if loop.pads[0] else None

    def some(carry: Tree, inputs: Tree, data: Tree, index: Any, present: Any) -> Tree:
        return _scan(loop.step, loop.begin(carry), inputs, data, (index, present, index[0, :0]))

    program = programs.compile(some, carry, inputs, data, index, present)
    return _fastest(lambda: program(carry, inputs, data, index, present)) / TRIED


def _fastest(work: Callable[[], Tree]) -> float:
    """Seconds of the fastest of several tries; one before them is not counted."""
    seconds = []
    for _ in range(1 + TRIES):
        began = time.perf_counter()
        jax.block_until_ready(work())  # type: ignore[no-untyped-call] # JAX has no types there
        seconds.append(time.perf_counter() - began)
    return min(seconds[1:])


class WholeEpoch:
    """An epoch, with its validation, as one program: what is the same in all batches is said once, in a loop of XLA."""

    whole = True

    def __init__(self, loop: Loop, example: tuple[Tree, Tree, Tree, Tree], size: int) -> None:
        carry, inputs, data, held = example
        self._train, self._held = cuts(loop, data, held, size)

        def epoch(carry: Tree, inputs: Tree, data: Tree, held: Tree, *orders: Any) -> tuple[Tree, Logs, Logs]:
            carry = _scan(loop.step, loop.begin(carry), inputs, data, orders[0])
            logs = loop.result(carry)
            if held is None:
                return carry, logs, {}
            carry = _scan(loop.test, loop.begin(carry), inputs, held, orders[1])
            return carry, logs, loop.result(carry)

        orders = self._orders(np.arange(self._train.rows))
        self._lowered: Lowered | None = lowered(epoch, carry, inputs, data, held, *orders, donate=(0,))
        self.doubtful = self._lowered.doubtful

    def compile(self) -> None:
        """Make the program, or find it."""
        assert self._lowered is not None  # this comes once
        self._program = programs.finish(self._lowered)
        self._lowered = None

    def __call__(self, carry: Tree, inputs: Tree, data: Tree, held: Tree, order: Any) -> tuple[Tree, Logs, Logs]:
        """Train one epoch: the state after it, its logs and those of the validation."""
        out: tuple[Tree, Logs, Logs] = self._program(carry, inputs, data, held, *self._orders(order))
        return out

    def _orders(self, order: Any) -> list[Any]:
        held = [] if self._held is None else [self._held.batches(np.arange(self._held.rows))]
        return [self._train.batches(order), *held]


def _scan(step: Callable[..., Tree], carry: Tree, inputs: Tree, data: Tree, order: Tree) -> Tree:
    """All batches in a loop, and the rest after it."""
    index, present, rest = order

    def one(carry: Tree, batch: Any) -> tuple[Tree, None]:
        return step(carry, take(data, batch[0]), inputs, batch[1]), None

    if index.shape[0]:
        carry, _ = lax.scan(one, carry, (index, present))
    return step(carry, take(data, rest), inputs, None) if rest.shape[0] else carry


class PerBatch:
    """The same with a program per batch, called from Python: convolutions are slow inside of a loop of XLA on CPUs."""

    whole = False

    def __init__(self, loop: Loop, example: tuple[Tree, Tree, Tree, Tree], size: int) -> None:
        carry, inputs, data, held = example
        self._train, self._held = cuts(loop, data, held, size)
        self._begin = programs.compile(loop.begin, carry, donate=(0,))
        self._result = programs.compile(loop.result, carry)
        self._steps = _per_size(loop.step, self._train, carry, inputs, data)
        self._tests = {} if self._held is None else _per_size(loop.test, self._held, carry, inputs, held)

    def __call__(self, carry: Tree, inputs: Tree, data: Tree, held: Tree, order: Any) -> tuple[Tree, Logs, Logs]:
        """Train one epoch: the state after it, its logs and those of the validation."""
        carry = self._pass(self._steps, self._train.batches(order), carry, inputs, data)
        logs = self._result(carry)
        if self._held is None:
            return carry, logs, {}
        carry = self._pass(self._tests, self._held.batches(np.arange(self._held.rows)), carry, inputs, held)
        return carry, logs, self._result(carry)

    def seconds(self, example: tuple[Tree, Tree, Tree, Tree]) -> float:
        """Seconds of a training batch, measured with copies of the state."""
        carry, inputs, data, _ = example
        count = max(self._steps)
        index = np.arange(count, dtype=np.int32)
        present = np.ones(count, np.float32) if self._train.filled else None
        state = self._begin(jax.tree.map(jnp.array, carry))

        def some() -> Tree:
            nonlocal state
            for _ in range(TRIED):
                state = self._steps[count](state, inputs, data, index, present)
            return state

        return _fastest(some) / TRIED

    def _pass(self, steps: Tree, order: Tree, carry: Tree, *rest: Any) -> Tree:
        index, present, last = order
        carry = self._begin(carry)
        for number, batch in enumerate(index):
            carry = steps[len(batch)](carry, *rest, batch, None if present is None else present[number])
        return steps[len(last)](carry, *rest, last, None) if len(last) else carry


def cuts(loop: Loop, data: Tree, held: Tree, size: int) -> tuple[Cut, Cut | None]:
    """How training and validation data are cut."""
    train = Cut(rows(data), size, loop.pads[0])
    return train, None if held is None else Cut(rows(held), size, loop.pads[1])


def _per_size(step: Callable[..., Tree], cut: Cut, carry: Tree, inputs: Tree, data: Tree) -> dict[int, Any]:
    """A program for each size of batches that there is."""

    def one(carry: Tree, inputs: Tree, data: Tree, index: Any, present: Any) -> Tree:
        return step(carry, take(data, index), inputs, present)

    index, present, last = cut.batches(np.arange(cut.rows))
    examples = [(batch, None if present is None else present[0]) for batch in index[:1]]
    examples += [(last, None)] if len(last) else []
    return {
        len(batch): programs.compile(one, carry, inputs, data, batch, there, donate=(0,)) for batch, there in examples
    }


def take(data: Tree, index: Any) -> Tree:
    """Some rows of arrays on the device."""
    return jax.tree.map(lambda array: array.at[index].get(mode="promise_in_bounds"), data)
