"""Imports only point down, heavy packages are loaded by few modules and never at the start."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = "welltempered"
SOURCE = Path(__file__).parents[1] / "src" / PACKAGE

# The map. A new file or folder of src/welltempered gets its line here.
LAYERS = {
    "errors": 0,
    "expression": 0,
    "space": 0,
    "presets": 0,
    "annealing": 0,
    "objective": 0,
    "events": 0,
    "budget": 0,
    "limits": 0,
    "checks": 0,
    "history": 1,
    "repeats": 1,
    "trial": 1,
    "decide": 1,
    "method": 1,
    "searchers": 2,
    "surrogates": 2,
    "schedulers": 2,
    "auto": 2,
    "experiment": 2,
    "header": 2,
    "replay": 2,
    "table": 2,
    "advice": 2,
    "log": 3,
    "checkpoints": 3,
    "forks": 3,
    "lock": 3,
    "turn": 3,
    "folders": 3,
    "run": 3,
    "lease": 3,
    "seeds": 3,
    "frameworks": 3,
    "jax": 3,
    "keras": 3,
    "lightning": 3,
    "execute": 3,
    "sweep": 3,
    "driver": 4,
    "study": 4,
    "check": 5,
    "kerastuner": 5,
    "__main__": 5,
    "cli": 5,
    "script": 5,
    "tune": 5,
    "view": 5,
    "plots": 5,
    "demo": 5,
    "testing": 5,
}

# Who may import what is slow to import or not always installed. Nobody imports it at the start:
# `import welltempered` must not load any of them.
HEAVY = {
    "torch": ["run", "checkpoints", "frameworks", "sweep", "demo", "keras"],
    "keras": ["frameworks", "keras", "kerastuner"],
    "tensorflow": ["keras"],
    "jax": ["jax", "keras"],
    "lightning": ["lightning"],
    "pytorch_lightning": ["lightning"],
    "ray": [],
    "sklearn": ["demo"],
    "plotly": [],
    "matplotlib": ["plots"],
    "pandas": ["study", "table"],
    "scipy": ["searchers.sobol", "searchers.gp", "schedulers.frozen", "surrogates"],
    "threadpoolctl": ["surrogates"],
    "cmaes": ["searchers.cma"],
    "sqlalchemy": ["log.sql"],
    "typer": ["cli"],
    "rich": ["view"],
}

# Other packages that any module may import. All are described in docs/dependencies.md.
LIGHT = {"cloudpickle", "msgspec", "numpy", "psutil"}


@dataclass(frozen=True)
class Import:
    """One imported module, and where: `importer` and `imported` are dotted names."""

    importer: str
    imported: str
    line: int
    at_start: bool  # runs when the importer is imported: neither in a function nor TYPE_CHECKING

    def __str__(self) -> str:
        return f"{self.importer} (line {self.line}) imports {self.imported}"


def name_of(path: Path) -> str:
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {name_of(path): path for path in sorted(SOURCE.rglob("*.py"))}


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def statements(node: ast.AST, *, at_start: bool = True) -> Iterator[tuple[ast.AST, bool]]:
    """Walk a syntax tree and say of every node whether it runs when the module is imported."""
    for child in ast.iter_child_nodes(node):
        lazy = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        now = at_start and not lazy and not is_type_checking(child)
        yield child, now
        yield from statements(child, at_start=now)


def imported_names(node: ast.AST, module: str, *, is_folder: bool) -> list[str]:
    """Return the dotted names a statement imports, relative ones resolved."""
    match node:
        case ast.Import(names=names):
            return [alias.name for alias in names]
        case ast.ImportFrom(module=base, names=names, level=level):
            if level:
                parents = module.split(".")
                parents = parents[: len(parents) - level + is_folder]
                base = ".".join([*parents, *([base] if base else [])])
            submodules = [f"{base}.{alias.name}" for alias in names]
            return [name if name in FILES else str(base) for name in submodules]
        case ast.Call(args=[ast.Constant(value=str(name)), *_], func=function) if ast.unparse(function).endswith(
            ("import_module", "__import__")
        ):
            return [name]
    return []


def imports_of(module: str, path: Path) -> Iterator[Import]:
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    for node, at_start in statements(tree):
        for name in imported_names(node, module, is_folder=path.name == "__init__.py"):
            yield Import(module, name, getattr(node, "lineno", 0), at_start)


IMPORTS = [found for module, path in FILES.items() for found in imports_of(module, path)]


def unit(module: str) -> str:
    """Return the line of the map a module belongs to: `welltempered.log.sql` is in `log`."""
    return module.split(".")[1]


def layer(module: str) -> int:
    """Return a module's layer; the top of the package stands on the highest one."""
    return LAYERS[unit(module)] if module != PACKAGE else max(LAYERS.values())


def is_mapped(module: str) -> bool:
    return module == PACKAGE or (is_ours(module) and unit(module) in LAYERS)


def is_ours(name: str) -> bool:
    return name.split(".", maxsplit=1)[0] == PACKAGE


@pytest.mark.parametrize("module", [name for name in FILES if name != PACKAGE])
def test_every_file_has_a_layer(module):
    assert unit(module) in LAYERS, (
        f"{module} is in no layer: add {unit(module)!r} to LAYERS in tests/test_layers.py "
        "and to the picture in docs/architecture.md"
    )


def test_imports_only_point_down():
    upward = [
        str(found)
        for found in IMPORTS
        if found.importer != PACKAGE
        and is_mapped(found.importer)
        and is_mapped(found.imported)
        and layer(found.imported) > layer(found.importer)
    ]
    assert not upward, "these imports point up: " + "; ".join(upward)


def needed(found: Import) -> Iterator[str]:
    """Return what an import runs: the module, and the folders above that do not run already."""
    parts = found.imported.split(".")
    for end in range(2, len(parts) + 1):
        name = ".".join(parts[:end])
        if name == found.imported or not f"{found.importer}.".startswith(f"{name}."):
            yield name


def test_no_module_needs_itself_to_be_imported():
    graph: dict[str, set[str]] = {}
    for found in IMPORTS:
        if found.at_start and found.imported in FILES and found.importer != PACKAGE:
            graph.setdefault(found.importer, set()).update(needed(found))
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail("a cycle of imports: " + " needs ".join(reversed(error.args[1])))


def test_private_names_stay_in_their_module():
    taken = [
        f"{module} takes {alias.name} from {node.module}"
        for module, path in FILES.items()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.level or is_ours(str(node.module)))
        for alias in node.names
        if alias.name.startswith("_")
    ]
    assert not taken, "give these a public name or move them: " + "; ".join(taken)


def test_heavy_packages_are_imported_by_their_few_modules_only():
    strays = []
    for found in IMPORTS:
        package = found.imported.split(".")[0]
        inside = found.importer.removeprefix(f"{PACKAGE}.")
        owners = HEAVY.get(package, [inside])
        if not any(f"{inside}.".startswith(f"{owner}.") for owner in owners):
            strays.append(str(found))
    assert not strays, "not allowed by HEAVY in tests/test_layers.py: " + "; ".join(strays)


def test_every_other_package_is_known():
    known = {*HEAVY, *LIGHT, *sys.stdlib_module_names, PACKAGE}
    strays = [str(found) for found in IMPORTS if found.imported.split(".")[0] not in known]
    assert not strays, "add to HEAVY or LIGHT in tests/test_layers.py: " + "; ".join(strays)


def test_importing_the_package_loads_nothing_heavy_nor_the_kit_for_tests():
    script = f"import sys, {PACKAGE}; print(*{{name.split('.')[0] for name in sys.modules}}, *sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", script],
        env={"PYTHONPATH": str(SOURCE.parent)},
        capture_output=True,
        text=True,
        check=True,
    )
    heavy = {*HEAVY, f"{PACKAGE}.testing"}.intersection(loaded.stdout.split())
    assert not heavy, f"import {PACKAGE} loads {heavy}: import them inside functions"
