"""The range test of a PyTorch training: trains through the rates and leaves nothing behind."""

import inspect
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from welltempered.checks import shown, whole
from welltempered.errors import InvalidInput
from welltempered.frameworks.torch import set_rate
from welltempered.seeds import seed_everything, seed_of
from welltempered.sweep.curve import next_rates
from welltempered.sweep.keep import kept
from welltempered.sweep.points import FEWEST_STEPS, Sweep, affordable, has_diverged, noise_in
from welltempered.sweep.result import RangeTest, range_of

if TYPE_CHECKING:
    from torch import nn, optim

RATES = (1e-6, 10.0)
"""Rates that are swept: SGD on large, unscaled targets diverges at 1e-5, normalised networks stand 1 and more."""

HUGE = 1e100
"""Losses beyond it count as not finite: no training comes back from there, and their squares must still be floats."""


def range_test(
    train_step: Callable[[], Any],
    model: "nn.Module",
    optimizer: "optim.Optimizer",
    *,
    steps: int,
    rates: tuple[float, float] = RATES,
    seed: int = 0,
) -> RangeTest:
    """Find the range of learning rates worth searching, from one epoch of training at growing rates.

    A first sweep goes through all rates, several more (two to five, with other seeds) through those where the loss
    falls and diverges. Each begins with the model and optimizer as they were given, multiplies the learning rate at
    every step, and ends when the loss is not finite or, by the median of three, far above its best in units of the
    noise of the batches. Afterwards all is as it was, bit for bit, also after an exception or Ctrl-C: weights, buffers,
    gradients, modes, the optimizer's state and learning rates, and all global generators.

    ```python
    batches = itertools.chain.from_iterable(itertools.repeat(loader))

    def train_step():
        x, y = next(batches)
        optimizer.zero_grad()
        loss = loss_function(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    found = wt.range_test(train_step, model, optimizer, steps=len(loader))
    ```

    What cannot be put back is what `train_step` itself holds: its iterator over batches goes on where it is, and so do
    a gradient scaler or a moving average of the weights that it updates. A submodule that the model makes for itself in
    its first step stays, too, with the weights it was made with. It must not set learning rates: leave schedules out.

    Args:
        train_step: trains on the next batch (zero_grad, backward, step) and returns its loss as a number or a tensor of
            one. It must go on for ever: over a loader that ends, begin again.
        model: what is trained, in the mode it is to be trained in.
        optimizer: its optimizer. The rates are those of the first group; other groups keep their ratio to it.
        steps: training steps of an epoch, `len(loader)`; at least 30, so for an epoch of fewer `2 * len(loader)`. Of
            more than 60 it takes four fifths at most, all sweeps together: with all it does besides it then takes no
            longer than an epoch of half a second or more. Of 1,000 it does not need as many.
        rates: smallest and largest rate, at least a factor of 10 apart.
        seed: of the global generators, from which each sweep gets a seed of its own; so batches and dropout differ
            between sweeps, and not between two calls.

    Returns:
        The range, one suggested rate, and the curve; or, in `reason`, why nothing can be said.

    Raises:
        InvalidInput: if an argument is wrong, `train_step` returns no number, sets the learning rate, or runs out of
            batches.

    Source: Smith, "Cyclical Learning Rates for Training Neural Networks", WACV 2017, section 3.3; several seeds,
    smoothing without lag and stopping by noise are ours, since single sweeps smoothed by moving averages, as fastai and
    Lightning make them, depend on seed and range (benchmarks/records/range_test.json).
    """
    steps = _steps(steps)
    seed = whole("seed", seed, "a whole number of at least 0", 0)
    swept = _rates(rates)
    _check(train_step, model, optimizer)
    sweeps: list[Sweep] = []
    used = 0
    most = affordable(steps)
    with kept(model, optimizer) as undo:
        training = _Training(train_step, optimizer)
        while len(planned := next_rates(sweeps, most - used, swept)):
            undo()
            seed_everything(seed_of(seed, len(sweeps), 0))
            losses, over = training.sweep(planned.tolist(), noise_in(sweeps))
            used += len(losses)
            sweeps.append(Sweep(tuple(planned[: len(losses) - 1].tolist()), tuple(losses[1:]), losses[0], over))
    return range_of(sweeps, swept, used)


class _Training:
    """Steps of the user's training at given rates."""

    def __init__(self, train_step: Callable[[], Any], optimizer: "optim.Optimizer") -> None:
        self._step = train_step
        first = float(optimizer.param_groups[0]["lr"])
        self._groups = [(group, float(group["lr"]) / first) for group in optimizer.param_groups]

    def sweep(self, rates: Sequence[float], noise: float) -> tuple[list[float], bool]:
        """The losses of steps at these rates, each before its step, and whether they ended by diverging."""
        losses: list[float] = []
        for rate in rates:
            self._set(rate)
            try:
                losses.append(_number(self._step()))
            except StopIteration:
                raise InvalidInput(
                    "train_step must go on for ever, got StopIteration; "
                    "take batches from itertools.chain.from_iterable(itertools.repeat(loader))"
                ) from None
            self._check(rate)
            if has_diverged(losses, noise):
                return losses, True
        return losses, False

    def _set(self, rate: float) -> None:
        for group, ratio in self._groups:
            set_rate(group, rate * ratio)

    def _check(self, rate: float) -> None:
        for group, ratio in self._groups:
            if not math.isclose(float(group["lr"]), rate * ratio, rel_tol=1e-6):
                raise InvalidInput(
                    f"train_step must not set the learning rate, got lr={float(group['lr']):g} after a step "
                    f"at {rate * ratio:g}; leave the schedule out of it"
                )


def _number(loss: Any) -> float:
    """A loss as a number, `inf` if it is not finite or huge."""
    try:
        value = float(loss.detach() if hasattr(loss, "detach") else loss)
    except (TypeError, ValueError, RuntimeError):
        raise InvalidInput(
            f"train_step must return the loss, a number or a tensor of one, got {shown(loss)}; "
            "end it with `return loss`"
        ) from None
    return value if abs(value) <= HUGE else math.inf  # NaN is not, either


def _steps(steps: Any) -> int:
    try:
        return whole("steps", steps, f"a whole number of at least {FEWEST_STEPS}", FEWEST_STEPS)
    except InvalidInput as error:
        raise InvalidInput(
            f"{error}; for an epoch of fewer steps give steps=2*len(loader) or more, and a train_step that begins the "
            "loader again"
        ) from None


def _rates(rates: Any) -> tuple[float, float]:
    try:
        low, high = (float(rate) for rate in rates)
    except (TypeError, ValueError):
        raise InvalidInput(
            f"rates must be the smallest and the largest learning rate, such as {RATES}, got rates={shown(rates)}"
        ) from None
    if not (low > 0 and 10 * low <= high < math.inf):
        raise InvalidInput(
            f"rates must be positive and at least a factor of 10 apart, the smaller one first, got rates={shown(rates)}"
        )
    return low, high


def _check(train_step: Any, model: Any, optimizer: Any) -> None:
    import torch

    _check_step(train_step)
    if not isinstance(model, torch.nn.Module):
        raise InvalidInput(f"model must be a torch.nn.Module, got model={shown(model)}")
    if not isinstance(optimizer, torch.optim.Optimizer):
        raise InvalidInput(f"optimizer must be a torch.optim.Optimizer, got optimizer={shown(optimizer)}")
    first = float(optimizer.param_groups[0]["lr"])
    if not 0 < first < math.inf:
        raise InvalidInput(
            f"optimizer must have a positive learning rate in its first group, to which those of others are relative, "
            f"got lr={first:g}; with a warm-up, test before the schedule is made"
        )
    if any(torch.nn.parameter.is_lazy(p) for p in model.parameters()):
        raise InvalidInput("model must know the shapes of its parameters, got lazy ones; call it on a batch first")
    given = [p for group in optimizer.param_groups for p in group["params"]]
    if not any(p.requires_grad for p in given):
        raise InvalidInput(
            "optimizer must have parameters that can be trained, got frozen ones alone; "
            "set requires_grad of those that are to be trained"
        )
    if {id(p) for p in given}.isdisjoint(id(p) for p in model.parameters()):
        raise InvalidInput(
            "optimizer must train parameters of the model, got one that has none of them; "
            "make it from model.parameters() after the model"
        )


def _check_step(train_step: Any) -> None:
    rule = "train_step must be a function without arguments that trains on the next batch"
    if not callable(train_step):
        raise InvalidInput(f"{rule}, got train_step={shown(train_step)}; give it without calling it")
    try:
        inspect.signature(train_step).bind()
    except TypeError as error:
        raise InvalidInput(f"{rule}: let it take that batch itself, got {shown(train_step)}: {error}") from None
    except ValueError:
        pass  # it is written in C and does not say its arguments
