"""torch's own `ReduceLROnPlateau` with a warm-up before it; imported only where torch is in use."""

from collections.abc import Sequence
from typing import SupportsFloat

from torch.optim import Optimizer
from torch.optim.lr_scheduler import ReduceLROnPlateau

from welltempered.annealing.plateau import ReduceOnPlateau
from welltempered.frameworks.torch import set_rate

__all__ = ["WarmPlateau"]


class WarmPlateau(ReduceLROnPlateau):
    """`ReduceOnPlateau` for a torch optimizer: the same falls, from torch's own code.

    Call `step(loss)` after each epoch. While a warm-up lasts, call `step()` after each optimizer step besides, if an
    epoch has several; with one step per epoch `step(loss)` does both.

    Args:
        schedule: the value.
        optimizer: whose groups have their base rates.
        steps: optimizer steps per epoch.
    """

    def __init__(self, schedule: ReduceOnPlateau, optimizer: Optimizer, steps: int) -> None:
        rates = [float(group["lr"]) for group in optimizer.param_groups]
        for group in optimizer.param_groups:
            group.setdefault("initial_lr", group["lr"])
        super().__init__(
            optimizer,
            factor=schedule.factor,
            patience=schedule.patience - 1,  # torch's is the number of epochs that are forgiven
            threshold=schedule.min_delta,
            threshold_mode="abs",
            cooldown=schedule.cooldown,
            min_lr=[rate * schedule.floor for rate in rates],
            eps=0.0,
        )
        self.steps, self.warm, self.taken = steps, schedule.warmup * steps, 0
        self.rates = rates  # without warm-up
        self.bases, self.fallen = rates, [1.0] * len(rates)
        self._warm_up()

    def step(self, metrics: SupportsFloat | None = None, epoch: int | None = None) -> None:  # type: ignore[override]  # theirs needs metrics
        """Count an optimizer step, or the loss of an epoch, or with one step per epoch both."""
        if metrics is None or self.steps == 1:
            self.taken += 1
        if metrics is not None:
            self.observe(metrics)
        self._warm_up()

    def observe(self, loss: SupportsFloat) -> None:
        """Count the loss of an epoch."""
        for group, rate in zip(self.optimizer.param_groups, self.rates, strict=True):
            set_rate(group, rate)
        super().step(loss)
        self.rates = [float(group["lr"]) for group in self.optimizer.param_groups]
        self.fallen = [rate / base if base else 1.0 for rate, base in zip(self.rates, self.bases, strict=True)]

    def fall(self, shares: Sequence[float]) -> None:
        """Fall to these shares of the base rates, as far as the floor."""
        fallen = zip(self.bases, shares, self.min_lrs, strict=True)
        self.rates = [max(base * share, floor) for base, share, floor in fallen]
        self.fallen = [*shares]
        self._warm_up()

    def move(self, taken: int) -> None:
        """Go to a number of optimizer steps."""
        self.taken = taken
        self._warm_up()

    def _warm_up(self) -> None:
        share = min(1.0, (self.taken + 1) / self.warm) if self.warm > 1 else 1.0
        for group, rate in zip(self.optimizer.param_groups, self.rates, strict=True):
            set_rate(group, rate * share)
        self._last_lr = [rate * share for rate in self.rates]
