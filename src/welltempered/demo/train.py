"""Training code of the demo: a small network on small images, in PyTorch.

`Train` is the part to copy. Three of its lines are the tuner's: `run.keep`, `for ... in run` and
`run.report`. All others would be there without it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import SGD, Optimizer
from torch.optim.lr_scheduler import CosineAnnealingLR

from welltempered.demo.data import DIGITS, FASHION_MNIST, Data, Part, load
from welltempered.presets.training import learning_rate, momentum
from welltempered.run import Run
from welltempered.space import Float, Int, Space

__all__ = ["MLP", "SPACE", "Train", "test_accuracy"]

SPACE = Space(
    lr=learning_rate(1e-3, 1.0),
    momentum=momentum(0.8, 0.99),
    units=Int(32, 256, scale="log", means="units"),
    depth=Int(1, 3, means="depth"),
    dropout=Float(0.0, 0.5, means="dropout"),
)
"""What is tuned, on the scales of Dagli, "The Art of Hyperparameter Tuning in Deep Neural Nets by
Example":

- `lr`: step size. The question is which power of ten, so the scale is logarithmic. For standardised
  inputs it ends at 1 (Bengio, "Practical recommendations for gradient-based training of deep
  architectures", 2012, section 3.1.1).
- `momentum`: averages about 1 / (1 - momentum) steps, from 5 to 100, and is drawn on the logarithm of
  that number. In Nesterov's form (Sutskever et al., "On the importance of initialization and
  momentum in deep learning", ICML 2013); their largest values, 0.995 and 0.999, average over more
  steps than a short training has to spare.
- `units` and `depth`: width and number of the hidden layers; from 32 to 64 is as far as from 64 to 128.
- `dropout`: share of hidden units switched off at each step, up to the usual half (Srivastava et al.,
  "Dropout: a simple way to prevent neural networks from overfitting", JMLR 15, 2014).
"""

BATCH = {DIGITS: 64, FASHION_MNIST: 256}
"""Examples per step: a full training of 27 epochs has 459 steps on digits, 5,292 on Fashion-MNIST."""

LOSS = nn.CrossEntropyLoss(label_smoothing=0.1)
"""Asks for 91 % certainty instead of 100 % (Szegedy et al., "Rethinking the Inception architecture",
CVPR 2016, section 7). On the digits this gains half a percent of accuracy, and it needs no tuning.
"""

Examples = tuple[Tensor, Tensor]
"""Images of shape (n, n_in) and classes of shape (n,), on the device of the model."""


@dataclass(frozen=True)
class Train:
    """Training code, to be called with a run.

    A class rather than a function because it has arguments of its own, and instances can be sent to
    worker processes.

    Args:
        data: name of the image set.
        folder: where its files lie; see `welltempered.demo.data.load`.
    """

    data: str = DIGITS
    folder: Path | None = None

    def __call__(self, run: Run) -> None:
        """Train a trial for the epochs granted; report accuracy and losses after each."""
        train, validation = load_examples(self.data, self.folder, run.device)
        model = build(run.params, load(self.data, self.folder)).to(run.device)
        optimizer = SGD(model.parameters(), lr=run.params["lr"], momentum=run.params["momentum"], nesterov=True)
        # Down to zero along half a cosine that spans a full training, even if this trial stops
        # earlier: rivals of the same age are then at the same point of their schedules.
        schedule = CosineAnnealingLR(optimizer, T_max=run.horizon)
        run.keep(model=model, optimizer=optimizer, schedule=schedule)
        for _ in run:
            train_loss = one_epoch(model, optimizer, train, BATCH[self.data])
            schedule.step()
            accuracy, loss = evaluate(model, validation)
            run.report(val_accuracy=accuracy, val_loss=loss, train_loss=train_loss)


class MLP(nn.Sequential):
    """A multilayer perceptron: `depth` times linear, ReLU, dropout; then one score per class.

    Weights start as He et al. propose for ReLU ("Delving deep into rectifiers", ICCV 2015, eq. 10):
    normal with variance 2 / inputs, which keeps the size of signals from layer to layer.
    """

    def __init__(self, n_in: int, classes: int, units: int, depth: int, dropout: float) -> None:
        widths = [n_in] + [units] * depth
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(widths):
            layers += [nn.Linear(inputs, outputs), nn.ReLU(), nn.Dropout(dropout)]
        super().__init__(*layers, nn.Linear(widths[-1], classes))
        for layer in self:
            if isinstance(layer, nn.Linear):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(layer.bias)


def build(params: Mapping[str, Any], data: Data) -> MLP:
    """Return the untrained network of some params."""
    return MLP(data.n_in, data.classes, params["units"], params["depth"], params["dropout"])


@cache
def load_examples(data: str, folder: Path | None, device: str) -> tuple[Examples, Examples]:
    """Return the training and the validation part, moved to a device once per process.

    They are small enough to lie there as a whole, which is faster than any `DataLoader`.
    """
    loaded = load(data, folder)
    return _tensors(loaded.train, device), _tensors(loaded.validation, device)


def one_epoch(model: nn.Module, optimizer: Optimizer, examples: Examples, batch: int) -> Tensor:
    """Train on every example once, in random order; returns the mean loss on the way."""
    x, y = examples
    model.train()
    total = torch.zeros((), device=x.device)  # stays there: `.item()` would wait for every step
    for rows in torch.split(torch.randperm(len(y), device=x.device), batch):
        loss = LOSS(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.detach() * len(rows)
    return total / len(y)


@torch.no_grad()
def evaluate(model: nn.Module, examples: Examples) -> tuple[Tensor, Tensor]:
    """Return accuracy and mean loss, dropout switched off."""
    x, y = examples
    model.eval()
    scores = model(x)
    return (scores.argmax(1) == y).float().mean(), LOSS(scores, y)


def test_accuracy(params: Mapping[str, Any], state: Mapping[str, Any], data: Data) -> float:
    """Return the accuracy of a trained network on the test part.

    Look at it once, when the tuning is over: whoever chooses by it no longer has a test.

    Args:
        params: those of the trial.
        state: what its checkpoint holds of the model, a `state_dict`.
        data: the image set it was trained on.
    """
    model = build(params, data)
    model.load_state_dict(state)
    accuracy, _ = evaluate(model, _tensors(data.test, "cpu"))
    return float(accuracy)


def _tensors(part: Part, device: str) -> Examples:
    return torch.from_numpy(part.x).to(device), torch.from_numpy(part.y).to(device)
