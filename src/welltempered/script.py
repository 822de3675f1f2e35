"""The experiment of a Python file, for the command line."""

import importlib.util
import sys
import traceback
from pathlib import Path

from welltempered.checks import path_of
from welltempered.errors import InvalidInput
from welltempered.experiment import Experiment


def experiment_of(target: str) -> tuple[Experiment, str]:
    """The experiment of `FILE[:NAME]`, and the file's stem; its folder can be imported from, here and in workers."""
    name, _, attribute = target.rpartition(":") if ".py:" in target else (target, "", "")
    file = path_of("FILE", name)
    try:
        found_file = file.is_file()
    except OSError as error:
        raise InvalidInput(f"FILE must be a Python file, got {file}: {error.strerror}") from None
    if not found_file:
        raise InvalidInput(f"FILE must be a Python file, found none at {file}")
    hidden = sys.modules.get(file.stem)
    if file.stem in sys.stdlib_module_names or (hidden and getattr(hidden, "__file__", None) != str(file.absolute())):
        raise InvalidInput(f"FILE must not have the name of a module in use, got {file}, which hides it; rename it")
    sys.path.insert(0, str(file.parent.absolute()))
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None:
        raise InvalidInput(f"FILE must be a Python file, got {file}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module
    try:
        spec.loader.exec_module(module)
        found = getattr(module, attribute or "experiment", None)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - the user's file may raise anything
        del sys.modules[file.stem]
        raise InvalidInput(f"{file} must be a Python file that can be imported, got {_where(error, file)}") from None
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
    try:
        text = " ".join(str(error).split())
    except Exception:  # noqa: BLE001 - the user's class may do anything
        text = "<exception str() failed>"  # as Python says it
    return f"{type(error).__name__}{': ' if text else ''}{text}{place}"
