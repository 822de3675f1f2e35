"""What a training loop holds in its variables: objects with a state, random generators, arrays, numbers."""

import random
import re
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType, SimpleNamespace
from typing import Any

import msgspec
import numpy as np

from welltempered.check.leaves import digest, digest_of, is_array, leaves, safe

STATEFUL, GENERATOR, ARRAY, WORKERS, ITERATOR, PLAIN, MODE = range(7)
"""Kinds of things; the lower, the likelier it matters if one was forgotten."""
_DEEP = 3
"""Attributes and items that are followed: `trainer.nets['encoder'].rate`."""
_MOST, _LONG = 20_000, 1_000
"""Things that are looked at, and items of one list or dict."""
_SHARED = (bool, int, float, complex, str, bytes, type(None))
"""Plain values, of which one may serve several variables."""
_OPAQUE = (type, ModuleType, FunctionType, MethodType, BuiltinFunctionType)
_FOREIGN = {*sys.stdlib_module_names, "numpy", "torch", "welltempered"} - {"__main__"}
"""Packages whose objects are left alone, unless they are of a kind that is known here."""


class Thing(msgspec.Struct, frozen=True):
    """What a variable, an attribute or an item was at a moment.

    Attributes:
        kind: one of the above.
        leaves: a text of `digest` for each of its parts.
        way: how `run.keep` is given it, as code; empty if there is no good way.
        kept: the name by which `run.keep` was given it; empty if it was not.
        overwritten: whether the loop assigns it before it reads it.
        shared: whether it is a global.
    """

    kind: int
    leaves: dict[str, str]
    way: str = ""
    kept: str = ""
    overwritten: bool = False
    shared: bool = False


class Root(msgspec.Struct, frozen=True):
    """A variable to begin with."""

    name: str
    value: Any
    overwritten: bool = False
    shared: bool = False


def things(roots: Iterable[Root], kept: Mapping[int, str], without: Iterable[object] = ()) -> dict[str, Thing]:
    """All that can be reached from some variables, by name; what comes first in breadth gives the shortest names.

    Args:
        roots: the variables.
        kept: what `run.keep` was given, by `id`.
        without: objects to leave out.
    """
    queue = deque((root, root.value, safe(root.name), 0) for root in roots)
    seen = {id(value) for value in without}
    found: dict[str, Thing] = {}
    while queue and len(found) < _MOST:
        root, value, name, depth = queue.popleft()
        if name in found or id(value) in seen:
            continue
        if not (plain := isinstance(value, _SHARED)):
            seen.add(id(value))
        thing = _quietly(partial(_thing, name, value))
        if thing is not None:
            found[name] = msgspec.structs.replace(
                thing, kept=kept.get(id(value), ""), overwritten=root.overwritten, shared=root.shared
            )
        if depth < _DEEP and not plain:
            parts = _quietly(lambda name=name, value=value: list(_parts(name, value))) or ()
            queue.extend((root, part, safe(inner), depth + 1) for inner, part in parts)
    return found


def _thing(name: str, value: Any) -> Thing | None:
    if isinstance(value, _OPAQUE):
        return None
    for look in (_stateful, _random, _moving, _leaf, _container):
        thing = look(name, value)
        if thing is not None:
            return thing
    return None


def _stateful(name: str, value: Any) -> Thing | None:
    if not (callable(getattr(value, "state_dict", None)) and callable(getattr(value, "load_state_dict", None))):
        return None
    return Thing(STATEFUL, leaves(value.state_dict()), f"{_key(name)}={name}")


def _random(name: str, value: Any) -> Thing | None:
    generator = _generator(name, value)
    return generator and Thing(GENERATOR, {"the state": str(digest_of(generator[0]))}, f"{_key(name)}=({generator[1]})")


def _moving(_name: str, value: Any) -> Thing | None:
    """What has a place that cannot be seen: iterators, but no open files, and workers of a loader that persist."""
    if getattr(value, "persistent_workers", False) is True:
        return Thing(WORKERS, {})
    return Thing(ITERATOR, {}) if hasattr(value, "__next__") and not hasattr(value, "fileno") else None


def _leaf(name: str, value: Any) -> Thing | None:
    text = digest(value)
    if text is None:
        return None
    if is_array(text):
        return Thing(ARRAY, {"": text}, f"{_key(name)}=(lambda: {name}, {_array_setter(name, value)})")
    return Thing(MODE if name.endswith(".training") else PLAIN, {"": text}, _plain_way(name))


def _container(name: str, value: Any) -> Thing | None:
    if not isinstance(value, dict | list | tuple | deque | set):
        return None
    what = digest_of(sorted(map(ascii, value))) if isinstance(value, set) else f"{type(value).__name__} of {len(value)}"
    if isinstance(value, dict):
        way = f"{_key(name)}=(lambda: dict({name}), {name}.update)"
    else:
        way = f"{_key(name)}=(lambda: list({name}), {name}.extend)" if isinstance(value, list) else ""
    return Thing(PLAIN, {"": what}, way)


def _generator(name: str, value: Any) -> tuple[Any, str] | None:
    """The state of a random generator, and code that gets and sets it."""
    if isinstance(value, random.Random):
        return value.getstate(), f"{name}.getstate, {name}.setstate"
    if isinstance(value, np.random.Generator | np.random.BitGenerator):
        bits: Any = getattr(value, "bit_generator", value)
        place = name if bits is value else f"{name}.bit_generator"
        return bits.state, f'lambda: {place}.state, lambda state: setattr({place}, "state", state)'
    if isinstance(value, np.random.RandomState) or hasattr(value, "initial_seed"):
        return value.get_state(), f"{name}.get_state, {name}.set_state"
    return None


def _array_setter(name: str, value: Any) -> str:
    return f"{name}.copy_" if hasattr(value, "copy_") else f"lambda value: np.copyto({name}, value)"


def _plain_way(name: str) -> str:
    if name.endswith("']"):  # an item of a dict, which is kept as a whole
        owner = name[: name.rindex("[")]
        return f"{_key(owner)}=(lambda: dict({owner}), {owner}.update)"
    owner, dot, attribute = name.rpartition(".")
    return f'{_key(name)}=(lambda: {name}, lambda value: setattr({owner}, "{attribute}", value))' if dot else ""


def _key(name: str) -> str:
    """A name for `run.keep`: the last word of `self.nets['encoder']`."""
    words = [word for word in re.findall(r"\w+", name) if word.isidentifier()]
    return words[-1] if words else "state"


def _parts(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        items = list(value.items()) if len(value) <= _LONG else []
        yield from ((f"{name}[{key!r}]", inner) for key, inner in items if isinstance(key, str | int))
    elif isinstance(value, list | tuple | deque):
        yield from ((f"{name}[{index}]", inner) for index, inner in enumerate(value) if len(value) <= _LONG)
    elif callable(getattr(value, "named_modules", None)) and not isinstance(value, type):
        for path, module in value.named_modules():
            yield from _attributes(f"{name}.{path}" if path else name, module, _module_insides())
    else:
        yield from _attributes(name, value, ())


def _attributes(name: str, value: Any, insides: Iterable[str]) -> Iterator[tuple[str, Any]]:
    """The attributes of an object of the user's; of the objects of torch those that matter here."""
    module = type(value).__module__
    mine = module.partition(".")[0] not in _FOREIGN or isinstance(value, SimpleNamespace)
    data = module.startswith("torch.utils.data")
    if isinstance(value, _OPAQUE) or not hasattr(value, "__dict__"):
        return
    for attribute, inner in list(vars(value).items()):
        public = not attribute.startswith("__" if mine else "_") and attribute not in insides
        if public and (mine or data or attribute == "training"):
            yield f"{name}.{attribute}", inner


def _module_insides() -> set[str]:
    """The attributes that torch itself gives a module, without `training`."""
    torch: Any = sys.modules["torch"]
    return {*vars(torch.nn.Module())} - {"training"}


def _quietly(get: Any) -> Any:
    """What a function of the user's returns; `None` if it cannot be asked just now."""
    try:
        return get()
    except Exception:  # noqa: BLE001 - to look must not break what is looked at
        return None
