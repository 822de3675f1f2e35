"""The peers that take part: who they are, and how their processes are started."""

import hashlib
import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from benchmarks.peers import python_of
from benchmarks.tables.peer import Peer

ALL = "all"
_TABLE = "benchmarks.adapters.methods"
_FOLDER = Path(__file__).parents[1] / "adapters"


class Method(Protocol):
    """A line of the adapters' table of methods, `METHODS`: name -> line."""

    @property
    def environment(self) -> str:
        """Name of the environment it runs in, see `python_of`."""

    @property
    def module(self) -> str:
        """The adapter that plays it, `benchmarks.adapters.<module>`."""

    @property
    def resumes(self) -> bool:
        """Whether it continues a trial where it stopped."""


def peers(names: Sequence[str]) -> list[Peer]:
    """The peers of these names; their environments are made if needed.

    Args:
        names: of methods in the adapters' table; "all" is all of them.

    Raises:
        SystemExit: if there is none of a name, or its environment cannot be made.
    """
    if not names:
        return []
    table: Mapping[str, Method] = importlib.import_module(_TABLE).METHODS
    unknown = [name for name in names if name not in (ALL, *table)]
    if unknown:
        raise SystemExit(f"--peers: there is no {', '.join(unknown)}; there are {ALL}, {', '.join(table)}")
    return [peer_of(name, method) for name, method in table.items() if name in names or ALL in names]


def peer_of(name: str, method: Method) -> Peer:
    """How a method's process is started, and a digest of what plays it: the adapters and its pinned versions."""
    python = python_of(method.environment)
    texts = [path.read_bytes() for path in sorted(_FOLDER.glob("*.py")) if _concerns(path, method)]
    texts += [path.read_bytes() for path in sorted(python.parents[1].glob("*.txt"))]  # the pins it was made of
    version = hashlib.sha256(b"".join(texts)).hexdigest()[:12]
    return Peer(name, (str(python), "-m", f"benchmarks.adapters.{method.module}"), method.resumes, version)


def _concerns(path: Path, method: Method) -> bool:
    """Whether it is the method's own adapter, or what adapters share: what cannot be started, without the table."""
    shared = path.stem != "methods" and '__name__ == "__main__"' not in path.read_text()
    return shared or path.stem == method.module
