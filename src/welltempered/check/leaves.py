"""What the values of training code are made of, as short texts that can be compared across processes."""

import hashlib
import sys
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any

import numpy as np

HASHED = "<"
"""Texts of arrays, and of what is too long to be shown, begin with this."""
_SHORT = 40
"""Longest text that is shown as it is."""
_PLAIN = (type(None), bool, int, float, complex, str, bytes, np.generic, Enum)


def digest(value: Any) -> str | None:
    """A text that is the same for values that are equal bit for bit; `None` for values of other kinds.

    Plain values show themselves, of arrays and tensors the type, shape and a hash of the bytes are given.
    """
    if isinstance(value, _PLAIN):
        text = ascii(value)
        return text if len(text) <= _SHORT else _hashed(type(value).__name__, text.encode())
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        return _tensor(torch, value)
    if isinstance(value, np.ndarray) or (hasattr(value, "__array__") and hasattr(value, "dtype")):
        return _array(value)
    return None


def leaves(state: Any) -> dict[str, str]:
    """The leaves of nested dicts, lists and tuples, by a name for people: `lr of group 0`, `0.weight`."""
    return {_named(path): text for path, text in _leaves(state, ())}


def digest_of(state: Any) -> str:
    """One text for a whole nested state."""
    return _hashed("state", ascii(sorted(leaves(state).items())).encode())


def is_array(text: str) -> bool:
    """Whether a text of `digest` is that of an array with dimensions."""
    return text.startswith(HASHED) and "(" in text and "()" not in text


def _leaves(state: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(state, Mapping):
        for key, inner in state.items():
            yield from _leaves(inner, (*path, safe(key)))
    elif isinstance(state, list | tuple) and not all(isinstance(inner, _PLAIN) for inner in state):
        for index, inner in enumerate(state):
            yield from _leaves(inner, (*path, str(index)))
    else:
        text = digest(state)
        yield path, _hashed(type(state).__name__, ascii(state).encode()) if text is None else text


def safe(text: object) -> str:
    """The text in characters that any file can hold."""
    return str(text).encode("ascii", "backslashreplace").decode()


def _named(path: tuple[str, ...]) -> str:
    match path:  # the state of torch's optimizers is numbered
        case ("state", parameter, name):
            return f"{name} of parameter {parameter}"
        case ("param_groups", group, name):
            return f"{name} of group {group}"
    return ".".join(path)


def _tensor(torch: Any, value: Any) -> str:
    head = f"{str(value.dtype).removeprefix('torch.')} {tuple(value.shape)}"
    try:
        flat = value.detach().resolve_conj().resolve_neg().cpu().contiguous().reshape(-1)
        return _hashed(head, flat.view(torch.uint8).numpy())
    except (RuntimeError, TypeError, NotImplementedError):  # sparse, quantized, ...
        return _hashed(head, ascii(value.detach()).encode())


def _array(value: Any) -> str:
    try:
        array = np.asarray(value)
        if array.dtype.hasobject:
            raise TypeError
    except (RuntimeError, TypeError, ValueError):
        return _hashed(type(value).__name__, ascii(value).encode())
    return _hashed(f"{array.dtype} {array.shape}", np.ascontiguousarray(array).tobytes())


def _hashed(head: str, data: Any) -> str:
    return f"{HASHED}{head} {hashlib.blake2b(data, digest_size=12).hexdigest()}>"
