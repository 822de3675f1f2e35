"""The range test's result: which learning rates to search, how sure that is, and what it rests on. Pure, NumPy only."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import msgspec

from welltempered.errors import InvalidInput
from welltempered.sweep.curve import ROOM, Shape, disagreement, has_room, shape_of
from welltempered.sweep.points import Sweep

BELOW = {"high": 1.8, "fair": 2.3, "low": 2.8}
"""Decades below the end that the good rates are in, by confidence. The first was chosen on the eight design problems of
the benchmark; who is less sure takes half a decade or a whole one more, since a fall that is not seen clearly may well
begin, and be best, below."""
ABOVE = 0.2
"""Decades above the end, also chosen there."""

SUGGESTED = 0.8
"""Decades below the end of the suggested rate: the middle of the range, and the median of these problems."""

REACH = 0.8
"""Decades from where most of the fall is done to the end, at most. Some losses, such as Adam's on a regression, stay
low over two decades before they diverge: the large rates there gain nothing."""

AGREE = 0.5
"""Decades by which the divergence may move when one sweep is left out, in a result of high confidence."""


@dataclass(frozen=True)
class RangeTest:
    """What a range test has found: the range of learning rates to search, and the curve it was read from.

    Attributes:
        low: smallest rate of the suggested range: below the end by a factor of 63 (1.8 decades) at high confidence,
            200 at fair and 630 at low. The end is the divergence, but at most a factor of 6 (0.8 decades) above where
            four fifths of the fall are done.
        high: largest rate of the suggested range: a factor of 1.6 (0.2 decades) above the end, since training at a
            constant rate may stand a little more than a growing one.
        suggested: one rate to begin with, a factor of 6 below the end.
        steepest: rate at which the smoothed loss falls fastest, per decade; `None` if it does not fall measurably.
        divergence: rate from which on the smoothed loss has lost more than half of what it had gained; `None` if it
            never does.
        confidence: "high": the loss falls measurably, and the divergence moves by less than half a decade whichever
            later sweep is left out; "fair": it falls, but the sweeps disagree or never diverge; "low": its fall drowns
            in the noise of the batches, so the range rests on the divergence alone; "none": nothing can be said, and
            the range is the swept one. benchmarks/records/range_test.json says how often each was right.
        reason: in one sentence, what the range rests on, or why nothing can be said.
        swept: smallest and largest rate that were swept.
        steps: training steps it has taken.
        initial: the loss before training; NaN if it was not finite.
        noise: standard deviation of a single batch's loss.
        curve: the smoothed loss as pairs of a rate and a loss; what has diverged counts as the initial loss and twice
            the fall.
        sweeps: the measured points, a sweep per seed: `rates`, `losses` after the step at that rate (`inf` if not
            finite), the `initial` loss, and whether it ended because the loss `diverged`.

    Source: Smith, "Cyclical Learning Rates for Training Neural Networks", WACV 2017, section 3.3.
    """

    low: float
    high: float
    suggested: float
    steepest: float | None
    divergence: float | None
    confidence: str
    reason: str
    swept: tuple[float, float]
    steps: int
    initial: float
    noise: float
    curve: tuple[tuple[float, float], ...]
    sweeps: tuple[Sweep, ...]

    def __str__(self) -> str:
        if self.confidence == "none":
            return f"no range found between {_shown(self.swept[0])} and {_shown(self.swept[1])}: {self.reason}"
        marks = [
            f"{name} {_shown(rate)}"
            for name, rate in (("steepest at", self.steepest), ("diverges at", self.divergence))
            if rate is not None
        ]
        return (
            f"learning rate between {_shown(self.low)} and {_shown(self.high)}, try {_shown(self.suggested)} "
            f"({self.confidence} confidence: {', '.join(marks)}; {len(self.sweeps)} sweeps, {self.steps} steps). "
            f"{self.reason}"
        )

    def to_json(self) -> str:
        """The result as JSON text; numbers that are not finite become `null`."""
        return msgspec.json.encode(asdict(self)).decode()

    @classmethod
    def from_json(cls, text: str) -> "RangeTest":
        """The result that `to_json` wrote, read again from its points.

        Raises:
            InvalidInput: if it is no such text.
        """
        try:
            stored = msgspec.json.decode(text, type=_Stored)
        except (msgspec.DecodeError, TypeError) as error:
            raise InvalidInput(f"text must be what RangeTest.to_json() returned, but {error}") from None
        return range_of([each.sweep() for each in stored.sweeps], stored.swept, stored.steps)


class _StoredSweep(msgspec.Struct):
    rates: list[float]
    losses: list[float | None]
    initial: float | None
    diverged: bool

    def sweep(self) -> Sweep:
        losses = tuple(math.inf if loss is None else loss for loss in self.losses)
        initial = math.inf if self.initial is None else self.initial
        return Sweep(tuple(self.rates), losses, initial, self.diverged)


class _Stored(msgspec.Struct):
    """What everything else in a result follows from."""

    sweeps: list[_StoredSweep]
    swept: tuple[float, float]
    steps: int


def range_of(sweeps: Sequence[Sweep], swept: tuple[float, float], steps: int) -> RangeTest:
    """Conclude from the points of the sweeps which learning rates to search.

    Args:
        sweeps: the first through all rates, in the order they were made.
        swept: smallest and largest rate that were to be swept.
        steps: training steps they have cost.
    """
    if not all(math.isfinite(sweep.initial) for sweep in sweeps):
        return _nothing(
            "The loss is not finite before the first step: look at the data and the model.", sweeps, swept, steps
        )
    if not has_room(sweeps, swept[0]):
        return _nothing(_too_high(swept), sweeps, swept, steps)
    shape = shape_of(sweeps)
    if shape.divergence is None and not shape.falls:
        return _nothing(_flat(shape), sweeps, swept, steps, shape)
    if shape.divergence is not None and shape.divergence < math.log10(swept[0]) + ROOM:
        return _nothing(_too_high(swept), sweeps, swept, steps, shape)
    end = _end(shape)
    agree = shape.divergence is not None and disagreement(sweeps) <= AGREE
    confidence = ("high" if agree else "fair") if shape.falls else "low"
    return RangeTest(
        low=_rounded(10 ** (end - BELOW[confidence])),
        high=_rounded(10 ** (end + ABOVE)),
        suggested=_rounded(10 ** (end - SUGGESTED)),
        steepest=10**shape.steepest if shape.falls else None,
        divergence=None if shape.divergence is None else 10**shape.divergence,
        confidence=confidence,
        reason=_reason(shape, swept, agree=agree),
        swept=swept,
        steps=steps,
        initial=shape.initial,
        noise=shape.noise,
        curve=_curve(shape),
        sweeps=tuple(sweeps),
    )


def _end(shape: Shape) -> float:
    """The rate (a logarithm) beyond which nothing is gained."""
    end = math.inf if shape.divergence is None else shape.divergence
    return min(end, shape.done + REACH) if shape.falls else end


def _nothing(
    reason: str, sweeps: Sequence[Sweep], swept: tuple[float, float], steps: int, shape: Shape | None = None
) -> RangeTest:
    """The result when nothing can be said."""
    return RangeTest(
        low=swept[0],
        high=swept[1],
        suggested=math.sqrt(swept[0] * swept[1]),
        steepest=None,
        divergence=None,
        confidence="none",
        reason=reason,
        swept=swept,
        steps=steps,
        initial=shape.initial if shape else math.nan,
        noise=shape.noise if shape else math.nan,
        curve=_curve(shape) if shape else (),
        sweeps=tuple(sweeps),
    )


def _curve(shape: Shape) -> tuple[tuple[float, float], ...]:
    return tuple((float(10**at), float(loss)) for at, loss in zip(shape.at, shape.losses, strict=True))


def _too_high(swept: tuple[float, float]) -> str:
    return (
        f"The loss diverges at the smallest rates already: sweep from lower, "
        f"such as rates=({_shown(swept[0] / 1e4)}, {_shown(swept[1] / 1e2)})."
    )


def _flat(shape: Shape) -> str:
    moved = max(float(shape.losses.max()) - shape.initial, shape.initial - float(shape.losses.min()))
    if moved <= 1e-6 * abs(shape.initial):
        return "The loss does not move at any rate: see whether train_step calls backward() and optimizer.step()."
    return (
        f"The loss moves by {_shown(moved)}, no more than the noise of its batches explains "
        f"({_shown(shape.noise)} each): sweep to higher rates, or take larger batches or more steps."
    )


def _reason(shape: Shape, swept: tuple[float, float], *, agree: bool) -> str:
    if not shape.falls:
        return "The fall of the loss drowns in the noise of its batches, so this rests on the divergence alone."
    if shape.divergence is None:
        return (
            f"The loss did not diverge up to {_shown(swept[1])}; the range is where it falls, larger rates may do too."
        )
    if not agree:
        return "Where the loss diverges differs between the sweeps: more steps would tell."
    return "The loss falls by more than its noise, and the sweeps agree where it diverges."


def _rounded(rate: float) -> float:
    """To two digits: more than that nobody knows."""
    return float(f"{rate:.2g}")


def _shown(number: float) -> str:
    return f"{number:.2g}"
