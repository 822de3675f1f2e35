"""Parameters of the net itself: how many layers, how many units in each."""

from collections.abc import Iterable, Mapping
from typing import Any

from welltempered.checks import flag, prefix_of, shown, whole
from welltempered.errors import InvalidInput
from welltempered.presets.common import check_name, with_default
from welltempered.space import Choice, Int, Parameter

_NARROWEST = 4
"""Units: with fewer, a layer loses what most data sets say, and each power of two below would take a tenth of the
trials."""

_DEEPEST = 1000
"""Layers: each gets parameters of its own, and no plain net is as deep."""

_LARGEST = 2**38
"""Units, above any net's; twice as many is a range that an Int can have."""


def units(
    n_in: int | None = None,
    n_out: int | None = None,
    *,
    low: int | None = None,
    high: int | None = None,
    default: int | None = None,
) -> Int:
    """The number of units of a hidden layer: a number times a power of two, around Heaton's rules of thumb.

    His rules: between the sizes of output and input; two thirds of the input plus the output; less than twice the
    input. They know neither the data nor how many examples there are, so the range is wider than they are: a prior, no
    wall.

    Args:
        n_in: size of the net's input, as its first dense layer sees it. Needed unless low and high are given.
        n_out: size of its output. Needed unless low and high are given.
        low: the smallest. Default: half of the smaller of input and output, but at least 4, as a power of two.
        high: the largest, at least twice low. Default: twice the input, or what the second rule says if that is more,
            as a power of two; images that are flattened whole make this large: give it.
        default: the number that `Space.defaults` takes. Default: the one nearest to the second rule's.

    Raises:
        InvalidInput: if a size or bound is below 1, or neither sizes nor bounds are given.

    Source: Heaton, "Introduction to Neural Networks for Java", 2008, chapter 5.

    >>> units(784, 10)
    Int(4, 2048, scale='log', step=2, default=512)
    """
    given = {"n_in": n_in, "n_out": n_out, "low": low, "high": high}
    rule = "a whole number of at least 1"
    sizes = {name: size if size is None else whole(name, size, rule, 1, _LARGEST) for name, size in given.items()}
    low, high, usual = _range(**sizes)
    if high < 2 * low:
        raise InvalidInput(f"high must be at least twice low, got {low=}, {high=}; a constant is Choice({low})")
    made = Int(low, high, scale="log", step=2, means="units")
    return with_default(made, default, None if usual is None else _nearest(made.values(), usual))


def _range(n_in: int | None, n_out: int | None, low: int | None, high: int | None) -> tuple[int, int, float | None]:
    """The range, and what the second rule says, if the sizes are known."""
    if n_in is None or n_out is None:
        if low is None or high is None:
            given = {"n_in": n_in, "n_out": n_out, "low": low, "high": high}
            raise InvalidInput(
                "units needs the sizes of input and output, as in units(784, 10), or low and high, "
                f"got {', '.join(f'{name}={size}' for name, size in given.items())}"
            )
        return low, high, None
    usual = 2 * n_in / 3 + n_out
    least = _power(max(_NARROWEST, min(n_in, n_out) / 2)) if low is None else low
    # Four times the smallest, so that a net of two inputs has a choice as well.
    most = 2 * _power(max(2 * n_in, usual, 4 * least) - 0.5) if high is None else high
    return least, most, usual


def _power(size: float) -> int:
    """The largest power of two that is not above a size of at least 1."""
    return 1 << (int(size).bit_length() - 1)


def _nearest(values: Iterable[Any], wanted: float) -> Any:
    """The value that is nearest on a log scale."""
    return min(values, key=lambda value: max(value, wanted) / min(value, wanted))


def layers(
    depth: int | tuple[int, int] = (1, 4), *, each: bool = True, prefix: str = "", **per_layer: Parameter
) -> dict[str, Parameter]:
    """A stack of layers: its depth, and parameters of each layer that are active only where there is such a layer.

    Args:
        depth: smallest and largest number of layers, or the one there is. Default 1 to 4: deeper plain nets seldom pay.
        each: whether each layer has its own value, or all share one ("repeat this block k times"), which needs fewer
            trials. Default `True`.
        prefix: of all names, for several stacks in one space. Default: none.
        per_layer: parameters of a layer, by name; a condition of their own they keep.

    Returns:
        `depth`, and for each parameter `name_1`, `name_2`, ... or the name itself if it is shared. `layers_of` reads
        them.

    Raises:
        InvalidInput: if depth is no number or range of layers, or what is given is no parameter.

    >>> from welltempered.presets.regularisation import dropout
    >>> for name, parameter in layers((1, 2), units=units(64, 10), dropout=dropout()).items():
    ...     print(name, parameter)
    depth Int(1, 2, default=2)
    units_1 Int(4, 128, scale='log', step=2, default=64)
    dropout_1 Float(0.0, 0.5, step=0.1, default=0.0)
    units_2 Int(4, 128, scale='log', step=2, default=64).when('depth > 1')
    dropout_2 Float(0.0, 0.5, step=0.1, default=0.0).when('depth > 1')
    """
    least, most = _depths(depth)
    flag("each", each)
    prefix = prefix_of(prefix)
    number = f"{prefix}depth"
    usual = 2  # the first depth that is deep
    made: dict[str, Parameter] = {
        number: Choice(most, means="depth")
        if least == most
        else with_default(Int(least, most, means="depth"), None, usual)
    }
    for name, parameter in per_layer.items():
        check_name(name)
        if not isinstance(parameter, Parameter):
            raise InvalidInput(f"{name} must be a parameter of a layer, such as units(784, 10), got {shown(parameter)}")
    for layer in range(1, most + 1 if each else 2):
        for name, parameter in per_layer.items():
            own = prefix + (f"{name}_{layer}" if each else name)
            made[own] = parameter if layer <= least else parameter.when(f"{number} > {layer - 1}")
    return made


def _depths(depth: object) -> tuple[int, int]:
    """The smallest and largest number of layers."""
    rule = f"a whole number from 1 to {_DEEPEST}, or two such as (1, 4)"
    if isinstance(depth, tuple | list):
        if len(depth) != 2:
            raise InvalidInput(f"depth must be {rule}, got depth={shown(depth)}")
        least = whole("depth", depth[0], rule.replace("from 1", "from 0"), 0, _DEEPEST)
        most = whole("depth", depth[1], rule, 1, _DEEPEST)
        if least >= most:
            raise InvalidInput(
                f"depth must go from fewer to more layers, as in depth=(1, 4), got depth={shown(depth)}; "
                f"a constant is depth={most}"
            )
        return least, most
    constant = whole("depth", depth, rule, 1, _DEEPEST)
    return constant, constant


def layers_of(
    params: Mapping[str, Any], *names: str, depth: int | None = None, prefix: str = ""
) -> list[dict[str, Any]]:
    """The params of each layer, in order, so that code which builds a net is one loop.

    Args:
        params: of a trial, such as `run.params`, from a space with `layers`.
        names: of the parameters of a layer. One that all layers share is in each of them; one that is inactive, by a
            condition of its own, in none.
        depth: number of layers where params do not hold it, since it is not searched. Default: it must be in params.
        prefix: the one given to `layers`. Default: none.

    Raises:
        InvalidInput: if no name is given, or the number of layers is unknown.

    >>> layers_of({"depth": 2, "units_1": 64, "units_2": 32, "dropout": 0.1}, "units", "dropout")
    [{'units': 64, 'dropout': 0.1}, {'units': 32, 'dropout': 0.1}]
    """
    if not isinstance(params, Mapping):
        raise InvalidInput(f"params must be those of a trial, such as run.params, got {shown(params)}")
    if not names:
        raise InvalidInput('layers_of needs the names of what a layer has, as in layers_of(params, "units", "dropout")')
    prefix = prefix_of(prefix)
    number = f"{prefix}depth"
    count = params.get(number, depth)
    if count is None:
        raise InvalidInput(
            f"params must hold {number}, got {', '.join(map(str, params))}; or say depth=, how many layers there are"
        )
    count = whole("depth", count, f"a whole number from 0 to {_DEEPEST}", 0, _DEEPEST)
    found = []
    for layer in range(1, count + 1):
        own = {name: (f"{prefix}{name}_{layer}", f"{prefix}{name}") for name in map(check_name, names)}
        found.append({name: params[key] for name, keys in own.items() for key in keys if key in params})
    return found
