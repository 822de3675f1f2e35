"""Checkpoints: one file per (trial, epoch), written atomically, read without running any code of theirs."""

import contextlib
import errno
import math
import os
import sys
import zlib
from collections.abc import Collection
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np

from welltempered.decide import Keeps
from welltempered.errors import CheckpointUnwritten, CorruptCheckpoint, InvalidInput
from welltempered.events import Origin
from welltempered.history import History

_TORCH, _PLAIN, _PART = ".pt", ".msgpack", ".part"
_ARRAY, _SCALAR, _TUPLE, _INTEGER = 1, 2, 3, 4
"""Codes of MessagePack extensions: NumPy arrays and scalars, and what MessagePack lacks of Python's plain values."""
_INTEGERS = range(-(2**63), 2**64)
"""Those that MessagePack has; random generators have states beyond."""
_BLOCK = 2**20
"""Bytes read at a time for a checksum."""
_NO_ROOM = "inline_container"
"""The part of torch that writes files, which names itself where that fails instead of raising an `OSError`."""
_NO_MEMORY = "can't allocate memory"
"""What torch says then."""
_SWEEP = 4
"""Checkpoints on disk before the first sweep; later sweeps follow whenever their number has doubled."""
_PLAIN_TYPES = (type(None), bool, int, float, str, bytes)


class Checkpoints:
    """The checkpoints of a study, as files `<trial>-<epoch>-<checksum>` in a folder.

    A state that holds PyTorch tensors is written by `torch.save` and read with `weights_only=True`; any other one,
    of NumPy arrays and plain values, as MessagePack. Never by pickle. The checksum in the name (CRC-32) tells a file
    that was truncated or has changed since.

    Args:
        folder: where they lie; made when the first one is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(self, trial: int, epoch: int, state: dict[str, Any]) -> int:
        """Write a state; the file appears whole or not at all. Returns its size in bytes.

        Raises:
            InvalidInput: if the state holds something that is no tensor, array or plain value.
            CheckpointUnwritten: if the file cannot be written: the disk is full, or the folder read-only.
        """
        torch = _torch_of(state)
        part = self.folder / f"{trial}-{epoch}.{os.getpid()}{_PART}"
        try:
            self.folder.mkdir(exist_ok=True)  # without parents: a study that was deleted must not come back half
            if torch is None:
                part.write_bytes(msgspec.msgpack.encode(_pack(state)))
            else:
                _save_tensors(torch, state, part)
            size = part.stat().st_size
            path = self.folder / f"{trial}-{epoch}-{_checksum(part)}{_PLAIN if torch is None else _TORCH}"
            before = self._paths(trial, epoch)
            part.replace(path)
            for old in before:  # of an epoch that is trained again
                if old != path:
                    old.unlink(missing_ok=True)
        except OSError as error:
            raise CheckpointUnwritten(
                f"checkpoints must be writable at {self.folder}, got: {error.strerror or error}; make room or allow "
                "writing, then run the study again"
            ) from error
        finally:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
        return size

    def load(self, trial: int, epoch: int) -> dict[str, Any]:
        """Read a state, tensors on the CPU.

        Raises:
            CorruptCheckpoint: if there is none, or it is damaged.
        """
        paths = self._paths(trial, epoch)
        if not paths:
            raise CorruptCheckpoint(
                f"trial {trial} must have a checkpoint of epoch {epoch} in {self.folder}, found none"
            )
        path = next(filter(_sound, paths), None)
        if path is None:
            raise CorruptCheckpoint(f"checkpoint {paths[0]} is damaged: its checksum is not the one in its name")
        try:
            if path.suffix == _PLAIN:
                state = msgspec.msgpack.decode(path.read_bytes(), ext_hook=_unpack, strict=False)
            else:
                import torch

                with torch.serialization.safe_globals(_numpy_parts()):
                    state = torch.load(path, map_location="cpu", weights_only=True)
        except (MemoryError, OSError):  # nothing is wrong with the file
            raise
        except Exception as error:
            if isinstance(error, RuntimeError) and _NO_MEMORY in str(error):
                raise MemoryError(str(error)) from error
            raise CorruptCheckpoint(f"checkpoint {path} cannot be read: {error}") from error
        loaded: dict[str, Any] = state
        return loaded

    def sound(self, trial: int, below: int, parent: Origin | None = None) -> int:
        """The last epoch before `below` from which the trial can go on; 0 if there is none.

        It has an undamaged checkpoint of that epoch, or it has begun with a parent's state, which is undamaged.
        """
        own = sorted((epoch for id, epoch in self.present() if id == trial and epoch < below), reverse=True)
        states = [(trial, epoch) for epoch in own]
        if parent is not None and parent.epoch < below:
            states.append((parent.trial, parent.epoch))
        return next((state[1] for state in states if any(map(_sound, self._paths(*state)))), 0)

    def present(self) -> set[tuple[int, int]]:
        """The (trial, epoch) of all checkpoints."""
        found = (_parsed(path) for path in self._paths())
        return {name for name in found if name is not None}

    def size(self) -> int:
        """Bytes on disk."""
        sizes = 0
        for path in self._paths():
            with contextlib.suppress(FileNotFoundError):  # swept meanwhile
                sizes += path.stat().st_size
        return sizes

    def delete(self, useless: Collection[tuple[int, int]]) -> None:
        """Delete the checkpoints with these (trial, epoch)."""
        for path in self._paths() if useless else ():
            if _parsed(path) in useless:
                path.unlink(missing_ok=True)

    def tidy(self) -> None:
        """Delete what writers have left unfinished that are gone; nobody may write meanwhile."""
        for part in self.folder.glob(f"*{_PART}"):
            part.unlink(missing_ok=True)

    def _paths(self, trial: int | None = None, epoch: int | None = None) -> list[Path]:
        pattern = "*-*-*" if trial is None else f"{trial}-{epoch}-*"
        return [path for path in self.folder.glob(pattern) if path.suffix in (_TORCH, _PLAIN)]


class Sweeper:
    """Deletes what nothing can need, now and then, so that its cost does not add up.

    Args:
        checkpoints: what it sweeps.
    """

    def __init__(self, checkpoints: Checkpoints) -> None:
        self._checkpoints = checkpoints
        self._count, self._due = 0, _SWEEP
        self._bytes = 0

    def due(self, saved: int, room: float) -> bool:
        """Whether their number has doubled since the last time, or they need more room than there is.

        Args:
            saved: bytes of a checkpoint that was just written.
            room: bytes that all may have.
        """
        self._count += 1
        self._bytes += saved
        return self._count >= self._due or self._bytes > room

    def sweep(self, history: History, keeps: Keeps, room: float) -> None:
        """Delete all that is `useless`."""
        present = self._checkpoints.present()
        gone = useless(present, history, keeps, room)
        self._checkpoints.delete(gone)
        self._count = len(present) - len(gone)
        self._due = max(_SWEEP, 2 * self._count)
        self._bytes = self._checkpoints.size() if room < math.inf else 0


def needed(history: History, keeps: Keeps, room: float = math.inf) -> dict[int, set[int]]:
    """Which checkpoints may still be needed, as trial -> epochs: a function of history and scheduler alone.

    Needed are the newest of trials that run, were interrupted or may be resumed, which is the parent's before they have
    one of their own; the states that new trials may begin with; the newest of the best among all others, which is the
    incumbent unless one of the former is; and the second newest of those that run or were interrupted, since a sudden
    end may damage the newest. Where they take more than `room` bytes, the second newest go first, then states for new
    trials, oldest first, then those of paused trials, worst loss first.
    """
    busy = sorted(history.running | history.interrupted)
    paused = {keep for keep in keeps if isinstance(keep, int)}.difference(busy)
    ranked = sorted(paused, key=lambda id: history.trials[id].loss)
    offered = {keep for keep in keeps if isinstance(keep, Origin) and history.offers(keep)}
    best = history.lowest({*busy, *paused})
    firm = busy if best is None else [*busy, best.id]
    order = [state for id in firm for state in _newest(history, id)[:1]]
    certain = len(order)
    order += [state for id in ranked for state in _newest(history, id)[:1]]
    order += sorted(offered, key=lambda state: (-state.epoch, state.trial))
    order += [state for id in busy for state in _newest(history, id)[1:2]]
    wanted: dict[int, set[int]] = {}
    for rank, state in enumerate(order):
        epochs = wanted.get(state.trial, set())
        if state.epoch in epochs:
            continue
        room -= history.saves(state.trial).get(state.epoch, 0)
        if room < 0 and rank >= certain:
            break
        wanted[state.trial] = epochs | {state.epoch}
    return wanted


def useless(
    present: Collection[tuple[int, int]], history: History, keeps: Keeps, room: float = math.inf
) -> set[tuple[int, int]]:
    """Which of the checkpoints on disk nothing can need; those of a running trial that it has not reported yet stay."""
    wanted = needed(history, keeps, room)
    unreported = {(id, epoch) for id, epoch in present if id in history.running and epoch > history.epoch(id)}
    return {(id, epoch) for id, epoch in present if epoch not in wanted.get(id, ())} - unreported


def _newest(history: History, trial: int) -> list[Origin]:
    """From what a trial can go on, last one first; the first of all is its parent's."""
    parent = history.parent(trial)
    own = [Origin(trial, epoch) for epoch in sorted(history.saves(trial), reverse=True)]
    return own if parent is None else [*own, parent]


def _parsed(path: Path) -> tuple[int, int] | None:
    trial, _, rest = path.stem.partition("-")
    epoch = rest.partition("-")[0]
    return (int(trial), int(epoch)) if trial.isdigit() and epoch.isdigit() else None


def _sound(path: Path) -> bool:
    try:
        return path.stem.rpartition("-")[2] == _checksum(path)
    except FileNotFoundError:  # swept meanwhile
        return False


def _checksum(path: Path) -> str:
    checksum = 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            checksum = zlib.crc32(block, checksum)
    return f"{checksum:08x}"


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
    try:
        torch.save(state, path)
    except RuntimeError as error:
        if _NO_ROOM not in str(error):
            raise
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
    find = getattr(torch.serialization, "get_unsafe_globals_in_checkpoint", None)
    with torch.serialization.safe_globals(_numpy_parts()):
        objects = find(path) if find else ()  # older versions of torch refuse when the trial goes on
    if objects:
        raise _refusal(", ".join(objects))


def _pack(value: Any) -> Any:
    """The value in words of MessagePack, refusing all that would come back as something else."""
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "biufcSUMm":
        # Sums depend on the order in memory, bit for bit.
        fortran = value.ndim > 1 and value.flags.f_contiguous and not value.flags.c_contiguous
        head = (value.dtype.str, value.shape, value.tobytes("F" if fortran else "C"), fortran)
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
    dtype, shape, raw, fortran = value
    order: Literal["C", "F"] = "F" if fortran else "C"
    array = np.frombuffer(raw, dtype).reshape(shape, order=order).copy(order)
    return array if code == _ARRAY else array[()]


def _refusal(what: str) -> InvalidInput:
    return InvalidInput(
        f"run.keep must be given tensors, arrays and plain values (numbers, texts, lists, dicts) or objects with "
        f"state_dict and load_state_dict, got {what}"
    )
