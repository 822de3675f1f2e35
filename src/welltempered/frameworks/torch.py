"""Schedules of torch from values, and optimizers of torch from a trial's params."""

import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from welltempered.annealing.named import Curve, Schedule, check_schedule, schedule_of
from welltempered.annealing.plateau import ReduceOnPlateau
from welltempered.annealing.ramp import span_of
from welltempered.checks import prefix_of, shown
from welltempered.errors import InvalidInput

if TYPE_CHECKING:
    from torch.optim import Optimizer
    from torch.optim.lr_scheduler import LRScheduler

    from welltempered.run import Run

__all__ = ["Annealing", "build", "device", "for_torch", "set_rate"]

_OPTIMIZERS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "sgd": ("SGD", {"lr": 0.01, "momentum": 0.9}),
    "nesterov": ("SGD", {"lr": 0.01, "momentum": 0.9, "nesterov": True}),
    "rmsprop": ("RMSprop", {}),
    "adagrad": ("Adagrad", {}),
    "adam": ("Adam", {}),
    "adamw": ("AdamW", {}),
    "nadam": ("NAdam", {}),
}
"""Class of `torch.optim`, and what is not as torch has it: its SGD has no momentum, and a rate of 0.001 that is
Adam's."""

_BETAS = (0.9, 0.999)
"""Of Kingma & Ba, "Adam", ICLR 2015, and of torch; there only as a pair."""

_WORDS: Mapping[str, Mapping[str, str]] = {
    "SGD": {"momentum": "momentum"},
    "RMSprop": {"rho": "alpha", "momentum": "momentum", "epsilon": "eps"},
    "Adagrad": {"epsilon": "eps"},
    "Adam": {"epsilon": "eps", "beta1": "beta1", "beta2": "beta2"},
    "AdamW": {"epsilon": "eps", "beta1": "beta1", "beta2": "beta2"},
    "NAdam": {"epsilon": "eps", "beta1": "beta1", "beta2": "beta2"},
}
"""Our words and torch's arguments; the rate and weight decay are everybody's."""

_FUSED: Mapping[str, tuple[str, ...]] = {
    "SGD": ("cpu", "cuda"),
    "Adagrad": ("cpu",),
    "Adam": ("cpu", "cuda"),
    "AdamW": ("cpu", "cuda"),
}
"""Devices where torch (2.5 and newer) takes a whole step in one kernel: less to start, one pass over memory."""

_COMMON = {"learning_rate": "lr", "lr": "lr", "weight_decay": "weight_decay"}


def for_torch(schedule: Schedule, optimizer: "Optimizer", *, epochs: int, steps: int = 1) -> "LRScheduler":
    """A learning-rate schedule as an object of `torch.optim.lr_scheduler`.

    ```python
    scheduler = wt.for_torch(wt.CosineDecay(warmup=1), optimizer, epochs=27, steps=len(loader))
    ```

    Call its `step()` after each optimizer step, or once per epoch where `steps` is 1. `ReduceOnPlateau` becomes a
    `ReduceLROnPlateau` that takes `step(loss)` after each epoch, and `step()` after each optimizer step while it warms
    up. `Run.build_optimizer` does all that by itself.

    Args:
        schedule: the value.
        optimizer: any of torch; the rate of each of its groups is the base rate of the group.
        epochs: horizon, usually `run.horizon`; beyond it the rate stays as it is there.
        steps: optimizer steps per epoch. Default 1: the rate changes once per epoch.

    Returns:
        A `LambdaLR`, or a `ReduceLROnPlateau`; both can be kept by `run.keep`.

    Raises:
        InvalidInput: if an argument is not of that kind.
    """
    import torch

    if isinstance(schedule, torch.optim.Optimizer):
        raise InvalidInput(
            f"schedule must come before the optimizer, got {type(schedule).__name__} first: the arguments are swapped"
        )
    check_schedule(schedule)
    if not isinstance(optimizer, torch.optim.Optimizer):
        raise InvalidInput(f"optimizer must be an optimizer of torch, got {shown(optimizer)}")
    epochs, steps = span_of(epochs, steps)
    return _scheduler(schedule, optimizer, lambda: epochs, steps)


def _scheduler(schedule: Schedule, optimizer: "Optimizer", horizon: Callable[[], int], steps: int) -> "LRScheduler":
    """The same where the horizon may change."""
    from torch.optim.lr_scheduler import LambdaLR

    from welltempered.frameworks.torch_plateau import WarmPlateau

    if isinstance(schedule, ReduceOnPlateau):
        return WarmPlateau(schedule, optimizer, steps)
    curve: Curve = schedule
    return LambdaLR(optimizer, lambda step: float(curve.at(step, epochs=horizon(), steps=steps)))


class Annealing:
    """A schedule that advances by itself: after each step of its optimizer or after each epoch, as a run tells it.

    The position is corrected at the end of each epoch to the epoch's own: steps that were skipped (by a gradient
    scaler, or since a loader was short) do not shift the curve, and steps beyond those that were announced wait for the
    next epoch.

    Args:
        schedule: the value.
        optimizer: what it is for.
        epoch: says how many epochs are trained.
        horizon: says the epochs to the horizon.
        steps: optimizer steps per epoch; `None` if the rate changes once per epoch.

    Attributes:
        scheduler: the object of torch, whose state is the state of this one.
    """

    def __init__(
        self,
        schedule: Schedule,
        optimizer: "Optimizer",
        epoch: Callable[[], int],
        horizon: Callable[[], int],
        steps: int | None,
    ) -> None:
        _, self._steps = span_of(1, 1 if steps is None else steps)
        self._epoch = epoch
        self.scheduler: Any = _scheduler(schedule, optimizer, horizon, self._steps)
        self._on_plateau = isinstance(schedule, ReduceOnPlateau)
        if steps is not None:
            optimizer.register_step_post_hook(self._stepped)

    def begin(self) -> None:
        """An epoch begins: take the rate that belongs to it, which is another one now if the horizon has changed."""
        step, scheduler = self._epoch() * self._steps, self.scheduler
        if self._on_plateau:  # it has no horizon
            return
        rates = [
            float(rate) * share(step) for rate, share in zip(scheduler.base_lrs, scheduler.lr_lambdas, strict=True)
        ]
        if [float(rate) for rate in scheduler.get_last_lr()] != rates:
            self._move(step)

    def enter(self) -> None:
        """Go to the beginning of the epoch that comes next."""
        self._move(self._epoch() * self._steps)

    def close(self, loss: float) -> None:
        """An epoch has been counted, with this loss."""
        if self._on_plateau:
            self.scheduler.observe(loss)
        self.enter()

    def _stepped(self, optimizer: Any, *_: object) -> None:
        overflow = getattr(optimizer, "found_inf", None)  # a gradient scaler leaves it to a fused step to skip itself
        if overflow is not None and overflow.item():
            return
        taken = self.scheduler.taken if self._on_plateau else self.scheduler.last_epoch
        if taken < (self._epoch() + 1) * self._steps:
            self.scheduler.step()

    def _move(self, step: int) -> None:
        if self._on_plateau:
            self.scheduler.move(step)
            return
        self.scheduler.last_epoch = step - 1
        with warnings.catch_warnings():  # torch says that no step was taken where all of an epoch were skipped
            warnings.simplefilter("ignore", UserWarning)
            self.scheduler.step()


def build(
    run: "Run", parameters: Any, name: str | None, steps: int | None, horizon: str, prefix: str
) -> "tuple[Optimizer, Annealing]":
    """What `Run.build_optimizer` returns and what it keeps beside it.

    **Which horizon.** A schedule is a curve over the length of the training, but of which training? By default the full
    one, whatever the lease: a trial that stops after 3 of 27 epochs has then trained exactly as the winner will have
    after 3, and what is measured is a prefix of what is wanted. Its price is that the rate is still near its top then,
    so losses are worse than they need be. With `horizon="lease"` each lease anneals to its end, so what is compared are
    finished trainings, each as good as it gets in so few epochs; but short trainings want larger rates than long ones
    do, and all the more where they are annealed. `benchmarks/horizon.py` measures which early ranking is nearer to the
    final one: for cosine and SGD, on digits and Fashion-MNIST, the full horizon's at each of 1, 3 and 9 of 27 epochs
    (Kendall's tau of 0.58 against 0.34 after one epoch of Fashion-MNIST, 0.79 against 0.69 after nine), so it is the
    default.

    A lease that a stopping rule looks into on the way is one lease: `run.until` is its end, not the next check.

    **A longer lease.** With "lease" the rate of a step is the curve's value at that step with `run.until` as the
    horizon, at any time. So when a trial is resumed with a longer lease, the curve is stretched to the new end and
    entered at the epoch that was reached: the rate jumps up to where a training of the new length would be, and anneals
    again. It is a function of the epoch and of the present lease alone, so a trial that is interrupted within a lease
    continues exactly. But trials depend on their leases then, and `check`, which compares one lease with two, rightly
    reports a difference.

    Raises:
        InvalidInput: if an argument or one of the params breaks a rule.
    """
    if not isinstance(horizon, str) or horizon not in {"full", "lease"}:
        raise InvalidInput(f"horizon must be 'full' or 'lease', got horizon={shown(horizon)}")
    if steps is not None:
        _, steps = span_of(1, steps)
    schedule = schedule_of(run.params, prefix)
    optimizer = optimizer_of(parameters, run.params, name, prefix)
    epochs = (lambda: run.horizon) if horizon == "full" else (lambda: run.until)
    return optimizer, Annealing(schedule, optimizer, lambda: run.epoch, epochs, steps)


def set_rate(group: dict[str, Any], rate: float) -> None:
    """Set the rate of a group of an optimizer; one that is a tensor stays the one that a compiled step holds."""
    if isinstance(group["lr"], int | float):
        group["lr"] = rate
    else:
        group["lr"].fill_(rate)


def device() -> str:
    """The first GPU of this process; the CPU without one or without torch."""
    try:
        import torch
    except ImportError:
        return "cpu"
    if torch.cuda.is_available():
        return "cuda:0"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def optimizer_of(parameters: Any, params: Mapping[str, Any], name: str | None, prefix: str) -> "Optimizer":
    """The optimizer of torch that a trial's params choose.

    Its name is `optimizer` in params. Its hyperparameters are `<name>_<word>`, or else `<word>`: lr (or learning_rate),
    momentum, rho (torch's alpha), beta1, beta2, epsilon (torch's eps), weight_decay; words that are nothing to it are
    not looked at. What is missing is as torch has it, but for SGD, plain and Nesterov's: 0.01 and a momentum of 0.9.
    Weight decay is decoupled from the gradient in "adamw" alone.

    It is fused where torch has a fused kernel for it, unless a group says otherwise (`"fused": False`) or the module
    has a layer with sparse gradients, which these kernels cannot take.

    Raises:
        InvalidInput: if there is no such optimizer, or torch refuses parameters or values.
    """
    import torch

    prefix = prefix_of(prefix)
    name = _name(params, name, prefix)
    kind, arguments = _OPTIMIZERS[name]
    given = dict(arguments)
    words = {**_COMMON, **_WORDS[kind]}
    for special in ("", f"{name}_"):  # the special one last, so that it counts
        keys = {f"{prefix}{special}{word}": argument for word, argument in words.items()}
        given |= {argument: params[key] for key, argument in keys.items() if key in params}
    if "beta1" in given or "beta2" in given:
        given["betas"] = (given.pop("beta1", _BETAS[0]), given.pop("beta2", _BETAS[1]))
    sparse = isinstance(parameters, torch.nn.Module) and any(getattr(m, "sparse", False) for m in parameters.modules())
    if isinstance(parameters, torch.nn.Module):
        parameters = parameters.parameters()
    make: Callable[..., Optimizer] = getattr(torch.optim, kind)
    for argument, value in given.items():
        if isinstance(value, bool) and argument != "nesterov":  # which is ours
            raise InvalidInput(f"{argument} must be a number, got {argument}={value}")
    try:
        built = make(parameters, **given)
        if not sparse and _can_fuse(kind, built):
            built = make([{**group, "fused": True} for group in built.param_groups], **given)
        return built
    except KeyError as error:
        raise InvalidInput(
            f"each group of parameters must be a dict with {error}, got {shown(parameters)}; "
            "write {'params': module.parameters(), 'lr': ...}"
        ) from None
    except (TypeError, ValueError) as error:
        values = ", ".join(f"{key}={shown(value)}" for key, value in given.items())
        raise InvalidInput(f"parameters and params must suit torch.optim.{kind}, got {values}: {error}") from None


def _can_fuse(kind: str, optimizer: "Optimizer") -> bool:
    """Whether a fused kernel can take the steps, and nobody has asked for another one."""
    if kind not in _FUSED:
        return False
    groups = optimizer.param_groups
    tensors = [tensor for group in groups for tensor in group["params"]]
    unasked = all(group["fused"] is group["foreach"] is None and not group["differentiable"] for group in groups)
    return unasked and all(one.device.type in _FUSED[kind] and one.is_floating_point() for one in tensors)


def _name(params: Mapping[str, Any], argument: str | None, prefix: str) -> str:
    """The name of the optimizer, of params or argument."""
    known = f"must be one of {', '.join(_OPTIMIZERS)}"
    given: list[Any] = [one for one in (params.get(f"{prefix}optimizer"), argument) if one is not None]
    for name in given:
        if not isinstance(name, str) or name not in _OPTIMIZERS:
            raise InvalidInput(f"optimizer {known}, got optimizer={shown(name)}")
    if not given:
        raise InvalidInput(f"optimizer {known}, got none: params have no {prefix}optimizer; write optimizer='sgd'")
    if given[0] != given[-1]:
        raise InvalidInput(
            f"optimizer must be left to the params, which have {prefix}optimizer={given[0]!r}, got {given[-1]!r}"
        )
    return str(given[0])
