"""A study: made, continued, refused, looked at, asked and told."""

import json
import math
import re
import time

import pytest

import welltempered as wt
from trainings import FULL, SPACE, broken, end, experiment, kinds, output, program, slow, steady, tune
from welltempered.decide import decide

HYPERBAND = wt.Hyperband(wt.Random(), rounds=1)


# -------------------------------------------------------------------- made and continued


def test_a_study_is_a_folder_with_its_database_checkpoints_logs_and_lock(tmp_path):
    with tune(path=tmp_path / "deep" / "study", workers=1) as study:
        assert study.path == tmp_path / "deep" / "study"
        names = {path.name for path in study.path.iterdir()} - {"study.db-shm", "study.db-wal"}
        assert names == {"study.db", "checkpoints", "logs", "lock"}
    assert not list(study.path.glob("study.db-*")), "closing leaves one file"


def test_the_same_again_shows_a_finished_study_without_a_new_event(tmp_path):
    with tune(method=HYPERBAND, budget=None, path=tmp_path) as study:
        events = study.history.events
    before = (tmp_path / "study.db").read_bytes()
    with tune(broken, method=HYPERBAND, budget=None, path=tmp_path) as again:
        assert again.history.events == events
        assert again.best == study.best
    assert (tmp_path / "study.db").read_bytes() == before


def test_a_study_may_be_opened_where_its_training_code_is_not(tmp_path):
    with tune(method=HYPERBAND, budget=None, path=tmp_path) as study:
        pass
    with wt.Study.open(tmp_path) as opened:
        assert opened.history.events == study.history.events
        assert opened.space == SPACE
        assert opened.scheduler == HYPERBAND
        assert opened.header == study.header
        assert opened.trials == study.trials or list(opened.trials) == list(study.trials)
        assert opened.replay(verify=True).differences == ()
        assert opened.checkpoint(opened.best)["state"]["epochs"] == opened.best.epoch


def test_an_opened_study_can_be_run(tmp_path):
    with tune(method=HYPERBAND, budget="20 epochs", path=tmp_path):
        pass
    with wt.Study.open(tmp_path) as opened, tune(method=HYPERBAND, budget=None) as whole:
        opened.run(steady, budget=None, workers=0)
        assert [trial.curve for trial in opened.trials] == [trial.curve for trial in whole.trials]


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"space": wt.Space(x=wt.Float(0, 2))}, "space.parameters: "),
        ({"minimize": "error"}, 'objective.metric: "loss" -> "error"'),
        ({"minimize": None, "maximize": "loss"}, "objective.maximize: false -> true"),
        ({"seed": 7}, "seed: 0 -> 7"),
        ({"epochs": 27}, "epochs: 9 -> 27"),
        ({"method": wt.Full(wt.Sobol())}, 'method.searcher.type: "welltempered:Random" -> "welltempered:Sobol"'),
        ({"resumable": False}, "resumable: true -> false"),
    ],
)
def test_a_changed_experiment_is_refused_with_the_difference(tmp_path, changes, line):
    with tune(path=tmp_path):
        pass
    before = (tmp_path / "study.db").read_bytes()
    with pytest.raises(wt.StudyChanged) as error:
        tune(path=tmp_path, **changes)
    lines = str(error.value).splitlines()
    assert lines[0] == f"study {tmp_path} was made with other settings:"
    assert lines[1].startswith(f"  {line}")
    assert lines[2] == "restore them to continue it, or give another path to begin a new study"
    assert len(lines) == 3
    assert max(map(len, lines[1:])) < 200
    assert (tmp_path / "study.db").read_bytes() == before


def test_every_difference_has_its_line(tmp_path):
    with tune(path=tmp_path, method=wt.Halving(wt.Random()), budget="1 epochs"):
        pass
    with pytest.raises(wt.StudyChanged) as error:
        tune(path=tmp_path, method=wt.Hyperband(wt.Random(), eta=4), seed=1, epochs=16)
    assert [line.strip() for line in str(error.value).splitlines()[1:-1]] == [
        "epochs: 9 -> 16",
        "seed: 0 -> 1",
        'method.type: "welltempered:Halving" -> "welltempered:Hyperband"',
        "method.eta: 3 -> 4",
        "method.first: 1 -> (none)",
        "method.brackets: 1 -> (none)",
        "method.rounds: (none) -> null",
    ]


def test_training_code_and_budget_may_change(tmp_path):
    with tune(path=tmp_path, budget="1 trials"):
        pass
    with tune(slow, path=tmp_path, budget="2 trials", workers=1) as study:
        assert len(study.trials) == 2


def test_what_a_parameter_is_called_in_advice_may_change(tmp_path):
    with tune(path=tmp_path, space=wt.Space(rate=wt.Float(0, 1)), budget="1 trials"):
        pass
    with tune(path=tmp_path, space=wt.Space(rate=wt.Float(0, 1, means="dropout")), budget="2 trials") as study:
        assert len(study.trials) == 2


@pytest.mark.parametrize("path", ["file", "file/below"])
def test_a_path_that_can_be_no_folder_is_refused(tmp_path, path):
    (tmp_path / "file").touch()
    with pytest.raises(wt.InvalidInput, match="path must be a folder"):
        wt.Study.create(experiment(), tmp_path / path)


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ({"method": wt.FreezeThaw(), "resumable": False}, {"method": FULL, "resumable": True}),
        ({"method": wt.FreezeThaw(first=99)}, {"method": wt.FreezeThaw(first=2)}),
        (
            {"method": wt.Full(wt.First(wt.Sobol(), [{"x": 5}]))},
            {"method": wt.Full(wt.First(wt.Sobol(), [{"x": 0.5}]))},
        ),
        ({"method": wt.Full(wt.Prior(wt.Sobol(), {"y": 1}))}, {"method": wt.Full(wt.Prior(wt.Sobol(), {"x": 1}))}),
    ],
)
def test_a_method_that_cannot_begin_leaves_nothing_behind_that_refuses_the_right_one(tmp_path, wrong, right):
    with pytest.raises(wt.InvalidInput):
        tune(path=tmp_path / "study", **wrong)
    assert not (tmp_path / "study").exists()
    with tune(path=tmp_path / "study", **right) as study:
        assert study.trials


def test_opening_what_is_not_there_is_refused_and_makes_nothing(tmp_path):
    with pytest.raises(wt.InvalidInput) as error:
        wt.Study.open(tmp_path / "nowhere")
    assert str(error.value) == f"path must be the folder of a study, found no study.db in {tmp_path}/nowhere"
    assert list(tmp_path.iterdir()) == []


def test_a_study_without_a_path_is_gone_when_it_is_closed():
    with tune() as study:
        assert study.path.is_dir()
        assert study.checkpoint(study.best)
    assert not study.path.exists()
    study.close()


def test_what_was_read_before_closing_can_still_be_looked_at(tmp_path):
    with tune(path=tmp_path) as study:
        pass
    assert study.best.epoch == 9
    assert len(study.rows()) == 1


# -------------------------------------------------------------------- one at a time

HOLDER = """
    import sys
    import welltempered as wt
    from trainings import experiment

    with wt.Study.create(experiment(method=wt.Full(wt.Random())), sys.argv[1]) as study:
        study.ask()
        print("asked", flush=True)
        sys.stdin.readline()
"""


def test_a_study_that_another_process_runs_is_busy_and_can_be_looked_at(tmp_path):
    folder = tmp_path / "study"
    holder = program(tmp_path, HOLDER, folder)
    assert holder.stdout.readline() == "asked\n"
    with pytest.raises(wt.StudyBusy) as error:
        tune(path=folder)
    assert str(error.value) == (
        f"study {folder} is being run by process {holder.pid}; "
        "look at it with `welltempered show --follow`, or wait until it ends"
    )
    with wt.Study.open(folder, readonly=True) as study:
        assert study.trials[0].state == "running"
    with wt.Study.open(folder) as study:
        for act in (study.ask, lambda: study.tell(0, loss=1), lambda: study.fail(0, "no"), study.recover):
            with pytest.raises(wt.StudyBusy):
                act()
        assert len(study.history.events) == 1
    end(holder)
    with tune(path=folder) as study:
        assert [cut.reason for cut in kinds(study, wt.Cut)] == ["driver lost"]
        assert study.trials[0].state == "complete"


def test_of_several_processes_that_begin_the_same_study_one_runs_it_and_the_others_say_so(tmp_path):
    text = """
        import sys
        import sqlalchemy.dialects.sqlite
        import welltempered as wt
        from trainings import slow, tune

        print("ready", flush=True)
        sys.stdin.readline()
        try:
            with tune(slow, budget="1 s", path=sys.argv[1]) as study:
                print("ran")
        except wt.StudyBusy:
            print("busy")
    """
    racers = [program(tmp_path, text, tmp_path / "study", name=f"{number}.py") for number in range(3)]
    for racer in racers:
        racer.stdout.readline()
    for racer in racers:
        racer.stdin.write("\n")
        racer.stdin.flush()
    assert sorted(output(racer) for racer in racers) == ["busy\n", "busy\n", "ran\n"]


def test_a_reader_takes_in_what_was_written_since(tmp_path):
    with wt.Study.create(experiment(), tmp_path) as writer, wt.Study.open(tmp_path, readonly=True) as reader:
        assert reader.refresh() == 0
        trial = writer.ask()
        writer.tell(trial, loss=3)
        assert (len(reader.trials), reader.refresh(), reader.refresh()) == (0, 2, 0)
        assert reader.trials[0] == writer.trials[0]
        assert reader.best.value == 3


# -------------------------------------------------------------------- looked at


def test_rows_have_a_column_for_everything(tmp_path):
    def train(run):
        run.keep()
        for epoch in run:
            run.report(loss=run.params["x"] / epoch, accuracy=0.5)

    space = wt.Space(x=wt.Float(0, 1), size=wt.Choice({"small": 1, "large": 99}))
    with tune(train, space=space, budget="2 trials, 12 epochs") as study:
        first, second = study.rows()
    params = {f"params.{name}": value for name, value in study.trials[0].params.items()}
    assert first == {
        "trial": 0,
        "state": "complete",
        "bracket": 0,
        "epoch": 9,
        "loss": study.trials[0].value,
        "seconds": round(study.trials[0].seconds, 3),
        **params,
        "metrics.accuracy": 0.5,
    }
    assert (second["state"], second["epoch"]) == ("interrupted", 3)
    assert json.loads(json.dumps([first, second])) == [first, second]


def test_a_frame_is_the_rows_or_says_what_to_install():
    with tune(budget="2 trials") as study:
        try:
            import pandas as pd
        except ImportError:
            with pytest.raises(wt.InvalidInput) as error:
                study.frame()
            assert str(error.value) == "frame needs pandas: pip install pandas; Study.rows gives the same as dicts", (
                "and the way out"
            )
        else:
            frame = study.frame()
            assert isinstance(frame, pd.DataFrame)
            assert frame.to_dict("records") == study.rows()


def test_the_best_is_the_lowest_or_highest_last_value():
    def train(run):
        for epoch in run:
            run.report(loss=[3, 1, 2, math.nan][run.trial] if epoch == 9 else -epoch)

    with tune(train, budget="4 trials") as study:
        assert (study.best.id, study.best.value) == (1, 1.0)
        assert str(study.best).startswith("trial 1: loss 1.0 after epoch 9 (x=")
    with tune(train, budget="4 trials", minimize=None, maximize="loss") as study:
        assert (study.best.id, study.best.value) == (0, 3.0)


def test_there_is_no_best_before_a_finite_report():
    with wt.Study.create(experiment()) as study:
        assert study.best is None
        assert study.rows() == []
        trial = study.ask()
        assert study.best is None
        study.tell(trial, loss=math.inf)
        assert study.best is None


# -------------------------------------------------------------------- ask and tell


def test_asking_and_telling_is_the_same_study_as_training(tmp_path):
    def value(trial):
        return trial.params["x"] / (trial.epoch + 1)

    def train(run):
        run.keep()
        for epoch in run:
            run.report(loss=run.params["x"] / epoch)

    with wt.Study.create(experiment(method=HYPERBAND), tmp_path) as study:
        held = None
        while (trial := study.ask(held)) is not None:
            while trial.running:
                trial = study.tell(trial, loss=value(trial))
            held = trial
        assert study.replay(verify=True).differences == ()
        with tune(train, method=HYPERBAND, budget=None) as trained:
            assert [trial.curve for trial in study.trials] == [trial.curve for trial in trained.trials]
            assert [trial.params for trial in study.trials] == [trial.params for trial in trained.trials]
        assert not study.history.running


def test_several_trials_may_be_asked_for_before_the_first_is_told():
    with wt.Study.create(experiment(method=HYPERBAND)) as study:
        trials = [study.ask() for _ in range(17)]
        assert len({trial.id for trial in trials}) == 17
        assert study.ask() is None, "nothing to do until a lease closes"
        assert study.history.running
        for trial in reversed(trials):
            for epoch in range(trial.until):
                study.tell(trial.id, loss=trial.params["x"] / (1 + epoch))
        assert isinstance(decide(study.scheduler, study.history, None), wt.Resume)


def test_what_is_told_is_a_trial_as_it_is_now():
    with wt.Study.create(experiment(method=FULL)) as study:
        trial = study.ask()
        time.sleep(0.02)
        told = study.tell(trial, loss=2, accuracy=math.nan)
        assert (told.epoch, told.value, told.running) == (1, 2.0, True)
        assert told.reports[0].metrics == {"loss": 2.0, "accuracy": None}
        assert 0.02 <= told.reports[0].seconds < 5
        told = study.tell(told, loss=1)
        assert told.curve == (2.0, 1.0)
        assert study.tell(trial, loss=0.5).epoch == 3, "an old snapshot names the same trial"


def test_a_trial_may_be_told_to_have_failed():
    with wt.Study.create(experiment(method=FULL)) as study:
        trial = study.ask()
        study.tell(trial, loss=1)
        failed = study.fail(trial, "the robot fell over")
        assert (failed.state, failed.error, failed.failed) == ("failed", "the robot fell over", True)
        assert study.best is None
        assert study.ask().id == 1


@pytest.mark.parametrize(
    ("metrics", "sentence"),
    [
        ({}, "report must contain the objective 'loss', got nothing; call run.report(loss=...) in every epoch"),
        ({"los": 1}, "report must contain the objective 'loss', got 'los'; call run.report(loss=...) in every epoch"),
        ({"loss": "low"}, "run.report must be given numbers, got loss='low'"),
        ({"loss": None}, "run.report must be given numbers, got loss=None"),
    ],
)
def test_telling_what_is_no_report_is_refused_and_nothing_is_written(metrics, sentence):
    with wt.Study.create(experiment(method=FULL)) as study:
        trial = study.ask()
        with pytest.raises(wt.InvalidInput, match=f"^{re.escape(sentence)}$"):
            study.tell(trial, **metrics)
        assert len(study.history.events) == 1


def test_telling_a_trial_without_a_lease_is_refused_and_nothing_is_written():
    with wt.Study.create(experiment(method=FULL)) as study:
        trial = study.ask()
        study.fail(trial, "over")
        for late in (
            lambda: study.tell(trial, loss=1),
            lambda: study.fail(trial, "again"),
            lambda: study.fail(7, "who"),
        ):
            with pytest.raises(
                wt.InvalidInput, match=r"^trial must (have a lease|be one of the 1 that have started), "
            ):
                late()
        assert len(study.history.events) == 2


@pytest.mark.parametrize("number", [7, -1])
def test_telling_a_trial_that_there_is_not_is_refused(number):
    with wt.Study.create(experiment(method=FULL)) as study:
        study.ask()
        with pytest.raises(wt.InvalidInput, match=f"trial must be one of the 1 that have started, got {number}"):
            study.tell(number, loss=1)


def test_asking_goes_on_in_another_process(tmp_path):
    with wt.Study.create(experiment(method=FULL), tmp_path) as study:
        trial = study.ask()
        study.tell(trial, loss=1)
    with wt.Study.open(tmp_path) as study:
        assert study.tell(trial, loss=0.5).epoch == 2
        study.recover()
        assert [(cut.epoch, cut.reason) for cut in kinds(study, wt.Cut)] == [(0, "driver lost")], "no checkpoint"
        assert study.ask().epoch == 0


# -------------------------------------------------------------------- mistakes


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"budget": 3}, "budget must say its unit, such as '200 epochs'"),
        ({"budget": "3"}, "budget must be an amount and a unit, such as '200 epochs'"),
        ({"budget": "many epochs"}, "budget must be an amount and a unit, such as '200 epochs'"),
        ({"budget": "0 epochs"}, "budget must be above zero, got '0 epochs'"),
        ({"workers": -1}, "workers must be a whole number in 0..1024, got workers=-1"),
        ({"workers": 1.5}, "workers must be a whole number in 0..1024, got workers=1.5"),
        ({"workers": 5000}, "workers must be a whole number in 0..1024, got workers=5000"),
    ],
)
def test_a_wrong_argument_of_run_is_named_and_nothing_is_written(arguments, sentence):
    with wt.Study.create(experiment(method=FULL)) as study:
        with pytest.raises(wt.InvalidInput, match=f"^{re.escape(sentence)}"):
            study.run(steady, **{"budget": "1 trials", "workers": 0} | arguments)
        assert study.history.events == []


def test_a_study_to_look_at_cannot_be_run(tmp_path):
    with tune(path=tmp_path, budget="1 epochs"):
        pass
    with (
        wt.Study.open(tmp_path, readonly=True) as study,
        pytest.raises(
            wt.WelltemperedError,
            match=r"^study .* must be open to be changed, got readonly=True; open it without that$",
        ),
    ):
        study.run(steady, budget="2 trials", workers=0)


@pytest.mark.parametrize("metric", ["seconds", "epoch", "state", "trial", "bracket"])
def test_an_objective_may_have_any_name(metric):
    def train(run):
        for _ in run:
            run.report(**{metric: 0.125})

    with tune(train, minimize=metric) as study:
        row = study.rows()[0]
        assert 0.125 in row.values()
        assert (row["trial"], row["state"], row["epoch"]) == (0, "complete", 9)
