"""Parameters of the net itself: how many layers, how many units in each."""

import difflib
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from welltempered.checks import flag, prefix_of, shown, whole
from welltempered.errors import InvalidInput
from welltempered.presets.common import check_name, own_values, with_default
from welltempered.space import Choice, Int, Parameter

_NARROWEST = 4
"""Units: with fewer, a layer loses what most data sets say, and each power of two below would take a tenth of the
trials."""

_DEEPEST = 1000
"""Layers: each gets parameters of its own, and no plain net is as deep."""

_CLOSE = 0.8
"""How much alike two names are that are one, misspelt: less than that, and one may be inactive beside the other."""

_LARGEST = 2**38
"""Units, above any net's; twice as many is a range that an Int can have."""


def units(
    low: int | None = None,
    high: int | None = None,
    *,
    n_in: int | None = None,
    n_out: int | None = None,
    default: int | None = None,
) -> Int:
    """The number of units of a hidden layer: a number times a power of two, around Heaton's rules of thumb.

    His rules: between the sizes of output and input; two thirds of the input plus the output; less than twice the
    input. They know neither the data nor how many examples there are, so the range is wider than they are: a prior, no
    wall.

    Args:
        low: the smallest. Default: half of the smaller of input and output, but at least 4, as a power of two.
        high: the largest, at least twice low. Default: twice the input, or what the second rule says if that is more,
            as a power of two; images that are flattened whole make this large: give it.
        n_in: size of the net's input, as its first dense layer sees it. Needed unless low and high are given.
        n_out: size of its output. Needed unless low and high are given.
        default: the number that `Space.defaults` takes. Default: the one nearest to the second rule's.

    Raises:
        InvalidInput: if a size or bound is below 1, or neither sizes nor bounds are given.

    Source: Heaton, "Introduction to Neural Networks for Java", 2008, chapter 5.

    >>> units(n_in=784, n_out=10)
    Int(4, 2048, scale='log', step=2, default=512)
    """
    own_values("units", low)
    given = {"low": low, "high": high, "n_in": n_in, "n_out": n_out}
    sizes = {name: size if size is None else size_of(name, size) for name, size in given.items()}
    low, high, usual = _range(**sizes)
    if high < 2 * low:
        way_out = f"a constant is Choice({low}, means='units')" if low == high else f"such as high={2 * low}"
        sides = f"; sizes of input and output are n_in={low}, n_out={high}" if high < low else ""
        raise InvalidInput(f"high must be at least twice low, got {low=}, {high=}; {way_out}{sides}")
    made = Int(low, high, scale="log", step=2, means="units")
    return with_default(made, default, None if usual is None else _nearest(made.values(), usual))


def size_of(name: str, value: object) -> int:
    """The size of an input or output, or a number of units.

    Raises:
        InvalidInput: if it is no whole number of at least 1; a shape gets told its size.
    """
    if isinstance(value, list | tuple) and value and all(isinstance(side, int) for side in value):
        raise InvalidInput(
            f"{name} must be a whole number of at least 1, got {name}={shown(value)}; of a shape it is the product, "
            f"{name}={math.prod(value)}"
        )
    return whole(name, value, "a whole number of at least 1", 1, _LARGEST)


def _range(low: int | None, high: int | None, n_in: int | None, n_out: int | None) -> tuple[int, int, float | None]:
    """The range, and what the second rule says, if the sizes are known."""
    if n_in is None or n_out is None:
        if low is None or high is None:
            given = {"low": low, "high": high, "n_in": n_in, "n_out": n_out}
            raise InvalidInput(
                "units needs the sizes of input and output, as in units(n_in=784, n_out=10), or low and high, "
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
        Parameters by name, for a `Space`: `Space(optimizer("sgd"), layers(units=units(16, 256)), batch=batch_size())`.
        There are `depth`, and for each parameter `name_1`, `name_2`, ... or the name itself if it is shared.
        `layers_of` reads them.

    Raises:
        InvalidInput: if depth is no number or range of layers, what is given is no parameter, or nothing is given.

    >>> from welltempered.presets.regularisation import dropout
    >>> for name, parameter in layers((1, 2), units=units(n_in=64, n_out=10), dropout=dropout()).items():
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
    if not per_layer:
        raise InvalidInput(
            f"layers needs parameters of a layer, as in layers({shown(depth)}, units=units(16, 256)); a depth alone is "
            'Int(1, 4, means="depth")'
        )
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
            raise InvalidInput(f"{name} must be a parameter of a layer, such as units(16, 256), got {shown(parameter)}")
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
        InvalidInput: if no name is given, one is not there but nearly (`"unit"` for `"units"`), or the number of layers
            is unknown.

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
    _check_meant(params, names, prefix)
    found = []
    for layer in range(1, count + 1):
        own = {name: (f"{prefix}{name}_{layer}", f"{prefix}{name}") for name in map(check_name, names)}
        found.append({name: params[key] for name, keys in own.items() for key in keys if key in params})
    return found


def _check_meant(params: Mapping[str, Any], names: Sequence[str], prefix: str) -> None:
    """Refuse a name of which params have nothing, but something of nearly the same name that nobody asks for."""
    there = {re.sub(r"_\d+$", "", str(key).removeprefix(prefix)) for key in params if str(key).startswith(prefix)}
    for name in map(check_name, names):
        close = difflib.get_close_matches(name.lower(), there.difference(names), n=1, cutoff=_CLOSE)
        if name not in there and close:
            raise InvalidInput(f"params have no {name!r} of a layer: did you mean {close[0]!r}?")
