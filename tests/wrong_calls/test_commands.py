"""The command line called in a wrong way: what one types, and the sentence that one is told."""

import os
import re
import shutil
import sys

import pytest

import welltempered as wt
from telling import command, contents, program, sentence_of
from trainings import SECONDS, end, eventually, experiment
from trainings import program as start

EXPERIMENT = """
import time
import welltempered as wt


def train(run):
    run.keep()
    for epoch in run:
        time.sleep(run.params["pause"])
        run.report(error=run.params["x"] / epoch)


space = wt.Space(x=wt.Float(0, 1), pause=wt.Choice(0.0))
experiment = wt.Experiment(train, space, minimize="error", epochs=9, method=wt.Hyperband(wt.Random()))
mine = wt.Experiment(train, wt.Space(x=wt.Float(0, 1), pause=wt.Choice(0.1)), minimize="error", epochs=9)
"""
FILES = {
    "tuning.py": EXPERIMENT,
    "a b é.py": EXPERIMENT,
    "unnamed.py": EXPERIMENT.replace("experiment =", "another =").replace("mine =", "one ="),
    "syntax.py": "def f(:\n",
    "indented.py": "x = 1\n  y = 2\n",
    "binary.py": b"\x00\x01\xff",
    "latin.py": b"x = '\xe9'\n",
    "missing.py": "import no_such_package\n",
    "raising.py": "x = 1\n\nraise ValueError('one\\ntwo')\n",
    "speechless.py": "class E(Exception):\n    def __str__(self):\n        return 1 / 0\n\nraise E\n",
    "leaving.py": "import sys\nsys.exit()\n",
    "generating.py": "raise GeneratorExit\n",
    "endless.py": "def f():\n    f()\n\nf()\n",
    "lazy.py": "def __getattr__(name):\n    raise ValueError(name)\n",
    "number.py": "experiment = 3\n",
    "class_itself.py": "import welltempered as wt\nexperiment = wt.Experiment\n",
    "function.py": "import welltempered as wt\ndef experiment():\n    pass\n",
    "no_argument.py": EXPERIMENT.replace("def train(run)", "def train()"),
    "contradiction.py": "import welltempered as wt\nspace = wt.Space(x=wt.Float(2, 1))\n",
    "swapped.py": "import welltempered as wt\nwt.Experiment(wt.Space(x=wt.Float(0, 1)), 3, minimize='x', epochs=3)\n",
    "hiding/json.py": EXPERIMENT,
    "hiding/welltempered.py": EXPERIMENT,
    "notes.txt": "no program",
    "folder.py/inside.txt": "",
    "longer.py": EXPERIMENT.replace("epochs=9", "epochs=10"),
    "lock-is-folder/lock/file": "",
    "logs-is-file/logs": "",
    "database-is-folder/study.db/file": "",
}
LONG = "a" * 300
UNIT = "budget must be an amount and a unit, such as '200 epochs', ..., got "
TUNE = ["--budget", "3 epochs", "--workers", "0", "--path", "new"]
"""What is right of every call of the first table."""
UNIMPORTABLE = "must be a Python file that can be imported, got"
TARGETS = [
    ("nowhere.py", "FILE must be a Python file, found none at nowhere.py"),
    ("tuning", "FILE must be a Python file, found none at tuning"),
    ("folder.py", "FILE must be a Python file, found none at folder.py"),
    (".", "FILE must be a Python file, found none at ."),
    ("", "FILE must not be empty, got FILE=''; the folder one is in is '.'"),
    ("/dev/null", "FILE must be a Python file, found none at /dev/null"),
    ("pipe.py", "FILE must be a Python file, found none at pipe.py"),
    ("broken.py", "FILE must be a Python file, found none at broken.py"),
    (f"{LONG}.py", f"FILE must be a Python file, got {LONG}.py: File name too long"),
    (
        "~no_such_user/tuning.py",
        "FILE must be in a home folder that is known, got ~no_such_user/tuning.py; write it without ~",
    ),
    ("notes.txt", "FILE must be a Python file, got notes.txt"),
    ("tuning.py experiment", "FILE must be a Python file, found none at tuning.py experiment"),
    ("tuning.py:experiment:x", "FILE must be a Python file, found none at tuning.py:experiment"),
    ("tuning.py:no", "tuning.py must define an Experiment named no; it has experiment, mine"),
    ("tuning.py:train", "tuning.py must define an Experiment named train; it has experiment, mine"),
    ("a b é.py:no", "a b é.py must define an Experiment named no; it has experiment, mine"),
    ("unnamed.py", "unnamed.py must define an Experiment named experiment; it has another, one"),
    ("number.py", "number.py must define an Experiment named experiment; write: experiment = wt.Experiment(..."),
    ("class_itself.py", "class_itself.py must define an Experiment named experiment; write: experiment = ..."),
    ("function.py", "function.py must define an Experiment named experiment; write: experiment = ..."),
    ("syntax.py", f"syntax.py {UNIMPORTABLE} SyntaxError: invalid syntax (syntax.py, line 1)"),
    ("indented.py", f"indented.py {UNIMPORTABLE} IndentationError: unexpected indent (indented.py, line 2)"),
    ("binary.py", f"binary.py {UNIMPORTABLE} SyntaxError: source code string cannot contain null bytes"),
    ("latin.py", f"latin.py {UNIMPORTABLE} SyntaxError: (unicode error) 'utf-8' codec can't decode byte 0xe9 ..."),
    ("missing.py", f"missing.py {UNIMPORTABLE} ModuleNotFoundError: No module named 'no_such_package' (line 1)"),
    ("raising.py", f"raising.py {UNIMPORTABLE} ValueError: one two (line 3)"),
    ("speechless.py", f"speechless.py {UNIMPORTABLE} E: <exception str() failed> (line 5)"),
    ("leaving.py", f"leaving.py {UNIMPORTABLE} SystemExit (line 2)"),
    ("generating.py", f"generating.py {UNIMPORTABLE} GeneratorExit (line 1)"),
    ("endless.py", f"endless.py {UNIMPORTABLE} RecursionError: maximum recursion depth exceeded (line 2)"),
    ("lazy.py", f"lazy.py {UNIMPORTABLE} ValueError: experiment (line 2)"),
    (
        "no_argument.py",
        f"no_argument.py {UNIMPORTABLE} InvalidInput: train must be a function of one argument, ... (line 14)",
    ),
    (
        "contradiction.py",
        f"contradiction.py {UNIMPORTABLE} InvalidInput: low must be below high, got low=2.0, high=1.0 (line 2)",
    ),
    (
        "swapped.py",
        f"swapped.py {UNIMPORTABLE} InvalidInput: train must be ..., got Space( x=Float(0.0, 1.0), ) (line 2)",
    ),
    ("hiding/json.py", "FILE must not have the name of a module in use, got hiding/json.py, which hides it; rename it"),
    (
        "hiding/welltempered.py",
        "FILE must not have the name of a module in use, got hiding/welltempered.py, which hides it; ...",
    ),
]
OPTIONS = [
    *[
        (["--budget", text], f"{UNIT}{text!r}")
        for text in ("", "10", "-3 epochs", "10 parsecs", "1e9", "nan epochs", "NONE")
    ],
    (["--budget", "0 epochs"], "budget must be above zero, got '0 epochs'"),
    (["--budget", "1.5 trials"], "budget must be a whole number of trials, got '1.5 trials'"),
    (["--budget", "3 s, 4 s"], "budget must name each unit once, got '3 s, 4 s'"),
    (
        ["--budget", "9" * 400 + " epochs"],
        "budget must be a number that fits into a float, got '999...; None is no bound",
    ),
    (["--workers", "-1"], "workers must be a whole number in 0..1024, got workers=-1"),
    (["--workers", "9999"], "workers must be a whole number in 0..1024, got workers=9999"),
    (["--workers", "two"], "Invalid value for '--workers': ..."),
    (["--workers", "1.5"], "Invalid value for '--workers': ..."),
    (["--workers", ""], "Invalid value for '--workers': ..."),
    (["--path", ""], "Invalid value for '--path': it is empty; the folder one is in is '.'"),
    (["--path", "tuning.py"], "path must be a folder, got the file tuning.py"),
    (["--path", "pipe"], "path must be a folder, got the file pipe"),
    (["--path", "/dev/null"], "path must be a folder, got the file /dev/null"),
    (["--path", "broken"], "path must be a folder that can be made, got broken: File exists"),
    (["--path", "tuning.py/new"], "path must be a folder that can be made, got tuning.py/new: Not a directory"),
    (["--path", "/proc/new"], "path must be a folder that can be made, got /proc/new: No such file or directory"),
    (["--path", LONG], f"path must be a folder that can be made, got {LONG}: File name too long"),
    (["--path", "~no_such_user/new"], "path must be in a home folder that is known, got ~no_such_user/new; ..."),
    (
        ["--path", "database-is-folder"],
        "database-is-folder/study.db must be a database that can be written, got: ...; allow ...",
    ),
    (
        ["--path", "lock-is-folder"],
        "lock-is-folder/lock must be a file that can be written, got: Is a directory; allow ...",
    ),
    (
        ["--path", "logs-is-file", "--workers", "1"],
        "logs must be a folder that can be made, got logs-is-file/logs: File exists; ...",
    ),
    (["--bugdet", "3 epochs"], "No such option: --bugdet..."),
    (["more"], "Got unexpected extra argument..."),
    (["--budget"], "Option '--budget' requires an argument."),
]
OTHERS = [
    ("tune", "Missing argument 'FILE[:NAME]'."),
    ("tune tuning.py", "Missing option '--budget'."),
    ("tnue tuning.py", "No such command 'tnue'..."),
    ("--fast", "No such option: --fast..."),
    ("show", "Missing argument 'STUDY'."),
    ("best", "Missing argument 'STUDY'."),
    ("replay", "Missing argument 'STUDY'."),
    ("export", "Missing argument 'STUDY'."),
    ("show ''", "Invalid value for 'STUDY': it is empty; the folder one is in is '.'"),
    ("show done more", "Got unexpected extra argument..."),
    ("show done --jsn", "No such option: --jsn..."),
    ("show done --json=yes", "Option '--json' does not take a value."),
    ("replay done --verfy", "No such option: --verfy..."),
    ("best empty", "study empty must have a trial with a finite objective to have a best one, found none yet"),
    ("export done --format xml", "Invalid value for '--format': ..."),
    ("export done --format CSV", "Invalid value for '--format': ..."),
    ("export done --output ''", "Invalid value for '--output': it is empty; the folder one is in is '.'"),
    ("export done --output /", "output must be a file that can be written, got /: Is a directory"),
    (
        "export done --output no/such",
        "output must be a file that can be written, got no/such: No such file or directory",
    ),
    ("export done --output done", "output must be a file that can be written, got done: Is a directory"),
    (
        "export done --output /dev/full",
        "output must be a file that can be written, got /dev/full: No space left on device",
    ),
    (f"export done --output {LONG}", f"output must be a file that can be written, got {LONG}: File name too long"),
    ("export done -o rows.csv", "No such option: -o..."),
    ("undo", "Missing argument 'STUDY'."),
    ("undo done", "Missing argument 'ZOOM'."),
    ("undo done one", "Invalid value for 'ZOOM': ..."),
    ("undo done 1", "zoom must be the number of a zoom, but this study has made none, got zoom=1"),
    ("undo empty 1", "zoom must be the number of a zoom, but this study has made none, got zoom=1"),
    ("undo nowhere 1", "path must be the folder of a study, found no study.db in nowhere"),
    ("demo more", "Got unexpected extra argument..."),
    ("demo --data cifar", "Invalid value for '--data': ..."),
    ("demo --seed lucky", "Invalid value for '--seed': ..."),
    ("demo --workers two", "Invalid value for '--workers': ..."),
    ("demo --path ''", "Invalid value for '--path': it is empty; the folder one is in is '.'"),
]
for name in ("nowhere", "tuning.py", "done/study.db", "broken", "pipe", "/dev/null", "database-is-folder", LONG):
    OTHERS += [(f"{verb} {name}", f"path must be ... {name[:9]}...") for verb in ("show", "export")]
PROGRAMS = [TARGETS[0], TARGETS[20], TARGETS[22], TARGETS[27], TARGETS[31], TARGETS[34]]
"""Those that are called as a program of their own, too."""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with files that are no good, and two studies that are."""
    folder = tmp_path_factory.mktemp("home")
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    for name in ("pipe", "pipe.py"):
        os.mkfifo(folder / name)
    for name in ("broken", "broken.py"):
        (folder / name).symlink_to("gone")
    made = program(["tune", "tuning.py", "--budget", "12 epochs", "--workers", "0", "--path", "done"], folder)
    assert made.code == 0, made.err
    with wt.Study.create(experiment(), folder / "empty"):
        pass
    for name in ("lock-is-folder", "logs-is-file"):
        shutil.copy(folder / "done" / "study.db", folder / name / "study.db")
    return folder


@pytest.fixture
def refused(home, capsys, monkeypatch):
    """Check that a command is refused with this sentence and changes nothing."""
    monkeypatch.chdir(home)
    before = contents(home)

    def refused(arguments, sentence, *, alone=False):
        ended = program(arguments, home) if alone else command(arguments, capsys, monkeypatch)
        text = sentence_of(ended)
        assert re.fullmatch(".*".join(map(re.escape, sentence.split("..."))), text), text
        after = contents(home)
        after.pop("logs-is-file/lock", None)
        assert after == before

    yield refused
    (home / "logs-is-file" / "lock").unlink(missing_ok=True)


@pytest.mark.parametrize(("target", "sentence"), TARGETS)
def test_a_file_that_is_no_experiment_is_refused(refused, target, sentence):
    refused(["tune", target, *TUNE], sentence)


@pytest.mark.parametrize(("options", "sentence"), OPTIONS)
def test_a_wrong_option_is_refused(refused, options, sentence):
    longer = ["--budget", "90 epochs"] if "lock-is-folder" in options or "logs-is-file" in options else []
    refused(["tune", "tuning.py", *TUNE, *longer, *options], sentence)


@pytest.mark.parametrize(("line", "sentence"), OTHERS)
def test_a_wrong_command_is_refused(refused, line, sentence):
    refused([word.strip("'") for word in line.split(" ")], sentence)


@pytest.mark.parametrize(("target", "sentence"), PROGRAMS)
def test_the_program_itself_says_the_same(refused, target, sentence):
    refused(["tune", target, *TUNE], sentence, alone=True)


@pytest.mark.parametrize(("line", "sentence"), OTHERS[:12:2])
def test_the_program_itself_says_the_same_of_commands(refused, line, sentence):
    refused([word.strip("'") for word in line.split(" ")], sentence, alone=True)


def test_another_experiment_is_told_the_differences(home, capsys, monkeypatch):
    monkeypatch.chdir(home)
    before = contents(home)
    lines = sentence_of(command(["tune", "longer.py", *TUNE[:-1], "done"], capsys, monkeypatch)).splitlines()
    assert lines == [
        "study done was made with other settings:",
        "epochs: 9 -> 10",
        "restore them to continue it, or give another path to begin a new study",
    ]
    assert contents(home) == before


def test_a_study_that_runs_elsewhere_is_busy(home, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(home / "tuning.py", tmp_path)
    arguments = ["tune", "tuning.py:mine", "--budget", "none", "--workers", "0", "--path", "study"]
    running = start(tmp_path, "from welltempered.cli import main; main()", *arguments)
    eventually((tmp_path / "study" / "checkpoints").exists, SECONDS)
    text = sentence_of(command(arguments, capsys, monkeypatch))
    way_out = "look at it with `welltempered show --follow`, or wait until it ends"
    assert text == f"study study is being run by process {running.pid}; {way_out}"
    end(running)
    assert command(["replay", "study", "--verify"], capsys, monkeypatch).code == 0
    assert "tuning" not in sys.modules
