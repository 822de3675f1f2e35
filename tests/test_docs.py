"""The documentation is tested: its Python runs, its commands exist, its tables are complete."""

import itertools
import os
import re
import shlex
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest

from pages import PICTURES, blocks, pictures, script, shown

ROOT = Path(__file__).parents[1]
PAGES = [
    path
    for path in (
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *sorted((ROOT / "docs").glob("*.md")),
    )
    if path.exists()
]
SECONDS = 900  # for one page; the tour trains for half a minute, and other tests want the processor, too
SOURCE = ROOT / "src" / "welltempered"


def run(arguments, folder):
    """Run Python in a folder, with this checkout's package and a wide, colourless terminal."""
    environment = os.environ | {
        "PYTHONPATH": str(ROOT / "src"),
        "COLUMNS": "200",
        "NO_COLOR": "1",
        "TERM": "dumb",
    }
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


WITH_PYTHON = [page for page in PAGES if script(page).strip()]
COMMANDS = [
    pytest.param(words, id=f"{page.name}:{' '.join(words)}")
    for page in PAGES
    for block in blocks(page, "console")
    for line in block.code.replace("\\\n", " ").splitlines()
    if line.startswith("$ ")
    if (words := shlex.split(line.removeprefix("$ "), comments=True))
]


@pytest.mark.parametrize("page", WITH_PYTHON, ids=lambda page: page.name)
def test_python_of_the_page_runs(page, tmp_path):
    program = tmp_path / f"{page.stem}_page.py"  # not that of a package, such as keras
    program.write_text(script(page), encoding="utf-8")
    done = run([program.name], tmp_path)
    assert done.returncode == 0, f"{page.name} (same line numbers):\n{done.stderr or done.stdout}"
    assert pictures(page) <= {path.name for path in tmp_path.iterdir()}, "its program draws all that it shows"


def test_the_pictures_there_are_are_those_the_pages_show():
    assert {path.name for path in PICTURES.glob("*")} == set().union(*map(shown, PAGES)), "make pictures"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_block_that_does_not_run_says_why(page):
    for block in blocks(page, "python"):
        if block.skip is not None:
            assert re.fullmatch(r"not run: \S.*", block.skip, re.DOTALL), (
                f"{page.name}, line {block.line}: write <!-- not run: the reason -->"
            )


@cache
def help_of(command):
    """Return the exit status and the text of `welltempered COMMAND --help`."""
    start = "import sys; from welltempered.cli import main; sys.argv[0] = 'welltempered'; main()"
    done = run(["-c", start, *command, "--help"], ROOT)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("words", COMMANDS)
def test_command_of_the_page_exists(words):
    program, *arguments = words
    if program == "make":
        targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
        assert {word for word in arguments if "=" not in word} <= set(targets)
    if program == "welltempered" and (SOURCE / "cli.py").exists():
        status, text = help_of(tuple(arguments[:1]) if arguments[:1] != ["--help"] else ())
        assert status == 0, text
        for word in arguments:
            if word.startswith("-"):
                assert word.split("=")[0] in text, f"{word} is no option of {' '.join(words)}"


def dependencies():
    """Return the names of the packages that pyproject.toml asks for, extras included."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = itertools.chain(*project["optional-dependencies"].values())
    names = {re.match(r"[\w-]+", wanted)[0] for wanted in [*project["dependencies"], *extras]}
    return {name.lower() for name in names - {project["name"]}}


def test_every_dependency_is_explained():
    table = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8").lower()
    rows = re.findall(r"^\| ([\w-]+) ", table.replace("pytorch", "torch"), re.MULTILINE)
    missing = dependencies() - set(rows)
    assert not missing, f"docs/dependencies.md needs a row for {missing}"


def test_every_dependency_is_pinned():
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8").lower()
    missing = dependencies() - set(re.findall(r"^([\w-]+)==", pins, re.MULTILINE))
    assert not missing, f"constraints.txt needs a pin for {missing}"
