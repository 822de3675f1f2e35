"""The command line: what it prints for people and for programs, and one sentence for every mistake."""

import csv
import io
import json
import re
import shlex
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

import welltempered as wt
from trainings import SECONDS, end, environment, eventually, interrupt, program, steady

COMMAND = [sys.executable, "-c", "from welltempered.cli import main; main()"]
SERVER = """
    import contextlib
    import io
    import json
    import os
    import sys
    from welltempered.cli import main

    def call(arguments, folder, variables):
        out, err = io.StringIO(), io.StringIO()
        sys.argv = ["welltempered", *arguments]
        os.chdir(folder)
        os.environ.update(variables)
        code = 0
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                main()
            except SystemExit as end:
                code = end.code or 0
        return code, out.getvalue(), err.getvalue()

    for line in sys.stdin:
        print(json.dumps(call(*json.loads(line))), flush=True)
"""
EXPERIMENT = """
import time
import welltempered as wt


def train(run):
    state = {"x": 0.0}
    run.keep(state=(lambda: dict(state), state.update))
    for epoch in run:
        time.sleep(run.params["pause"])
        state["x"] += run.params["x"] / epoch
        run.report(error=state["x"], half=state["x"] / 2)


space = wt.Space(x=wt.Float(0, 1), act=wt.Choice("relu[bold]", ":smile:", "[/red]"), pause=wt.Choice(0.0, 1e-9))
experiment = wt.Experiment(train, space, minimize="error", epochs=9, method=wt.Hyperband(wt.Random()))
slow = wt.Experiment(
    train,
    wt.Space(x=wt.Float(0, 1), pause=wt.Choice(0.1, 0.11)),
    minimize="error",
    epochs=9,
    method=wt.Hyperband(wt.Random()),
)
"""


@dataclass(frozen=True)
class Done:
    """What a call of the program came to."""

    returncode: int
    stdout: str
    stderr: str


def run(*arguments, cwd):
    """Call the program in a process of its own."""
    command = [*COMMAND, *map(str, arguments)]
    options = {"capture_output": True, "text": True, "timeout": SECONDS}
    done = subprocess.run(command, cwd=cwd, env=environment(), check=False, **options)
    return Done(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def call(tmp_path_factory):
    """The program as a function: one process, whose start takes a second, for all calls that leave by themselves."""
    server = program(tmp_path_factory.mktemp("server"), SERVER, shared=True)

    def call(*arguments, cwd, columns=80):
        line = json.dumps([list(map(str, arguments)), str(cwd), {"COLUMNS": str(columns)}])
        server.stdin.write(f"{line}\n")
        server.stdin.flush()
        return Done(*json.loads(server.stdout.readline()))

    yield call
    end(server)


@pytest.fixture(scope="module")
def printed(call):
    """The same for commands that must succeed without a word on standard error: returns what they print."""

    def printed(*arguments, code=0, **options):
        done = call(*arguments, **options)
        assert (done.returncode, done.stderr) == (code, "")
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", done.stdout), "no control characters but in a terminal"
        return done.stdout

    return printed


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with a file of experiments and a study of fifty epochs."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "tuning.py").write_text(EXPERIMENT)
    done = run("tune", "tuning.py", "--budget", "50 epochs", "--workers", 0, cwd=folder)
    assert done.returncode == 0, done.stderr
    (folder / "said.txt").write_text(done.stderr)
    (folder / "shown.txt").write_text(done.stdout)
    return folder


STUDY = "studies/tuning"


# -------------------------------------------------------------------- what it does


def test_tune_trains_shows_the_study_and_says_what_comes_next(home, printed):
    assert (home / STUDY / "study.db").exists()
    said = (home / "said.txt").read_text().splitlines()
    assert re.fullmatch(r"100% · best error [\d.]+ \(trial \d+\) · 1\d trials · 50 epochs · \d\.\d s", said[0])
    assert said[-1] == f"next: welltempered best {STUDY} --json"
    assert (home / "shown.txt").read_text() == printed("show", STUDY, cwd=home)


def test_the_console_script_is_the_same_program(home, printed):
    script = Path(sys.executable).with_name("welltempered")
    if not script.exists():
        pytest.skip("the package is not installed")
    options = {"capture_output": True, "text": True, "timeout": SECONDS}
    done = subprocess.run([script, "best", STUDY], cwd=home, env=environment(), check=True, **options)
    assert done.stdout == printed("best", STUDY, cwd=home)


def test_tune_trains_once_and_then_shows_in_processes_of_its_own(tmp_path):
    (tmp_path / "my-tuning.py").write_text(EXPERIMENT)
    arguments = ["tune", tmp_path / "my-tuning.py:experiment", "--workers", 2, "--path", "there", "--json"]
    found = []
    for epochs in (20, 20):
        done = run(*arguments, "--budget", f"{epochs} epochs", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        found.append(json.loads(done.stdout))
        assert found[-1]["epochs"] == epochs
    assert found[0] == found[1]
    assert sorted(path.name for path in (tmp_path / "there" / "logs").iterdir())


def test_check_says_that_training_continues_exactly(home, call):
    done = call("check", "tuning.py", "--trials", 3, cwd=home)
    assert (done.returncode, done.stdout.splitlines()) == (
        0,
        [
            "training continues exactly",
            "trained: 6 epochs twice, and 3 + 3 in two processes, for 3 settings of the params",
            "compared bit for bit: 36 numbers reported, 3 parts of the state kept (57 B)",
        ],
    )
    assert done.stderr.splitlines()[-1] == "going on in another process for 3"


def test_check_names_what_was_forgotten(call, printed, tmp_path):
    (tmp_path / "forgetful.py").write_text(
        EXPERIMENT.replace("run.keep(state=(lambda: dict(state), state.update))", "")
    )
    found = json.loads(printed("check", "forgetful.py", "--json", code=1, cwd=tmp_path))
    (trial,) = found["trials"]
    assert (found["exact"], trial["exact"], found["epochs"], found["stop"]) == (False, False, 6, 3)
    assert trial["problem"].startswith("train never calls run.keep, so nothing is restored when a trial continues\n")
    done = call("check", "forgetful.py", "--epochs", 2, cwd=tmp_path)
    assert done.returncode == 1
    for line in (
        "state['x'] differs (0.0 instead of 0.5) when epoch 2 begins; did you pass it to run.keep?",
        "    run.keep(state=(lambda: dict(state), state.update))",
        "first effect: error of epoch 2 is 0.25 instead of 0.75",
        "for training that cannot continue, say resumable=False",
    ):
        assert line in done.stdout.splitlines()


def test_show_tells_programs_the_same_as_people(home, printed):
    shown = json.loads(printed("show", STUDY, "--json", cwd=home))
    with wt.Study.open(home / STUDY, readonly=True) as study:
        assert shown == {
            "objective": "minimize error",
            "method": "Hyperband(Random())",
            "why": None,
            "seed": 0,
            "trials": len(study.trials),
            "running": 0,
            "epochs": 50,
            "seconds": study.history.clock,
            "best": {
                "trial": study.best.id,
                "value": study.best.value,
                "epoch": study.best.epoch,
                "params": study.best.params,
                "found": study.best.reports[-1].at,
            },
            "zooms": [],
            "failed": {},
            "status": "finished: the budget of 50 epochs is used",
            "runs": False,
            "budget": {"epochs": 50.0},
            "command": study.note.command,
        }
    text = printed("show", STUDY, cwd=home)
    for word in ("minimize error", "Hyperband(Random())", "50 epochs", f"trial {shown['best']['trial']}"):
        assert word in text


def test_without_a_method_one_is_chosen_for_the_first_budget_said_and_kept(tmp_path, call):
    written = EXPERIMENT.replace("epochs=9, method=wt.Hyperband(wt.Random()))", "epochs=2)")
    (tmp_path / "nameless.py").write_text(written)
    for budget in ("1200 epochs, 0.001 s", "4 epochs"):
        arguments = ["tune", "nameless.py", "--budget", budget, "--workers", 0, "--json"]
        done = call(*arguments, cwd=tmp_path)
        why = "a full training has 2 epochs only, and the budget pays for 600 of them"
        assert done.stderr.splitlines()[0] == f"Full(TPE()): {why}"
        shown = json.loads(done.stdout)
        assert (shown["method"], shown["why"]) == ("Full(TPE())", why)
    assert shown["epochs"] == 4


def test_values_that_look_like_markup_are_shown_as_they_are(home, printed):
    with wt.Study.open(home / STUDY, readonly=True) as study:
        assert f"act    {study.best.params['act']}" in printed("show", STUDY, cwd=home)


@pytest.mark.parametrize("columns", [40, 60])
def test_a_narrow_terminal_is_wide_enough_to_show_a_study(home, columns, printed):
    lines = printed("show", STUDY, cwd=home, columns=columns).splitlines()
    assert max(map(len, lines)) <= columns
    text = "\n".join(lines)
    for word in ("error", "epoch", "paused", "best trials"):
        assert word in text


def test_best_gives_params_for_people_and_for_programs(home, printed):
    found = json.loads(printed("best", STUDY, "--json", cwd=home))
    with wt.Study.open(home / STUDY, readonly=True) as study:
        best = study.best
    assert found == {"trial": best.id, "error": best.value, "epoch": best.epoch, "params": best.params}
    lines = printed("best", STUDY, cwd=home).splitlines()
    assert lines[0] == f"trial {best.id}: error {best.value} after epoch {best.epoch}"
    assert lines[1:] == [f"  {name} = {value!r}" for name, value in best.params.items()]


def test_replay_derives_every_decision_again(home, printed):
    found = json.loads(printed("replay", STUDY, "--verify", "--json", cwd=home))
    with wt.Study.open(home / STUDY, readonly=True) as study:
        events = len(study.history.events)
        decisions = sum(isinstance(event, wt.Started | wt.Resumed) for event in study.history.events)
    assert found == {"events": events, "decisions": decisions, "verified": True, "differences": []}
    text = printed("replay", STUDY, "--verify", cwd=home)
    assert f"{decisions} decisions derived again, 0 differ from the log" in text
    assert "derived" not in printed("replay", STUDY, cwd=home)


def test_replay_exits_with_one_where_a_decision_differs(home, tmp_path, printed):
    log = wt.Sql(tmp_path / "study.db")
    with wt.Study.open(home / STUDY, readonly=True) as study:
        log.append(0, [study.header, wt.Started(0, {"x": 0.5, "act": ":smile:", "pause": 0.0}, 1)])
    log.close()
    text = printed("replay", tmp_path, "--verify", cwd=tmp_path, code=1)
    assert "1 decisions derived again, 1 differ from the log" in text
    assert 'event 1: recorded {"event":"started","trial":0' in text
    assert len(json.loads(printed("replay", tmp_path, "--verify", "--json", cwd=tmp_path, code=1))["differences"]) == 1
    printed("replay", tmp_path, cwd=tmp_path)


def test_export_writes_rows_as_csv_and_json(home, tmp_path, printed):
    with wt.Study.open(home / STUDY, readonly=True) as study:
        rows = study.rows()
    assert json.loads(printed("export", STUDY, "--format", "json", cwd=home)) == rows
    text = printed("export", STUDY, cwd=home)
    table = list(csv.DictReader(io.StringIO(text)))
    assert [{name: str(value) for name, value in row.items()} for row in rows] == table
    assert printed("export", STUDY, "--output", tmp_path / "rows.csv", cwd=home) == ""
    assert (tmp_path / "rows.csv").read_text() == text


@pytest.fixture(scope="module")
def population(tmp_path_factory):
    """Return the folder of a study whose best trial has a parent."""
    folder = tmp_path_factory.mktemp("population")
    space = wt.Space(x=wt.Float(0, 1))
    experiment = wt.Experiment(
        print, space, minimize="loss", epochs=6, method=wt.PBT(wt.Sobol(), population=4, every=2)
    )
    with wt.Study.create(experiment, folder / "study") as study:
        study.drive(wt.Simulator(lambda line, _: {"loss": line[-1].params["x"] - len(line)}, lineage=True), budget=None)
        assert study.best.parent
    return folder


def test_lineages_are_shown_and_the_schedule_of_the_best_exported(population, printed):
    with wt.Study.open(population / "study", readonly=True) as study:
        best, stages, rows = study.best, study.stages(), study.rows()
    assert [stage["trial"] for stage in stages] == [stage.trial for stage in best.lineage]
    assert json.loads(printed("export", "study", "--format", "stages", cwd=population)) == stages
    assert json.loads(printed("best", "study", "--json", cwd=population))["stages"] == stages
    assert json.loads(printed("show", "study", "--json", cwd=population))["best"]["stages"] == stages
    lineage = ", ".join(f"trial {stage['trial']} to epoch {stage['last']}" for stage in stages)
    assert lineage in printed("show", "study", cwd=population)
    first = stages[0]
    text = printed("best", "study", cwd=population)
    assert f"epochs 1 to {first['last']}, trial {first['trial']}\n  x = {first['params']['x']!r}" in text
    assert rows[best.id]["parent"] == best.parent.trial
    found = printed("trials", "study", "--where", f"parent == {best.parent.trial} and inherited >= 2", cwd=population)
    assert "inherited" in found


def test_export_writes_the_events_as_they_are_in_the_log(home, printed):
    lines = printed("export", STUDY, "--format", "events", cwd=home).splitlines()
    with wt.Study.open(home / STUDY, readonly=True) as study:
        assert len(lines) == 1 + len(study.history.events)
    assert json.loads(lines[0])["event"] == "header"
    assert json.loads(lines[1])["event"] == "started"


def test_a_reader_that_has_seen_enough_is_no_error(home):
    command = " ".join([*[f"'{word}'" for word in COMMAND], "export", STUDY, "--format", "events"])
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f"{command} | head -1"],
        cwd=home,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.stderr == ""
    assert json.loads(done.stdout)["event"] == "header"


def test_a_running_study_can_be_shown_exported_and_replayed_and_is_busy(tmp_path, printed):
    (tmp_path / "tuning.py").write_text(EXPERIMENT)
    text = "from welltempered.cli import main; main()"
    arguments = ["tune", "tuning.py:slow", "--budget", "none", "--workers", 1, "--path", "study"]
    running = program(tmp_path, text, *arguments)
    eventually(lambda: epochs_of(tmp_path / "study") >= 3)
    shown = json.loads(printed("show", "study", "--json", cwd=tmp_path))
    assert shown["running"] == 1
    assert shown["runs"]
    assert shown["status"].startswith(f"running in process {running.pid} on ")
    assert "running" in printed("show", "study", cwd=tmp_path)
    assert json.loads(printed("replay", "study", "--verify", "--json", cwd=tmp_path))["differences"] == []
    assert len(printed("export", "study", cwd=tmp_path).splitlines()) > 1
    busy = run(*arguments, cwd=tmp_path)
    assert busy.returncode == 2
    assert f"error: study study is being run by process {running.pid}; look at it with" in busy.stderr
    interrupt(running)
    running.wait(timeout=SECONDS)
    assert running.returncode == 130
    said = running.stderr.read().splitlines()
    assert "ending the leases at this epoch and saving; Ctrl-C again to leave at once" in said
    command = shlex.join([sys.executable, str(tmp_path / "program.py"), *map(str, arguments)])
    assert said[-1] == f"interrupted; nothing is lost. To continue: {command}"
    assert running.stdout.read() == ""
    end(running)
    shown = json.loads(printed("show", "study", "--json", cwd=tmp_path))
    assert shown["running"] == 0
    assert shown["command"] == command
    assert shown["status"] == f"not running; to continue: {command}"
    arguments[arguments.index("none")] = "1 epochs"
    assert run(*arguments, cwd=tmp_path).returncode == 0


def epochs_of(folder):
    try:
        with wt.Study.open(folder, readonly=True) as study:
            return study.history.spent
    except wt.WelltemperedError:
        return 0


def test_trials_are_sorted_filtered_and_limited_for_people_and_for_programs(home, printed):
    with wt.Study.open(home / STUDY, readonly=True) as study:
        rows = study.rows()
    options = ["--sort", "x", "--where", "epoch >= 3", "--where", "x > 0.1", "--reverse", "--limit", 3]
    expected = [row for row in rows if row["epoch"] >= 3 and row["params.x"] > 0.1]
    expected = sorted(expected, key=lambda row: -row["params.x"])[:3]
    assert json.loads(printed("trials", STUDY, *options, "--json", cwd=home)) == expected
    lines = printed("trials", STUDY, *options, "--columns", "trial, x", cwd=home).splitlines()
    assert lines[0].split() == ["trial", "x"]
    assert [int(line.split()[0]) for line in lines[1:]] == [row["trial"] for row in expected]
    assert printed("trials", STUDY, "--state", "failed", cwd=home) == f"none of {len(rows)} trials\n"
    assert len(printed("trials", STUDY, cwd=home, columns=60).splitlines()) >= len(rows)


def test_logs_are_printed_and_followed_until_the_trial_is_over(tmp_path, printed):
    (tmp_path / "tuning.py").write_text(EXPERIMENT.replace("time.sleep", 'print("epoch", epoch); time.sleep'))
    arguments = ["tune", "tuning.py:slow", "--budget", "12 epochs", "--workers", 1, "--path", "study"]
    running = program(tmp_path, "from welltempered.cli import main; main()", *arguments)
    eventually(lambda: epochs_of(tmp_path / "study") >= 1)
    assert run("logs", "study", 0, "--follow", cwd=tmp_path).stdout.startswith("epoch 1\n")
    running.wait(timeout=SECONDS)
    assert running.returncode == 0
    end(running)
    with wt.Study.open(tmp_path / "study", readonly=True) as study:
        epochs = study.trials[0].epoch
    everything = "".join(f"epoch {epoch + 1}\n" for epoch in range(epochs))
    assert printed("logs", "study", 0, cwd=tmp_path) == everything
    assert printed("logs", "study", 0, "--tail", 1, cwd=tmp_path) == f"epoch {epochs}\n"
    assert printed("logs", "study", 0, "--follow", cwd=tmp_path) == everything


# -------------------------------------------------------------------- help


def test_every_command_has_help(home, printed):
    text = printed("--help", cwd=home)
    commands = re.findall(r"^│ (\w+) {2,}\S", text, re.MULTILINE)
    assert commands == ["tune", "check", "show", "trials", "logs", "best", "undo", "replay", "export", "demo"]
    for command in commands:
        text = printed(command, "--help", cwd=home)
        assert f"Usage: welltempered {command} [OPTIONS]" in text


def test_no_command_at_all_shows_the_help(home, call):
    done = call(cwd=home)
    assert done.returncode == 2
    assert "Usage: welltempered [OPTIONS] COMMAND" in done.stdout + done.stderr


# -------------------------------------------------------------------- mistakes

FILES = {
    "broken_syntax.py": "x = (\n",
    "broken_import.py": "import no_such_package\n",
    "broken_line.py": "x = 1\n\n1 / 0\n",
    "broken_space.py": "import welltempered as wt\nwt.Float(2, 1)\n",
    "leaving.py": "import sys\nsys.exit('bye')\n",
    "empty.py": "",
    "other.py": EXPERIMENT.replace("experiment =", "mine ="),
    "wrong_type.py": "experiment = 3\n",
    "failing.py": EXPERIMENT.replace('time.sleep(run.params["pause"])', "1 / 0"),
    "notes.txt": "not Python",
    "diary/study.db": "Dear diary",
    "tuning.py": EXPERIMENT,
    "longer.py": EXPERIMENT.replace("epochs=9", "epochs=10"),
}
TUNE = ["--budget", "3 epochs", "--path", "new", "--workers", "0"]
TABLE = [
    (["tune", "tuning.py"], "Missing option '--budget'"),
    (["tune"], "Missing argument 'FILE[:NAME]'"),
    (["tune", "nowhere.py", *TUNE], "FILE must be a Python file, found none at nowhere.py"),
    (["tune", ".", *TUNE], "FILE must be a Python file, found none at ."),
    (["tune", "notes.txt", *TUNE], "FILE must be a Python file, got notes.txt"),
    (
        ["tune", "broken_syntax.py", *TUNE],
        "broken_syntax.py must be a Python file that can be imported, got Synt",
    ),
    (["tune", "broken_import.py", *TUNE], "got ModuleNotFoundError: No module named 'no_such_package' (line 1)"),
    (["tune", "broken_line.py", *TUNE], "got ZeroDivisionError: division by zero (line 3)"),
    (["tune", "broken_space.py", *TUNE], "got InvalidInput: low must be below high, got low=2.0, high=1.0 (line 2)"),
    (["tune", "leaving.py", *TUNE], "got SystemExit: bye (line 2)"),
    (["tune", "empty.py", *TUNE], "empty.py must define an Experiment named experiment; write: experiment = wt.Exper"),
    (["tune", "other.py", *TUNE], "other.py must define an Experiment named experiment; it has mine, slow"),
    (["tune", "tuning.py:no", *TUNE], "tuning.py must define an Experiment named no; it has experiment, slow"),
    (["tune", "wrong_type.py", *TUNE], "wrong_type.py must define an Experiment named experiment; write: "),
    (["tune", "tuning.py", *TUNE, "--budget", "3"], "budget must be an amount and a unit, such as '200 epochs'"),
    (["tune", "tuning.py", *TUNE, "--budget", ""], "budget must be an amount and a unit, such as '200 epochs'"),
    (["tune", "tuning.py", *TUNE, "--budget", "-3 epochs"], "budget must be an amount and a unit"),
    (
        ["tune", "tuning.py", *TUNE, "--budget", "1.5 trials"],
        "budget must be a whole number of trials, got",
    ),
    (["tune", "tuning.py", *TUNE, "--budget", "3 s, 4 s"], "budget must name each unit once, got '3 s, 4 s'"),
    (["tune", "tuning.py", *TUNE, "--workers", "-1"], "workers must be a whole number in 0..1024, got workers=-1"),
    (["tune", "tuning.py", *TUNE, "--workers", "two"], "Invalid value for '--workers'"),
    (["tune", "tuning.py", *TUNE, "--path", "tuning.py"], "path must be a folder, got the file tuning.py"),
    (
        ["tune", "tuning.py", *TUNE, "--path", "tuning.py/x"],
        "path must be a folder that can be made, got tuning.py/x: ",
    ),
    (
        ["tune", "tuning.py", *TUNE, "--path", "diary"],
        "diary/study.db must be a study database, got: file is not a datab",
    ),
    (["tune", "longer.py", *TUNE, "--path", "studies/tuning"], "study studies/tuning was made with other settings:"),
    (["tune", "failing.py", *TUNE], "the last 3 trials have all failed; the last error is:"),
    (["check"], "Missing argument 'FILE[:NAME]'"),
    (["check", "nowhere.py"], "FILE must be a Python file, found none at nowhere.py"),
    (["check", "tuning.py", "--epochs", "10"], "epochs must be in 2..9, which is a full training, got epochs=10"),
    (["check", "tuning.py", "--epochs", "4", "--stop", "4"], "stop must be in 1..3, before the last epoch, got stop=4"),
    (["check", "tuning.py", "--trials", "0"], "trials must be at least 1, got trials=0"),
    (["check", "tuning.py", "--stop", "half"], "Invalid value for '--stop'"),
    (["check", "failing.py", "--json"], "training must work without a stop before it can be checked:\nTraceback"),
    (["show"], "Missing argument 'STUDY'"),
    (["show", "nowhere"], "path must be the folder of a study, found no study.db in nowhere"),
    (["show", "tuning.py"], "path must be the folder of a study, found no study.db in tuning.py"),
    (["show", "diary"], "diary/study.db must be a study database, got: file is not a database"),
    (["show", "studies/tuning", "more"], "Got unexpected extra argument"),
    (["best", "nowhere"], "path must be the folder of a study, found no study.db in nowhere"),
    (["replay", "nowhere"], "path must be the folder of a study, found no study.db in nowhere"),
    (["export", "nowhere"], "path must be the folder of a study, found no study.db in nowhere"),
    (["export", "studies/tuning", "--format", "xml"], "Invalid value for '--format'"),
    (
        ["export", "studies/tuning", "--output", "no/such/file"],
        "output must be a file that can be written, got no/such/f",
    ),
    (
        ["export", "studies/tuning", "--output", "diary"],
        "output must be a file that can be written, got diary: Is a dir",
    ),
    (["demo", "--data", "cifar"], "Invalid value for '--data'"),
    (["show", "studies/tuning", "--follow", "--json"], "show must be given --follow or --json, got both"),
    (["trials", "nowhere"], "path must be the folder of a study, found no study.db in nowhere"),
    (["trials", "studies/tuning", "--sort", "z"], "sort must use names of the study (trial, epoch, value, state, x, "),
    (["trials", "studies/tuning", "--where", "z > 1"], "where must use names of the study"),
    (["trials", "studies/tuning", "--where", "x >"], "cannot read the expression 'x >'"),
    (["trials", "studies/tuning", "--state", "bad"], "state must be one of 'running', 'interrupted'"),
    (["trials", "studies/tuning", "--columns", "x,z"], "columns must use names of the study"),
    (["trials", "studies/tuning", "--limit", "0"], "Invalid value for '--limit'"),
    (["logs", "studies/tuning"], "Missing argument 'TRIAL'"),
    (["logs", "studies/tuning", "999"], "trial must be one of the study's, 0.."),
    (["logs", "studies/tuning", "first"], "Invalid value for 'TRIAL'"),
    (["fly"], "No such command 'fly'"),
    (["show", "--fast", "studies/tuning"], "No such option: --fast"),
]


@pytest.fixture(scope="module")
def mistaken(home):
    """The folder, with files that are no good."""
    for name, text in FILES.items():
        (home / name).parent.mkdir(exist_ok=True)
        (home / name).write_text(text)
    return home


@pytest.mark.parametrize(("arguments", "sentence"), TABLE, ids=[" ".join(arguments) for arguments, _ in TABLE])
def test_a_wrong_call_ends_in_a_sentence_and_exit_code_two(mistaken, call, arguments, sentence):
    done = call(*arguments, cwd=mistaken, columns=200)
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr
    failing = "failing.py" in arguments  # whose traceback is the sentence
    assert ("Traceback" in done.stderr) is failing
    if not failing and done.stderr.startswith("error: "):
        assert len(done.stderr.splitlines()) <= 4


def test_a_wrong_call_of_the_real_program_has_no_traceback(home):
    done = run("tune", "tuning.py", "--budget", "lots", cwd=home)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("error: budget must be an amount and a unit, such as '200 epochs'")
    assert len(done.stderr.splitlines()) == 1


def test_best_of_nothing_is_a_sentence(tmp_path, call, printed):
    with wt.Study.create(wt.Experiment(steady, wt.Space(x=wt.Float(0, 1)), minimize="loss", epochs=9), tmp_path):
        pass
    done = call("best", tmp_path, cwd=tmp_path)
    assert done.returncode == 2
    sentence = "must have a trial with a finite objective to have a best one, found none yet"
    assert done.stderr == f"error: study {tmp_path} {sentence}\n"
    assert "no trial has reported a finite objective yet" in printed("show", tmp_path, cwd=tmp_path)
    assert printed("export", tmp_path, "--format", "json", cwd=tmp_path) == "[]\n"
    assert printed("export", tmp_path, cwd=tmp_path).strip() == ""


def test_two_interrupts_leave_with_the_usual_exit_code_and_no_traceback(tmp_path):
    sluggish = EXPERIMENT.replace("wt.Choice(0.1, 0.11)", "wt.Choice(60, 61)")
    (tmp_path / "tuning.py").write_text(sluggish)
    text = "from welltempered.cli import main; main()"
    arguments = ["tune", "tuning.py:slow", "--budget", "none", "--workers", 0, "--path", "study"]
    running = program(tmp_path, text, *arguments)
    eventually(lambda: trials_of(tmp_path / "study"))
    interrupt(running)
    time.sleep(0.5)
    interrupt(running)
    running.wait(timeout=20)
    assert running.returncode == 130
    *_, last = said = running.stderr.read().splitlines()
    assert "Traceback" not in "".join(said)
    assert last.startswith("left at once; epochs that were not saved are trained again. To continue: ")
    end(running)


def trials_of(folder):
    try:
        with wt.Study.open(folder, readonly=True) as study:
            return len(study.trials)
    except wt.WelltemperedError:
        return 0
