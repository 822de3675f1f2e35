"""One call from training code to the best params."""

import re

import pytest

import welltempered as wt
from trainings import FULL, SPACE, broken, output, program, steady

SCRIPT = """
    import sys
    import welltempered as wt

    def train(run):
        position = {"x": 0.0}
        run.keep(position=(lambda: dict(position), position.update))
        for epoch in run:
            position["x"] += 0.5 * (run.params["x"] - position["x"])
            run.report(error=abs(position["x"] - 0.7), position=position["x"])

    study = wt.tune(train, wt.Space(x=wt.Float(0, 1)), minimize="error", epochs=9, budget=sys.argv[1], path="study",
                    method=wt.Hyperband(wt.Random()))
    print(study.best)
    print(len(study.history.events))
"""


def test_a_script_run_again_shows_what_it_found_and_with_a_larger_budget_goes_on(tmp_path):
    first = output(program(tmp_path, SCRIPT, "60 epochs"))
    assert re.match(r"trial \d+: error 0\.\d+ after epoch \d \(x=0\.\d+\)\n", first)
    assert output(program(tmp_path, SCRIPT, "60 epochs")) == first
    more = output(program(tmp_path, SCRIPT, "80 epochs"))
    assert int(more.split()[-1]) > int(first.split()[-1])


def test_defaults_are_a_chosen_method_one_worker_and_memory():
    with wt.tune(steady, SPACE, minimize="loss", epochs=4, budget="8 epochs", progress=False) as study:
        assert study.scheduler == wt.FreezeThaw()
        assert study.header.why == "trials can be resumed, and a full training has 4 epochs"
        assert study.header.seed == 0
        assert [path.name for path in (study.path / "logs").iterdir()]
        path = study.path
    assert not path.exists()


def test_training_that_cannot_be_resumed_is_halved():
    def train(run):
        for _ in run:
            run.report(loss=run.params["x"])

    settings = {"minimize": "loss", "epochs": 4, "budget": "20 epochs", "progress": False, "workers": 0}
    with wt.tune(train, SPACE, resumable=False, **settings) as study:
        assert isinstance(study.scheduler, wt.Halving)


def test_progress_goes_to_standard_error_unless_it_is_not_wanted(capfd):
    settings = {"minimize": "loss", "epochs": 9, "budget": "1 trials", "method": FULL, "workers": 0}
    with wt.tune(steady, SPACE, **settings) as study:
        out, err = capfd.readouterr()
        assert out == ""
        best = re.escape(f"best loss {study.best.value:.5g} (trial 0)")
        assert re.fullmatch(rf"100% · {best} · 1 trials · 9 epochs · \d+\.\d s\n", err)
    with wt.tune(steady, SPACE, progress=False, **settings):
        assert capfd.readouterr() == ("", "")


def test_what_training_prints_in_this_process_is_seen(capfd):
    def train(run):
        print("hello")
        steady(run)

    settings = {"minimize": "loss", "epochs": 9, "budget": "1 trials", "method": FULL, "progress": False}
    with wt.tune(train, SPACE, workers=0, **settings):
        assert capfd.readouterr().out == "hello\n"


def test_a_failed_call_leaves_no_folder_behind(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    with pytest.raises(wt.TrainingFailed):
        wt.tune(broken, SPACE, minimize="loss", epochs=3, budget="9 trials", method=FULL, workers=0, progress=False)
    assert list(tmp_path.iterdir()) == []


GOOD = {"train": steady, "space": SPACE, "minimize": "loss", "epochs": 3, "budget": "1 trials", "workers": 0}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"train": 3}, "train must be a function of one argument, the run, got 3"),
        ({"space": {"x": (0, 1)}}, "space must be a Space, such as Space(lr=Float(1e-5, 1e-1)), got {'x': (0, 1)}"),
        (
            {"maximize": "loss"},
            "exactly one of minimize and maximize must name a metric, got minimize='loss', maximize='loss'",
        ),
        (
            {"minimize": None},
            "exactly one of minimize and maximize must name a metric, got minimize=None, maximize=None",
        ),
        ({"epochs": 0}, "epochs must be a whole number of at least 1 and below 2**63, got epochs=0"),
        ({"epochs": 2.5}, "epochs must be a whole number of at least 1 and below 2**63, got epochs=2.5"),
        ({"seed": -1}, "seed must be a whole number of at least 0 and below 2**63, got seed=-1"),
        (
            {"method": wt.Random()},
            (
                'method must be "auto" or a scheduler such as Hyperband(Sobol()), got Random(); '
                "write Hyperband(Random()), or Full(Random()) to stop nobody early"
            ),
        ),
        (
            {"method": "hyperband"},
            (
                "method must be \"auto\" or a scheduler such as Hyperband(Sobol()), got 'hyperband'; "
                "a scheduler is written without quotes"
            ),
        ),
        ({"budget": "3 parsecs"}, "budget must be an amount and a unit, such as '200 epochs', '30 trials', '10 min'"),
    ],
)
def test_a_wrong_argument_is_named_with_its_rule_and_value_before_anything_is_made(tmp_path, changes, sentence):
    with pytest.raises(wt.InvalidInput, match=f"^{re.escape(sentence)}"):
        wt.tune(**GOOD | {"progress": False, "path": tmp_path / "study"} | changes)
    assert not (tmp_path / "study").exists()
