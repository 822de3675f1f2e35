"""Checkpoints: one file per (trial, epoch), written atomically, read without running any code of theirs."""

import math
import os
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from welltempered.errors import CorruptCheckpoint, InvalidInput
from welltempered.history import History

_TORCH, _PLAIN, _PART = ".pt", ".msgpack", ".part"
_ARRAY, _SCALAR, _TUPLE, _INTEGER = 1, 2, 3, 4
"""Codes of MessagePack extensions: NumPy arrays and scalars, and what MessagePack lacks of Python's plain values."""
_INTEGERS = range(-(2**63), 2**64)
"""Those that MessagePack has; random generators have states beyond."""
_PLAIN_TYPES = (type(None), bool, int, float, str, bytes)


class Checkpoints:
    """The checkpoints of a study, as files `<trial>-<epoch>` in a folder.

    A state that holds PyTorch tensors is written by `torch.save` and read with `weights_only=True`; any other one,
    of NumPy arrays and plain values, as MessagePack. Never by pickle.

    Args:
        folder: where they lie; made when the first one is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(self, trial: int, epoch: int, state: dict[str, Any]) -> Path:
        """Write a state; the file appears whole or not at all.

        Raises:
            InvalidInput: if the state holds something that is no tensor, array or plain value.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        torch = _torch_of(state)
        path = self.folder / f"{trial}-{epoch}{_PLAIN if torch is None else _TORCH}"
        part = path.with_name(f"{path.name}.{os.getpid()}{_PART}")
        try:
            if torch is None:
                part.write_bytes(msgspec.msgpack.encode(_pack(state)))
            else:
                _save_tensors(torch, state, part)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
        return path

    def load(self, trial: int, epoch: int) -> dict[str, Any]:
        """Read a state, tensors on the CPU.

        Raises:
            CorruptCheckpoint: if there is none, or it cannot be read.
        """
        path = self._path(trial, epoch)
        try:
            if path.suffix == _PLAIN:
                state = msgspec.msgpack.decode(path.read_bytes(), ext_hook=_unpack, strict=False)
            else:
                import torch

                with torch.serialization.safe_globals(_numpy_parts()):
                    state = torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:
            raise CorruptCheckpoint(f"checkpoint {path} cannot be read: {error}") from error
        loaded: dict[str, Any] = state
        return loaded

    def latest(self, trial: int, at_most: int) -> int:
        """The last epoch up to `at_most` at which the trial has a checkpoint; 0 if there is none."""
        return max((epoch for id, epoch in self.present() if id == trial and epoch <= at_most), default=0)

    def present(self) -> set[tuple[int, int]]:
        """The (trial, epoch) of all checkpoints."""
        found = set()
        for path in self.folder.glob("*-*") if self.folder.is_dir() else ():
            trial, _, epoch = path.stem.partition("-")
            if path.suffix in (_TORCH, _PLAIN) and trial.isdigit() and epoch.isdigit():
                found.add((int(trial), int(epoch)))
        return found

    def sweep(self, needed: Mapping[int, int]) -> int:
        """Delete all but those of the given trials from the given epoch on; returns how many are left."""
        present = self.present()
        useless = {(trial, epoch) for trial, epoch in present if epoch < needed.get(trial, math.inf)}
        for trial, epoch in useless:
            for suffix in (_TORCH, _PLAIN):
                (self.folder / f"{trial}-{epoch}{suffix}").unlink(missing_ok=True)
        return len(present) - len(useless)

    def tidy(self) -> None:
        """Delete what writers have left unfinished that are gone; nobody may write meanwhile."""
        for part in self.folder.glob(f"*{_PART}"):
            part.unlink(missing_ok=True)

    def _path(self, trial: int, epoch: int) -> Path:
        for suffix in (_TORCH, _PLAIN):
            path = self.folder / f"{trial}-{epoch}{suffix}"
            if path.exists():
                return path
        raise CorruptCheckpoint(f"trial {trial} must have a checkpoint of epoch {epoch} in {self.folder}, found none")


def needed(history: History, keeps: Collection[int]) -> dict[int, int]:
    """Which checkpoints may still be needed, as trial -> first epoch: a function of history and scheduler alone.

    Needed are those of trials that run (from the epoch their lease began with: should the worker die, they go on from
    there), were interrupted or may be resumed, and of the best among all others, which is the incumbent unless one of
    the former is.
    """
    unsettled = history.running | history.interrupted | set(keeps)
    best = history.lowest(unsettled)
    trials = [history.trials[id] for id in unsettled] + ([best] if best else [])
    return {trial.id: trial.since if trial.running else trial.epoch for trial in trials}


def _torch_of(state: Any) -> Any:
    """The torch module if the state holds a tensor, without importing torch for those who do not use it."""
    torch = sys.modules.get("torch")
    return torch if torch is not None and _holds(state, torch.Tensor) else None


def _holds(state: Any, kind: type) -> bool:
    if isinstance(state, dict):
        return any(_holds(value, kind) for value in state.values())
    if isinstance(state, list | tuple):
        return any(_holds(value, kind) for value in state)
    return isinstance(state, kind)


def _numpy_parts() -> list[Any]:
    """What a NumPy array is made of, allowed beside tensors in a `weights_only` file: no objects, no code."""
    array, scalar = np.empty(0).__reduce__()[0], np.float64().__reduce__()[0]
    dtypes = {type(np.dtype(code)) for code in np.typecodes["All"] if code not in "OV"}
    return [array, scalar, np.ndarray, np.dtype, *dtypes]


def _save_tensors(torch: Any, state: dict[str, Any], path: Path) -> None:
    """Write a state that holds tensors, and refuse now what `weights_only` would refuse when the trial goes on."""
    torch.save(state, path)
    find = getattr(torch.serialization, "get_unsafe_globals_in_checkpoint", None)
    with torch.serialization.safe_globals(_numpy_parts()):
        objects = find(path) if find else ()  # older versions of torch refuse when the trial goes on
    if objects:
        raise _refusal(", ".join(objects))


def _pack(value: Any) -> Any:
    """The value in words of MessagePack, refusing all that would come back as something else."""
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "biufcSUMm":
        head = (value.dtype.str, value.shape, np.ascontiguousarray(value).tobytes())
        return _extension(_ARRAY if isinstance(value, np.ndarray) else _SCALAR, head)
    if type(value) is int and value not in _INTEGERS:
        return _extension(_INTEGER, str(value))
    if type(value) in _PLAIN_TYPES:
        return value
    if isinstance(value, dict) and all(type(key) in _PLAIN_TYPES for key in value):
        return {key: _pack(inner) for key, inner in value.items()}
    if isinstance(value, tuple):
        return _extension(_TUPLE, [_pack(inner) for inner in value])
    if isinstance(value, list):
        return [_pack(inner) for inner in value]
    raise _refusal(type(value).__name__)


def _extension(code: int, value: Any) -> msgspec.msgpack.Ext:
    return msgspec.msgpack.Ext(code, msgspec.msgpack.encode(value))


def _unpack(code: int, data: memoryview) -> Any:
    if code not in (_ARRAY, _SCALAR, _TUPLE, _INTEGER):
        raise CorruptCheckpoint(f"extension of a checkpoint must be in {_ARRAY}..{_INTEGER}, got {code}")
    value = msgspec.msgpack.decode(data, ext_hook=_unpack)
    if code == _TUPLE:
        return tuple(value)
    if code == _INTEGER:
        return int(value)
    dtype, shape, raw = value
    array = np.frombuffer(raw, dtype).reshape(shape).copy()
    return array if code == _ARRAY else array[()]


def _refusal(what: str) -> InvalidInput:
    return InvalidInput(
        f"run.keep must be given tensors, arrays and plain values (numbers, texts, lists, dicts) or objects with "
        f"state_dict and load_state_dict, got {what}"
    )
