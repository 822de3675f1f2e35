"""Who takes part: which program in which environment, and what a run of it depends on."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers import python_of

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
OURS = "welltempered"
"""Name of our own environment: it is made as those of peers are, and holds nothing of them that would be imported."""
_QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}


@dataclass(frozen=True)
class Entrant:
    """A program of the race.

    Args:
        title: in tables.
        module: the program, `benchmarks.article.<module>`.
        peer: name of its environment, see `python_of`.
        backend: of Keras, where it matters.
        arguments: further ones.
        several: whether it trains in a process per core.
        daemons: whether it starts processes that it does not wait for, so that nobody can say what they have computed.
    """

    title: str
    module: str
    peer: str = OURS
    backend: str | None = None
    arguments: tuple[str, ...] = ()
    several: bool = False
    daemons: bool = False

    @property
    def ours(self) -> bool:
        """Whether it is no peer."""
        return self.peer == OURS

    @property
    def command(self) -> list[str]:
        """How it is started, but for what it is given; its environment is made if needed."""
        return [str(python_of(self.peer)), "-m", f"benchmarks.article.{self.module}"]

    def environment(self, folder: Path) -> Mapping[str, str]:
        """Variables of its process. Compiled programs are kept in the folder, so none is there when it begins."""
        kept = {name: text for name, text in os.environ.items() if not name.startswith(("JAX_", "KERAS_", "OMP_"))}
        keras = {"KERAS_BACKEND": self.backend} if self.backend else {}
        cache = {"XDG_CACHE_HOME": str(folder / "cache")}
        return {**kept, **_QUIET, **keras, **cache, "PYTHONPATH": str(ROOT)}

    @property
    def version(self) -> str:
        """A digest of what plays it: its pins, its program with what that imports of this folder, and our package."""
        programs = [HERE / f"{name}.py" for name in (self.module, *_SHARED)]
        texts = [path.read_bytes() for path in (*programs, HERE.parent / "pins" / f"{self.peer}.txt")]
        if self.ours:
            sources = [HERE / "ours.py", *sorted((ROOT / "src").rglob("*.py"))]
            texts += [path.read_bytes() for path in sources]
        own = json.dumps([self.module, self.peer, self.backend, self.arguments]).encode()
        return hashlib.sha256(b"".join([own, *texts])).hexdigest()[:12]


_SHARED = ("task", "keras_net", "torch_net")

REFERENCE = "kerastuner-tensorflow"
ENTRANTS: Mapping[str, Entrant] = {
    REFERENCE: Entrant("KerasTuner, TensorFlow", "keras_tuner", "kerastuner-tf", "tensorflow"),
    "kerastuner-jax": Entrant("KerasTuner, JAX", "keras_tuner", "kerastuner-jax", "jax"),
    "optuna": Entrant("Optuna TPE + Hyperband, PyTorch", "optuna_torch", "optuna-gp"),
    "optuna-processes": Entrant(
        "the same, a process per core", "optuna_torch", "optuna-gp", arguments=("0",), several=True
    ),
    "ray": Entrant("Ray Tune ASHA, PyTorch, a trial per core", "ray_torch", "ray", several=True, daemons=True),
    "keras": Entrant("welltempered, Keras on JAX", "ours_keras", backend="jax"),
    "keras-processes": Entrant(
        "the same, a process per core", "ours_keras", backend="jax", arguments=("workers",), several=True
    ),
    "keras-auto": Entrant(
        'the same, method="auto"', "ours_keras", backend="jax", arguments=("workers", "auto"), several=True
    ),
    "front-door": Entrant(
        "KerasTuner's script, import changed", "keras_tuner", backend="jax", arguments=("welltempered.kerastuner",)
    ),
    "torch": Entrant("welltempered, PyTorch", "ours_torch"),
    "torch-processes": Entrant("the same, a process per core", "ours_torch", arguments=("workers",), several=True),
}
