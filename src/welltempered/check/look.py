"""The look at a training loop from inside of its worker process, at the moment at which an epoch begins."""

import dis
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Literal

import msgspec

from welltempered.check.leaves import leaves
from welltempered.check.things import Root, Thing, things
from welltempered.experiment import Train
from welltempered.run import Run

_ACCESS = re.compile(r"(LOAD|STORE)_(?:FAST|DEREF|NAME)")
_LIBRARIES = ("site-packages", "dist-packages")


class Look(msgspec.Struct, frozen=True):
    """What was seen.

    Attributes:
        things: what the variables of the training loop, and of the functions that called it, held.
        kept: the state that was kept, as leaves by the names given to `run.keep`; `None` if it was never called.
        restored: the same right after `run.keep` had restored it, where it did.
        built: the names under which `run.build_optimizer` has kept what it built, so nobody needs to.
    """

    things: dict[str, Thing]
    kept: dict[str, dict[str, str]] | None
    restored: dict[str, dict[str, str]]
    built: tuple[str, ...] = ()


class Watched:
    """Training code that is looked at: as an argument of an executor it takes the place of the code itself.

    Args:
        train: the training code.
        folder: where `look_of` finds what was seen.
        epoch: the look is taken when this epoch begins.
    """

    def __init__(self, train: Train, folder: Path, epoch: int) -> None:
        self._train = train
        self._folder = folder
        self._epoch = epoch

    def __call__(self, run: Run) -> None:
        """Train."""
        self._train(_Watching(run, self._folder, self._epoch))


def look_of(folder: Path, trial: int) -> Look | None:
    """What was seen in a trial; `None` if it did not come that far."""
    path = _path(folder, trial)
    return msgspec.json.decode(path.read_bytes(), type=Look) if path.exists() else None


def _path(folder: Path, trial: int) -> Path:
    return folder / f"{trial}.look"


class _Watching(Iterator[int]):
    """A run that notes what is kept and looks at who iterates it; all else is the run itself."""

    def __init__(self, run: Run, folder: Path, epoch: int) -> None:
        self._run = run
        self._path = _path(folder, run.trial)
        self._at = epoch
        self._started = False
        self._getters: dict[str, Callable[[], Any]] | None = None
        self._kept: dict[int, str] = {}
        self._built: list[str] = []
        self._restored: dict[str, dict[str, str]] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._run, name)

    def keep(self, **state: Any) -> None:
        self._run.keep(**state)
        getters = {name: kept[0] if isinstance(kept, tuple) else kept.state_dict for name, kept in state.items()}
        self._getters = {**(self._getters or {}), **getters}
        self._kept |= {id(kept): name for name, kept in state.items() if not isinstance(kept, tuple)}
        if self._run.epoch:
            self._restored |= {name: leaves(get()) for name, get in getters.items()}

    def build_optimizer(
        self,
        parameters: Any,
        *,
        optimizer: str | None = None,
        steps: int | None = None,
        horizon: Literal["full", "lease"] = "full",
        prefix: str = "",
    ) -> Any:
        """What it keeps goes through `keep` of this one, so that it is noted."""
        run: Any = self
        before = {*(self._getters or {})}
        built = Run.build_optimizer(run, parameters, optimizer=optimizer, steps=steps, horizon=horizon, prefix=prefix)
        self._built += [name for name in self._getters or {} if name not in before]
        return built

    def __next__(self) -> int:
        if not self._started and self._getters is None:
            self._run.keep()  # so that training goes on, and what it has forgotten can be seen
        self._started = True
        epoch = next(self._run)
        if epoch == self._at:
            self._look(sys._getframe(1))
        return epoch

    def _look(self, frame: FrameType) -> None:
        kept = None if self._getters is None else {name: leaves(get()) for name, get in self._getters.items()}
        look = Look(things(_roots(frame), self._kept, (self, self._run)), kept, self._restored, tuple(self._built))
        part = self._path.with_suffix(".part")
        part.write_bytes(msgspec.json.encode(look))
        part.replace(self._path)


def _roots(frame: FrameType | None) -> list[Root]:
    """The variables of the loop and of all that called it, innermost first; then the globals of their files."""
    frames: list[FrameType] = []
    while frame is not None and frame.f_code is not _OUR_CODE:
        frames.append(frame)
        frame = frame.f_back
    theirs = [frame for frame in frames if not any(part in frame.f_code.co_filename for part in _LIBRARIES)]
    found: list[Root] = []
    shared: dict[str, Any] = {}
    for frame in theirs or frames:
        overwritten = _overwritten(frame.f_code, frame.f_lasti)
        found += [Root(name, value, overwritten=name in overwritten) for name, value in frame.f_locals.items()]
        shared |= {name: value for name, value in frame.f_globals.items() if not name.startswith("__")}
    return found + [Root(name, value, shared=True) for name, value in shared.items()]


def _overwritten(code: CodeType, place: int) -> set[str]:
    """The variables that code assigns before it reads them, from a place in it on: what they held does not matter."""
    first: dict[str, str] = {}
    for instruction in dis.get_instructions(code):
        if instruction.offset <= place:
            continue
        names = instruction.argval if isinstance(instruction.argval, tuple) else (instruction.argval,)
        for name, access in zip(names, _ACCESS.findall(instruction.opname), strict=False):
            first.setdefault(name, access)
    return {name for name, access in first.items() if access == "STORE"}


_OUR_CODE = Watched.__call__.__code__
