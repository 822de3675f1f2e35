"""How wrong calls are checked: one sentence with the way out, exit code 2, no traceback, no damage."""

import re
import subprocess
import sys
from dataclasses import dataclass

import pytest

import welltempered as wt
from trainings import SECONDS, environment
from welltempered.cli import main

COMMAND = [sys.executable, "-P", "-c", "from welltempered.cli import main; main()"]
CHANGING = re.compile(r"(__pycache__|study\.db-(wal|shm))")
"""What comes and goes without being anybody's data."""


def told(call, sentence):
    """Check that a call is refused with this sentence, in one line; `...` in it stands for anything."""
    with pytest.raises(wt.WelltemperedError) as error:
        call()
    text = str(error.value)
    pattern = ".*".join(map(re.escape, sentence.split("...")))
    assert re.fullmatch(pattern, text), text
    assert "\n" not in text
    assert len(text) < 500


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


def command(arguments, capsys, monkeypatch):
    """Call the command line in this process, and forget the modules that it has imported."""
    before = dict(sys.modules)
    monkeypatch.setattr(sys, "argv", ["welltempered", *arguments])
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("COLUMNS", "400")
    capsys.readouterr()
    code = 0
    try:
        main()
    except SystemExit as end:
        code = end.code or 0
    for name in sys.modules.keys() - before.keys():
        if not hasattr(sys.modules[name], "__path__") and "." not in name:
            del sys.modules[name]
    said = capsys.readouterr()
    return Ended(code, said.out, said.err)


def program(arguments, cwd):
    """Call the command line as users do: in a process of its own."""
    done = subprocess.run(
        [*COMMAND, *arguments], cwd=cwd, env=environment(), capture_output=True, timeout=SECONDS, check=False
    )
    return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())


def sentence_of(ended):
    """Return the sentence of a refused command; what usage and boxes typer draws around its own is left out."""
    assert ended.code == 2, ended
    assert ended.out == ""
    assert "Traceback" not in ended.err
    lines = [line.strip("│ ") for line in ended.err.splitlines()]
    lines = [line for line in lines if line and not line.startswith(("Usage: ", "Try ", "╭", "╰")) and "·" not in line]
    begin = next(
        (at for at, line in enumerate(lines) if line.startswith("error: ")), 0
    )  # after a method that was chosen
    return "\n".join(lines[begin:]).removeprefix("error: ")


def contents(folder):
    """Return what lies below a folder: names and bytes, links and kinds of things."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if CHANGING.search(name):
            continue
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}"
        else:
            found[name] = path.read_bytes() if path.is_file() else path.is_dir()
    return found
