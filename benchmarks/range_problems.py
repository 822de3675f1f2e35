"""The problems of the range test's benchmark: twenty-four small trainings of different kind and scale.

The rule that turns a curve into a range was chosen on eight of them (`DESIGN`). Eight served to judge it while the
sweeps were being improved (`JUDGED`). Four were written afterwards (`FRESH`): the rule failed on two of them, which led
to `REACH` in it. The last four (`HELD`) were written after that, and nothing was changed since.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from welltempered.demo.data import FASHION_MNIST, load

DESIGN, JUDGED, FRESH, HELD = "design", "judged", "fresh", "held out"

IMAGES = 3_200
"""Images of Fashion-MNIST for training, and as many for validation."""

Loss = Callable[[Tensor, Tensor], Tensor]
Build = Callable[[], nn.Module]
Optimize = Callable[[nn.Module], torch.optim.Optimizer]


@dataclass(frozen=True)
class Data:
    """What a network learns from and what it is judged by."""

    x: Tensor
    y: Tensor
    x_val: Tensor
    y_val: Tensor


@dataclass(frozen=True)
class Problem:
    """One training: data, network, optimizer (its learning rate is set by whoever trains), batch and epochs."""

    name: str
    half: str
    data: Callable[[Path | None], Data]
    build: Build
    optimize: Optimize
    batch: int = 32
    epochs: int = 4
    rates: tuple[float, float] = (1e-3, 10**0.5)
    loss: Loss = field(default=functional.cross_entropy)


@dataclass
class Training:
    """A problem that is being trained; `step` is what `wt.range_test` gets."""

    problem: Problem
    data: Data
    model: nn.Module
    optimizer: torch.optim.Optimizer
    batches: Iterator[Tensor] = field(default_factory=lambda: iter(()))

    @property
    def steps(self) -> int:
        """Steps of an epoch."""
        return math.ceil(len(self.data.x) / self.problem.batch)

    def step(self) -> Tensor:
        """Train on the next batch, in an order that the global generator draws for each epoch."""
        batch = next(self.batches, None)
        if batch is None:
            self.batches = iter(torch.randperm(len(self.data.x)).split(self.problem.batch))
            batch = next(self.batches)
        self.optimizer.zero_grad()
        loss = self.problem.loss(self.model(self.data.x[batch]), self.data.y[batch])
        loss.backward()
        self.optimizer.step()
        return loss.detach()

    def judge(self) -> float:
        """The loss on the validation data; `inf` if it is not finite."""
        self.model.eval()
        with torch.no_grad():
            loss = float(self.problem.loss(self.model(self.data.x_val), self.data.y_val))
        self.model.train()
        return loss if math.isfinite(loss) else math.inf


def begin(problem: Problem, folder: Path | None, seed: int) -> Training:
    """A fresh network; the seed decides its weights and, through the global generator, the batches."""
    torch.manual_seed(seed)
    model = problem.build()
    return Training(problem, problem.data(folder), model, problem.optimize(model))


# Data


def _split(x: Tensor, y: Tensor, n: int) -> Data:
    """The first `n` rows after a shuffle that is always the same are for training."""
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))
    x, y = x[order], y[order]
    return Data(x[:n], y[:n], x[n:], y[n:])


@cache
def digits(_folder: Path | None) -> Data:
    """1,300 images of 8 x 8 pixels."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return _split(torch.tensor(x, dtype=torch.float32) / 8 - 1, torch.tensor(y), 1_300)


@cache
def noisy_digits(folder: Path | None) -> Data:
    """Digits of which 40 % of the training labels are drawn at random."""
    data, rng = digits(folder), np.random.default_rng(0)
    wrong = torch.tensor(rng.random(len(data.y)) < 0.4)
    return Data(data.x, torch.where(wrong, torch.tensor(rng.integers(0, 10, len(data.y))), data.y), *_validation(data))


def _validation(data: Data) -> tuple[Tensor, Tensor]:
    return data.x_val, data.y_val


@cache
def fashion(folder: Path | None) -> Data:
    """Fashion-MNIST, averaged to 14 x 14 pixels: enough to tell clothes apart, and four times as fast."""
    found = load(FASHION_MNIST, folder)
    order = np.random.default_rng(0).permutation(len(found.train.x))[: 2 * IMAGES]
    x = torch.tensor(found.train.x[order]).reshape(-1, 1, 28, 28)
    return _split(functional.avg_pool2d(x, 2), torch.tensor(found.train.y[order]), IMAGES)


@cache
def whole_fashion(folder: Path | None) -> Data:
    """Fashion-MNIST as it is: 50,000 images of 28 x 28 pixels, an epoch as long as the article's."""
    found = load(FASHION_MNIST, folder)
    parts = (found.train.x, found.train.y, found.validation.x, found.validation.y)
    return Data(*(torch.tensor(part) for part in parts))


@cache
def diabetes(_folder: Path | None) -> Data:
    """342 patients, ten measurements, standardised."""
    from sklearn.datasets import load_diabetes

    x, y = load_diabetes(return_X_y=True)
    x, y = (x - x.mean(0)) / x.std(0), ((y - y.mean()) / y.std())[:, None]
    return _split(torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32), 342)


@cache
def houses(_folder: Path | None) -> Data:
    """Prices of made-up houses: eight features, two with heavy tails, a place that matters, a price that is capped."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4_500, 8))
    x[:, 2:4] = np.exp(1.2 * x[:, 2:4])
    place = np.exp(-((x[:, 6] - 0.5) ** 2 + (x[:, 7] + 0.5) ** 2))
    y = 0.8 * x[:, 0] + 0.3 * np.log(x[:, 2]) * x[:, 1] + 2 * place + 0.3 * rng.normal(size=len(x))
    y = np.minimum(y, np.quantile(y, 0.95))[:, None]
    x, y = (x - x.mean(0)) / x.std(0), (y - y.mean()) / y.std()
    return _split(torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32), 3_000)


@cache
def waves(_folder: Path | None) -> Data:
    """A sine of one variable, whose values go up to 30: nobody has scaled the targets."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, size=(2_000, 1))
    y = 30 * np.sin(5 * x) + rng.normal(size=x.shape)
    return _split(torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32), 1_600)


@cache
def majorities(_folder: Path | None) -> Data:
    """Sequences of 10 signs; the class is whether those in the first half are mostly positive."""
    rng = np.random.default_rng(0)
    x = rng.choice([-1.0, 1.0], size=(2_400, 10, 1))
    y = (x[:, :5].sum((1, 2)) > 0).astype(np.int64)
    return _split(torch.tensor(x, dtype=torch.float32), torch.tensor(y), 1_600)


@cache
def pairs(_folder: Path | None) -> Data:
    """Sequences of 10 letters out of 8; the class is the letter that comes after the first A."""
    rng = np.random.default_rng(0)
    x = rng.integers(1, 8, size=(3_200, 10))
    at = rng.integers(0, 9, size=len(x))
    x[np.arange(len(x)), at] = 0
    y = x[np.arange(len(x)), at + 1]
    return _split(torch.tensor(x), torch.tensor(y), 2_400)


@cache
def noisy_images(folder: Path | None) -> Data:
    """Digits with noise; what is wanted are the pixels without it."""
    clean = digits(folder)
    random = torch.Generator().manual_seed(0)
    x, x_val = (pixels + 0.5 * torch.randn(pixels.shape, generator=random) for pixels in (clean.x, clean.x_val))
    return Data(x, clean.x, x_val, clean.x_val)


@cache
def tumours(_folder: Path | None) -> Data:
    """Measurements of 400 tumours, two classes."""
    from sklearn.datasets import load_breast_cancer

    x, y = load_breast_cancer(return_X_y=True)
    return _split(torch.tensor((x - x.mean(0)) / x.std(0), dtype=torch.float32), torch.tensor(y), 400)


@cache
def wines(_folder: Path | None) -> Data:
    """Measurements of 140 wines, three classes."""
    from sklearn.datasets import load_wine

    x, y = load_wine(return_X_y=True)
    return _split(torch.tensor((x - x.mean(0)) / x.std(0), dtype=torch.float32), torch.tensor(y), 140)


@cache
def small_waves(folder: Path | None) -> Data:
    """The same sine with scaled targets."""
    data = waves(folder)
    return Data(data.x, data.y / 20, data.x_val, data.y_val / 20)


@cache
def square_digits(folder: Path | None) -> Data:
    """Digits as images."""
    data = digits(folder)
    return Data(data.x.reshape(-1, 1, 8, 8), data.y, data.x_val.reshape(-1, 1, 8, 8), data.y_val)


# Networks


def mlp(*sizes: int, norm: bool = False, dropout: float = 0.0, activation: type[nn.Module] = nn.ReLU) -> Build:
    """Fully connected layers, with activations (and more) between them; weights as He et al. (2015)."""

    def build() -> nn.Module:
        layers: list[nn.Module] = [nn.Flatten()]
        for n_in, n_out in pairwise(sizes[:-1]):
            layers += [nn.Linear(n_in, n_out), *([nn.BatchNorm1d(n_out)] if norm else []), activation()]
            layers += [nn.Dropout(dropout)] if dropout else []
        model = nn.Sequential(*layers, nn.Linear(sizes[-2], sizes[-1]))
        if len(sizes) > 4:  # with PyTorch's own, smaller weights nine layers do not learn at any rate
            for weight in (p for p in model.parameters() if p.ndim == 2):
                nn.init.kaiming_uniform_(weight, nonlinearity="relu")
        return model

    return build


def conv(*, norm: bool) -> Build:
    """Two convolutions with a stride, then a linear layer."""

    def build() -> nn.Module:
        return nn.Sequential(
            nn.Conv2d(1, 8, 3, stride=2, padding=1),
            *([nn.BatchNorm2d(8)] if norm else []),
            nn.ReLU(),
            nn.Conv2d(8, 16, 3, stride=2, padding=1),
            *([nn.BatchNorm2d(16)] if norm else []),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(16 * 4 * 4, 10),
        )

    return build


def layered() -> nn.Module:
    """A convolution with LayerNorm and GELU, then a hidden layer."""
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, stride=2, padding=1),
        nn.LayerNorm([8, 7, 7]),
        nn.GELU(),
        nn.Flatten(),
        nn.Linear(8 * 7 * 7, 32),
        nn.GELU(),
        nn.Linear(32, 10),
    )


def small_conv() -> nn.Module:
    """A convolution and a linear layer."""
    return nn.Sequential(nn.Conv2d(1, 12, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(192, 10))


class Recurrent(nn.Module):
    """A GRU whose last state is classified."""

    def __init__(self) -> None:
        super().__init__()
        self.cells, self.head = nn.GRU(1, 24, batch_first=True), nn.Linear(24, 2)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.head(self.cells(x)[0][:, -1])
        return out


class Attention(nn.Module):
    """A transformer block over letters and their places."""

    def __init__(self) -> None:
        super().__init__()
        self.letters, self.places = nn.Embedding(8, 32), nn.Parameter(0.3 * torch.randn(10, 32))
        self.blocks = nn.ModuleList(nn.TransformerEncoderLayer(32, 4, 64, 0.0, batch_first=True) for _ in range(1))
        self.head = nn.Linear(32, 8)

    def forward(self, x: Tensor) -> Tensor:
        x = self.letters(x) + self.places
        for block in self.blocks:
            x = block(x)
        out: Tensor = self.head(x.mean(1))
        return out


def sgd(momentum: float = 0.0) -> Optimize:
    """SGD; the learning rate is set later."""
    return lambda model: torch.optim.SGD(model.parameters(), lr=1.0, momentum=momentum)


def nesterov(model: nn.Module) -> torch.optim.Optimizer:
    """SGD with Nesterov's momentum."""
    return torch.optim.SGD(model.parameters(), lr=1.0, momentum=0.9, nesterov=True)


def adam(model: nn.Module) -> torch.optim.Optimizer:
    """Adam with its defaults."""
    return torch.optim.Adam(model.parameters())


def adamw(model: nn.Module) -> torch.optim.Optimizer:
    """AdamW with its defaults."""
    return torch.optim.AdamW(model.parameters())


def rmsprop(model: nn.Module) -> torch.optim.Optimizer:
    """RMSprop with its defaults."""
    return torch.optim.RMSprop(model.parameters())


SMALL = (10**-4.5, 10**-0.5)
"""Where the good rates of Adam and its like are looked for."""

DEEP = (64, *[64] * 8, 10)
MSE = functional.mse_loss

PROBLEMS = (
    Problem("digits, MLP, SGD", DESIGN, digits, mlp(64, 64, 10), sgd(), epochs=8),
    Problem("digits, MLP, Adam", JUDGED, digits, mlp(64, 64, 10), adam, epochs=8, rates=SMALL),
    Problem("digits, 9 layers, momentum", JUDGED, digits, mlp(*DEEP), sgd(0.9), 16, 5, (1e-4, 10**-0.5)),
    Problem("digits, 9 layers with BatchNorm, momentum", DESIGN, digits, mlp(*DEEP, norm=True), sgd(0.9), 16, 3),
    Problem("Fashion, conv, Adam", DESIGN, fashion, conv(norm=False), adam, rates=SMALL),
    Problem("Fashion, conv with BatchNorm, SGD", JUDGED, fashion, conv(norm=True), sgd()),
    Problem("Fashion, one wide layer, RMSprop", DESIGN, fashion, mlp(196, 512, 10), rmsprop, rates=SMALL),
    Problem("Fashion, logistic regression, SGD", JUDGED, fashion, mlp(196, 10), sgd()),
    Problem("diabetes, MLP, AdamW", DESIGN, diabetes, mlp(10, 32, 32, 1), adamw, 4, 8, SMALL, MSE),
    Problem("houses, MLP, momentum", JUDGED, houses, mlp(8, 64, 64, 1), sgd(0.9), 32, 5, (1e-4, 10**-0.5), MSE),
    Problem(
        "sine with large targets, SGD",
        DESIGN,
        waves,
        mlp(1, 64, 64, 1, activation=nn.Tanh),
        sgd(),
        32,
        10,
        (1e-5, 0.1),
        MSE,
    ),
    Problem("digits with wrong labels, Adam", JUDGED, noisy_digits, mlp(64, 128, 10), adam, epochs=8, rates=SMALL),
    Problem("digits, batches of 2, SGD", DESIGN, digits, mlp(64, 64, 10), sgd(), batch=2, epochs=3),
    Problem("sequences, GRU, Adam", JUDGED, majorities, Recurrent, adam, epochs=5, rates=SMALL),
    Problem("letters, attention, AdamW", DESIGN, pairs, Attention, adamw, epochs=6, rates=SMALL),
    Problem("Fashion, MLP with dropout, momentum", JUDGED, fashion, mlp(196, 128, 64, 10, dropout=0.3), sgd(0.9)),
    Problem("Fashion, tanh, Nesterov", FRESH, fashion, mlp(196, 64, 64, 10, activation=nn.Tanh), nesterov, 32, 4),
    Problem("digits from noisy digits, Adam", FRESH, noisy_images, mlp(64, 32, 64), adam, 16, 6, SMALL, MSE),
    Problem("tumours, logistic regression, momentum", FRESH, tumours, mlp(30, 2), sgd(0.9), 8, 6),
    Problem("Fashion, conv with LayerNorm, AdamW", FRESH, fashion, layered, adamw, 32, 4, SMALL),
    Problem("wines, MLP, Adam", HELD, wines, mlp(13, 32, 3), adam, 4, 8, SMALL),
    Problem("sine, MLP, Adam", HELD, small_waves, mlp(1, 64, 64, 1, activation=nn.Tanh), adam, 32, 10, SMALL, MSE),
    Problem("digits, conv, momentum", HELD, square_digits, small_conv, sgd(0.9), 32, 5),
    Problem("houses with BatchNorm, RMSprop", HELD, houses, mlp(8, 64, 64, 1, norm=True), rmsprop, 32, 4, SMALL, MSE),
)

WHOLE = (
    Problem("128 units, Adam, batches of 128", JUDGED, whole_fashion, mlp(784, 128, 10, dropout=0.2), adam, 128),
    Problem(
        "512 units, momentum, batches of 128", JUDGED, whole_fashion, mlp(784, 512, 10, dropout=0.2), sgd(0.9), 128
    ),
    Problem("128 units, Adam, batches of 32", JUDGED, whole_fashion, mlp(784, 128, 10, dropout=0.2), adam, 32),
)
"""Epochs of the size that people train, to measure what a range test costs beside one."""
