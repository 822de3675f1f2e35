"""What training code sees of its trial: params, the epochs it may train, report, and the state that it keeps."""

import math
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Never

from welltempered.checkpoints import Checkpoints
from welltempered.checks import prefix_of, shown
from welltempered.errors import CorruptCheckpoint, InvalidInput
from welltempered.events import BUDGET, FAILED, FINISHED, Cut, Ended, Reported
from welltempered.frameworks.inherit import inherit
from welltempered.lease import Channel, Lease, Lost
from welltempered.objective import Objective
from welltempered.seeds import seed_everything, seed_of

if TYPE_CHECKING:
    from torch.optim import Optimizer

    from welltempered.frameworks.torch import Annealing


@dataclass(frozen=True)
class Setting:
    """What the runs of a study have in common."""

    resolve: Callable[[dict[str, Any]], dict[str, Any]]
    objective: Objective
    epochs: int
    seed: int
    resumable: bool
    checkpoints: Checkpoints
    saving: float = 0.1


class Run(Iterator[int]):
    """A trial in training, handed to training code.

    ```python
    def train(run):
        model, optimizer = build(run.params)
        run.keep(model=model, optimizer=optimizer)
        for epoch in run:
            one_epoch(model, optimizer)
            run.report(val_accuracy=evaluate(model))
    ```

    Iterating yields the numbers of the epochs granted (1 is the first of the trial) and simply ends when they are over.
    Before each epoch the generators of `random`, NumPy and torch (if imported) are seeded from (study seed, trial,
    epoch), so a trial that stops and goes on trains exactly as one that does not.

    A trial that begins with the state of another one (population-based training) goes on after the parent's epoch, with
    params of its own: `run.keep` restores what the parent has learnt, but optimizers and schedules of torch keep the
    hyperparameters with which they were built. What else has hyperparameters in its state is given them after
    `run.keep`.

    Attributes:
        params: the trial's params, named choices as the objects they stand for; read-only.
        horizon: epochs of a full training, for schedules that must know; the trial may be stopped long before.
        trial: the trial's number.
        until: epoch at which its present or last lease ends, if neither the budget nor a stopping rule, whose checks on
            the way do not count, ends it before. It grows when the trial is resumed.
    """

    def __init__(self, setting: Setting, channel: Channel, lease: Lease) -> None:
        self.params = MappingProxyType(setting.resolve(lease.trial.params))
        self.horizon = setting.epochs
        self.trial = lease.trial.id
        self.until = lease.trial.goal
        self._epoch = lease.trial.epoch
        self._setting = setting
        self._channel = channel
        self._lease: Lease | None = lease
        self._over = False  # the slot does something else next, which is `_next`
        self._next: Lease | None = None
        self._kept: dict[str, tuple[Callable[[], Any], Callable[[Any], object]]] | None = None
        self._saved: dict[str, Any] | None = None
        self._metrics: dict[str, float | None] | None = None  # of the epoch in progress
        self._annealings: list[Annealing] = []
        self._built: list[str] = []  # names under which `build_optimizer` keeps
        self._began = 0.0
        self._kept_epoch = self.epoch  # of the last checkpoint
        self._kept_at, self._keeping = time.perf_counter(), 0.0  # when it was written, and how long that took
        source = lease.trial.source
        self._inherits = source.trial != self.trial  # what is loaded has been trained with other params
        if self.epoch:
            self._saved = setting.checkpoints.load(source.trial, source.epoch)
        seed_everything(self.seed)

    @property
    def epoch(self) -> int:
        """Epochs trained so far."""
        return self._epoch

    @property
    def seed(self) -> int:
        """A seed of the trial's own, for generators that the program does not know: f(study seed, trial)."""
        return seed_of(self._setting.seed, self.trial, 0)

    @property
    def objective(self) -> Objective:
        """What is minimized or maximized: the name of the metric that each epoch must report, and the direction."""
        return self._setting.objective

    @property
    def device(self) -> str:
        """Where to put the model, in torch's words: "cpu", "mps" or "cuda:0", as a worker sees no GPU but its own."""
        from welltempered.frameworks.torch import device

        return device()

    @property
    def training(self) -> bool:
        """Whether its lease is open; code that follows the loop runs without one."""
        return self._lease is not None

    def keep(self, /, *unnamed: Never, **state: Any) -> None:
        """Name what makes up the state of training: restored now if the trial goes on, saved when its lease ends.

        Each is an object with `state_dict` and `load_state_dict` (model, optimizer, schedule, scaler, ...), or a pair
        of functions (get, set) over tensors, arrays and plain values. Call it before the first epoch. Training whose
        whole state is the epoch number calls `run.keep()`.

        Raises:
            InvalidInput: if something is neither, has no name, is kept twice, or comes after the first epoch.
            CorruptCheckpoint: if the checkpoint has no state of that name.
        """
        if unnamed:
            raise InvalidInput(f"run.keep must be given names, got {shown(unnamed[0])}; write run.keep(model=model)")
        if self._began:
            raise InvalidInput("run.keep must be called before the first epoch, got a call inside the loop or after it")
        self._kept = {} if self._kept is None else self._kept
        for name, kept in state.items():
            if name in self._kept:
                ours = name in self._built
                why = "; build_optimizer keeps it with its schedule: leave it out of run.keep" if ours else ""
                raise InvalidInput(f"run.keep must be given each name once, got {name!r} again{why}")
            self._kept[name] = accessors = _accessors(name, kept)
            if self._saved is not None:
                if name not in self._saved:
                    found = ", ".join(map(repr, self._saved)) or "nothing"
                    raise CorruptCheckpoint(
                        f"checkpoint of trial {self.trial} must hold {name!r}, found {found}; "
                        "did the training code change since?"
                    )
                put, state = accessors[1], self._saved.pop(name)
                if self._inherits:
                    inherit(kept, put, state)
                else:
                    put(state)

    def build_optimizer(
        self,
        parameters: Any,
        *,
        optimizer: str | None = None,
        steps: int | None = None,
        horizon: Literal["full", "lease"] = "full",
        prefix: str = "",
    ) -> "Optimizer":
        """Build the torch optimizer that the params choose, with its learning-rate schedule.

        Both are kept for exact continuation, so name neither in `run.keep`. The schedule advances by itself, and a
        `ReduceOnPlateau` sees the objective's loss. Params are read as `<prefix><optimizer>_<word>`, or else as
        `<prefix><word>`: lr (or learning_rate), momentum, rho (torch's alpha), beta1, beta2, epsilon, weight_decay; and
        what `schedule_of` reads. What is missing is as torch has it, but for SGD: 0.01 and a momentum of 0.9. It is
        fused where torch has a fused kernel, which cannot take sparse gradients: `"fused": False` in a group does
        without. A trial from before that was so goes on as it began.

        Args:
            parameters: a module, or what optimizers of torch take; all groups at once; each may have its rate.
            optimizer: "sgd", "nesterov", "rmsprop", "adagrad", "adam", "adamw" or "nadam"; default
                `params["optimizer"]`.
            steps: optimizer steps per epoch, after each of which the rate changes; default once per epoch.
            horizon: "full", so that trials of few epochs are at the point of the curve that the winner has passed
                there; or "lease": each lease anneals to its end, `until`, and a longer one stretches the curve.
            prefix: of the params and of the names under which both are kept, where there are several optimizers.

        Raises:
            InvalidInput: if an argument or one of the params breaks a rule, or it comes after the first epoch.
        """
        from welltempered.frameworks.torch import build

        if self._began:
            raise InvalidInput("run.build_optimizer must be called before the first epoch, got a call after it began")
        prefix = prefix_of(prefix)
        names = [f"{prefix}optimizer", f"{prefix}schedule"]
        if names[0] in self._built:
            raise InvalidInput(f"each optimizer must have a prefix of its own, got {prefix=} again; give each a prefix")
        built, annealing = build(self, parameters, optimizer, steps, horizon, prefix)
        self._built += names
        self.keep(**dict(zip(names, (built, annealing.scheduler), strict=True)))
        self._annealings.append(annealing)
        if self._inherits:
            annealing.enter()
        return built

    def report(self, /, *unnamed: Never, **metrics: Any) -> None:
        """Report what this epoch reached: numbers, or what `float` makes one of, the objective's metric among them.

        May be called several times in an epoch, with other names. A trial whose objective is NaN or infinite has
        diverged: it is over, and counts as the worst; where good nets may, too, report a finite number instead.

        Raises:
            InvalidInput: outside the loop over the run, for a name reported twice in an epoch, or what is no number or
                has no name.
        """
        if unnamed:
            metric = self._setting.objective.metric
            raise InvalidInput(
                f"run.report must be given names, got {shown(unnamed[0])}; write run.report({metric}=...)"
            )
        if self._metrics is None:
            raise InvalidInput("run.report must be called inside `for epoch in run:`, got a call outside")
        for name, value in metrics.items():
            if name in self._metrics:
                raise InvalidInput(f"run.report must be given each metric once per epoch, got {name!r} again")
            self._metrics[name] = number(name, value)

    def __iter__(self) -> "Run":
        return self

    def __next__(self) -> int:
        """Close the epoch that was trained, and open the next one if it is granted."""
        if self._metrics is not None:
            self._close_epoch()
        if self._lease is None and not self._over:
            self._renew()
        if self._lease is None:
            raise StopIteration
        if self._saved:
            missing = ", ".join(f"{name}=..." for name in self._saved)
            raise InvalidInput(f"run.keep must be given all that was saved when a trial continues, missing: {missing}")
        seed_everything(seed_of(self._setting.seed, self.trial, self.epoch + 1))
        for annealing in self._annealings:
            annealing.begin()
        self._metrics = {}
        self._began = time.perf_counter()
        return self.epoch + 1

    def finish(self) -> None:
        """Training code has returned: close what is open. Called by executors."""
        began = self._metrics is not None
        if self._metrics:
            self._close_epoch()
        if self._lease is None:
            return
        trained = self.epoch > self._lease.trial.epoch
        if trained or (began and self.epoch):
            saved = self._save() if trained and self._kept_epoch < self.epoch else 0
            self._end(Ended(self.trial, FINISHED, saved=saved))
        else:
            self.fail("train returned before the end of its first epoch; write `for epoch in run:` around the training")

    def fail(self, error: str) -> None:
        """Training code has raised: end the trial. Called by executors."""
        self._end(Ended(self.trial, FAILED, error))

    def lose(self, reason: str, error: str) -> None:
        """Training cannot go on here, for no fault of its code. Called by executors."""
        self._end(Lost(self.trial, reason, error))

    def interrupt(self, reason: str, error: str) -> None:
        """The lease is cut in the middle of an epoch, and goes on from the last checkpoint. Called by executors."""
        self._end(Cut(self.trial, self._kept_epoch, reason, error=error))

    def leave(self) -> Lease | None:
        """The next lease of the slot; waits for it. Called by executors."""
        return self._next if self._over else self._channel.receive()

    def _close_epoch(self) -> None:
        """Take the report of the epoch; where the lease ends, save first, so that what is acknowledged can go on."""
        lease, metrics = self._lease, self._metrics
        assert lease is not None  # an epoch is open only under a lease
        assert metrics is not None
        seconds = time.perf_counter() - self._began
        loss = self._setting.objective.loss(metrics)  # raises if the objective is missing
        diverged = loss == math.inf
        self._metrics = None
        self._epoch += 1
        for annealing in self._annealings:
            annealing.close(loss)
        whole = self.epoch == lease.trial.until
        over = lease.used_up(self.epoch, time.monotonic())
        reason = None if whole or diverged else BUDGET if over else self._channel.asked_to_cut()
        saved = 0 if diverged else self._save() if whole or reason else self._save_if_cheap()
        if whole and not (saved or diverged) and self.epoch < self.horizon and self._setting.resumable:
            way_out = "run.keep(model=model, optimizer=optimizer); for training that cannot, say resumable=False"
            early = "run.keep must be called before the first epoch so that the trial can continue, for example"
            raise InvalidInput(f"{early} {way_out}")
        self._channel.send(Reported(self.trial, self.epoch, metrics, round(seconds, 6), saved=saved))
        if reason:
            self._channel.send(Cut(self.trial, self._kept_epoch, reason))
        if whole or diverged or reason:
            self._lease = None

    def _renew(self) -> None:
        """Wait for what the slot does next: go on if it is this trial where it stands, else leave the loop."""
        lease = self._channel.receive()
        if lease is not None and (lease.trial.id, lease.trial.epoch) == (self.trial, self.epoch):
            self._channel.begin(lease)
            self._lease, self.until = lease, lease.trial.goal
        else:
            self._next = lease
            self._over = True

    def _save(self) -> int:
        """Write a checkpoint, if there is something to keep; returns its bytes."""
        if self._kept is None or not self._setting.resumable:
            return 0
        began = time.perf_counter()
        state = {name: get() for name, (get, _) in self._kept.items()}
        size = self._setting.checkpoints.save(self.trial, self.epoch, state)
        self._kept_epoch, self._kept_at = self.epoch, time.perf_counter()
        self._keeping = self._kept_at - began
        return size

    def _save_if_cheap(self) -> int:
        """The same in the middle of a lease, where it guards against a sudden death; see `Limits.saving`."""
        cheap = self._keeping < self._setting.saving * (time.perf_counter() - self._kept_at)
        return self._save() if cheap else 0

    def _end(self, event: Ended | Cut | Lost) -> None:
        if self.training:
            self._lease = None
            self._channel.send(event)
        elif event.error:  # the lease was closed in good order, only what followed went wrong
            sys.stderr.write(event.error)


def _accessors(name: str, kept: Any) -> tuple[Callable[[], Any], Callable[[Any], object]]:
    if isinstance(kept, tuple) and len(kept) == 2 and all(map(callable, kept)):
        return kept
    get, put = getattr(kept, "state_dict", None), getattr(kept, "load_state_dict", None)
    if callable(get) and callable(put):
        return get, put
    rule = "run.keep must be given objects with state_dict and load_state_dict, or pairs of functions (get, set)"
    raise InvalidInput(f"{rule}, got {name}={shown(kept)}")


def number(name: str, value: Any) -> float | None:
    """A metric as it is stored: a float, or `None` for NaN and infinity.

    Raises:
        InvalidInput: if `float` can make no number of it.
    """
    try:
        if isinstance(value, str | bytes | bytearray):
            raise TypeError
        detach = getattr(value, "detach", None)  # torch warns of a loss that still has its graph
        number = float(value if detach is None else detach())
    except (TypeError, ValueError, OverflowError, RuntimeError):  # the last from tensors with several elements
        raise InvalidInput(f"run.report must be given numbers, got {name}={shown(value)}") from None
    if not name.isprintable():  # a terminal would do something else with it, and UTF-8 may lack it
        raise InvalidInput(f"run.report must be given names that can be printed, got {name!r}")
    return number if math.isfinite(number) else None
