"""The experiment of a Python file, for the command line."""

import importlib.util
import sys
import traceback
from pathlib import Path

from welltempered.errors import InvalidInput
from welltempered.experiment import Experiment


def experiment_of(target: str) -> tuple[Experiment, str]:
    """The experiment of `FILE[:NAME]`, and the file's stem; its folder can be imported from, here and in workers."""
    name, _, attribute = target.rpartition(":") if ".py:" in target else (target, "", "")
    file = Path(name)
    if not file.is_file():
        raise InvalidInput(f"FILE must be a Python file, found none at {file}")
    sys.path.insert(0, str(file.parent.absolute()))
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None:
        raise InvalidInput(f"FILE must be a Python file, got {file}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the user's file may raise anything
        raise InvalidInput(f"{file} must be a Python file that can be imported, got {_where(error, file)}") from None
    found = getattr(module, attribute or "experiment", None)
    if not isinstance(found, Experiment):
        others = [key for key, value in vars(module).items() if isinstance(value, Experiment)]
        hint = f"it has {', '.join(others)}" if others else "write: experiment = wt.Experiment(train, space, ...)"
        raise InvalidInput(f"{file} must define an Experiment named {attribute or 'experiment'}; {hint}")
    return found, file.stem


def _where(error: BaseException, file: Path) -> str:
    """An error in one line, with the user's line that it comes from."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == str(file.absolute())]
    place = f" (line {lines[-1]})" if lines else ""  # a SyntaxError says its line itself
    return f"{type(error).__name__}: {error}{place}"
