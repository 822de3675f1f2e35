"""What deserves a second look in a space: each function looks at one thing and says it in a sentence."""

import math
from collections.abc import Iterator, Sequence

from welltempered.advice.rows import Row, shown_value
from welltempered.presets.affordable import most
from welltempered.space import Choice, Float, Int

_LOG = {"learning_rate", "epsilon", "weight_decay", "clip_norm"}
"""What has an unknown order of magnitude, so that each decade deserves the same share."""

_AVERAGES = {"momentum", "beta1", "beta2", "rho"}
"""What acts through the number of steps that it averages, 1 / (1 - β)."""

_RATE_NAMES = ("lr", "learning_rate")

_READ = (*_RATE_NAMES, "momentum", "rho", "beta1", "beta2", "epsilon", "weight_decay")
"""What `run.build_optimizer` reads under its plain name, where the optimizer has none of its own."""

_SIZES = {"batch_size", "units", "depth"}

_RATES = (1e-3, 1e-2)
"""Learning rates that most begin with: those of Adam and of SGD."""

_DECADE = 10


def looks_of(rows: Sequence[Row], count: int) -> Iterator[str]:
    """All that deserves a second look, the gravest first."""
    yield from _rate_omitted(rows)
    yield from _constants(rows)
    yield from _shadowed(rows)
    yield from _too_many(rows, count)
    for row in rows:
        yield from _unsuited_scale(row)
        yield from _without_order(row)
        yield from _without_usual(row)
    yield from _batch_size(rows)


def _rate_omitted(rows: Sequence[Row]) -> Iterator[str]:
    if not any(row.means == "learning_rate" for row in rows):
        yield (
            "The learning rate is not in the space: it is fixed by omission, and whatever value the code has decides "
            "all comparisons. Add learning_rate()."
        )


def _constants(rows: Sequence[Row]) -> Iterator[str]:
    for row in (row for row in rows if row.constant):
        value = shown_value(row.parameter.start)
        if row.means == "learning_rate":
            yield f"{row.name} is fixed at {value}: what is compared at one learning rate is how well that rate suits."
        elif row.means == "optimizer":
            yield f"{row.name} is fixed at {value}: fine to begin with; another needs a learning rate of its own."
        else:
            yield f"{row.name} is fixed at {value}, so the results hold for this value only: is it meant to be?"


def _shadowed(rows: Sequence[Row]) -> Iterator[str]:
    """Who builds the optimizer of the params reads `sgd_momentum` before `momentum`: the general one is for nothing."""
    names = {row.name for row in rows}
    for row in rows:
        if row.means != "optimizer" or not isinstance(row.parameter, Choice) or not row.name.endswith("optimizer"):
            continue
        prefix, options = row.name.removesuffix("optimizer"), row.parameter.options
        for word in (word for word in _READ if f"{prefix}{word}" in names):
            alike = _RATE_NAMES if word in _RATE_NAMES else (word,)
            own = [(option, name) for option in options for w in alike if (name := f"{prefix}{option}_{w}") in names]
            shadowed = list(dict.fromkeys(repr(option) for option, _ in own))
            if shadowed:
                where = "" if len(shadowed) == len(options) else f" where {row.name} is {' or '.join(shadowed)}"
                read = f"{', '.join(name for _, name in own)} {'is' if len(own) == 1 else 'are'}"
                yield f"{prefix}{word} is not read by run.build_optimizer{where}: {read}."


def _too_many(rows: Sequence[Row], count: int) -> Iterator[str]:
    searched = sum(not row.constant for row in rows)
    if searched > most(count):
        yield (
            f"{searched} parameters are many for {_trainings(count)}, enough for about {most(count)}: fix the rest, "
            f"let layers share their values, or spend {math.ceil(searched * 5 / 2)} trainings."
        )


def _unsuited_scale(row: Row) -> Iterator[str]:
    parameter = row.parameter
    if not isinstance(parameter, Float):
        return
    low, high = parameter.low, parameter.high
    if row.means in _LOG and parameter.scale == "linear" and high > 0 and low < high / _DECADE:
        share = 100 * (1 - parameter.bijection.encode(high / _DECADE))
        scale = "zero_or_log" if row.means == "weight_decay" else "log"
        yield (
            f"{row.name} is on a linear scale: {share:.0f} % of the trials lie above {shown_value(high / _DECADE)}. "
            f"Its order of magnitude is what is sought: use scale={scale!r}."
        )
    if row.means in _AVERAGES and parameter.scale != "one_minus_log" and high < 1 and 1 - low > 2 * (1 - high):
        middle = 1 - math.sqrt((1 - low) * (1 - high))
        share = 100 * (1 - parameter.bijection.encode(middle))
        name = {"linear": "linear"}.get(parameter.scale, "log")
        yield (
            f"{row.name} is on a {name} scale: only {share:.0f} % of the trials lie above {middle:.4g}, the middle "
            "of the range in steps averaged. Use scale='one_minus_log'."
        )


def _without_order(row: Row) -> Iterator[str]:
    parameter = row.parameter
    if isinstance(parameter, Choice) and row.means in _LOG | _AVERAGES | _SIZES and len(parameter.options) > 2:
        kind = "Int" if row.means in _SIZES else "Float"
        yield f"{row.name} is a Choice, which knows no order: as {kind}, with a scale, a value tells of those near it."


def _without_usual(row: Row) -> Iterator[str]:
    parameter = row.parameter
    if not isinstance(parameter, Float | Int) or row.fact is None:
        return
    usual = _RATES if row.means == "learning_rate" else [row.fact.usual]
    numbers = [value for value in usual if isinstance(value, int | float) and value]  # zero stands for doing without
    if numbers and not any(parameter.low <= value <= parameter.high for value in numbers):
        yield (
            f"{row.name} goes from {shown_value(parameter.low)} to {shown_value(parameter.high)}, without the usual "
            f"{' or '.join(map(shown_value, numbers))}: is there evidence for that?"
        )


def _batch_size(rows: Sequence[Row]) -> Iterator[str]:
    searched = {row.means for row in rows if not row.constant}
    for row in rows:
        if row.means == "batch_size" and not row.constant:
            missing = "" if "learning_rate" in searched else " None can be compared while the learning rate is fixed."
            yield (
                f"{row.name} changes which learning rate, momentum and regularisation are best: whoever changes it "
                f"later tunes these again.{missing}"
            )


def _trainings(count: int) -> str:
    return f"{count} full training{'s' * (count != 1)}"
