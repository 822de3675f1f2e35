"""Studies that are asked, told, run and closed in the wrong way; nothing that is refused leaves a trace in the log."""

import math
import threading

import pytest

import welltempered as wt
from telling import contents, told
from trainings import FULL, SPACE, eventually, experiment, slow, steady, tune
from welltempered.log.base import Log

NAMES = {"wt": wt, "steady": steady, "experiment": experiment}
ASKED = [
    ("study.tell(9, loss=1)", "trial must be one of the 1 that have started, got 9"),
    ("study.tell(-1, loss=1)", "trial must be one of the 1 that have started, got -1"),
    ("study.tell('0', loss=1)", "trial must be a Trial or its number, got '0'"),
    ("study.tell(None, loss=1)", "trial must be a Trial or its number, got None"),
    ("study.tell(0.0, loss=1)", "trial must be a Trial or its number, got 0.0"),
    ("study.tell(False, loss=1)", "trial must be a Trial or its number, got False"),
    (
        "study.tell(trial)",
        "report must contain the objective 'loss', got nothing; call run.report(loss=...) in every epoch",
    ),
    ("study.tell(trial, los=1)", "report must contain the objective 'loss', got 'los'; call run.report(loss=...) ..."),
    ("study.tell(trial, loss='1')", "run.report must be given numbers, got loss='1'"),
    ("study.tell(trial, loss=None)", "run.report must be given numbers, got loss=None"),
    ("study.tell(trial, loss=[1])", "run.report must be given numbers, got loss=[1]"),
    ("study.tell(trial, 0.5)", "metrics must have names, got 0.5; write study.tell(trial, loss=...)"),
    ("study.tell(trial, {'loss': 1})", "metrics must have names, got {'loss': 1}; write study.tell(trial, loss=...)"),
    ("study.tell(trial, **{'loss': 1, 'a\\nb': 2})", "run.report must be given names that can be printed, got 'a\\nb'"),
    ("study.fail(9, 'over')", "trial must be one of the 1 that have started, got 9"),
    ("study.fail('0', 'over')", "trial must be a Trial or its number, got '0'"),
    ("study.fail(trial, None)", "error must be a text, such as str(error), got error=None"),
    ("study.fail(trial, ValueError('x'))", "error must be a text, such as str(error), got error=ValueError('x')"),
    ("study.undo_zoom(1)", "zoom must be the number of a zoom, but this study has made none, got zoom=1"),
    ("study.undo_zoom('1')", "zoom must be the number of a zoom, but this study has made none, got zoom='1'"),
    ("study.ask('0')", "trial must be a Trial or its number, got '0'"),
    ("study.ask(7)", "trial must be one of the 1 that have started, got 7"),
    ("study.checkpoint(None)", "trial must be a Trial or its number, got None"),
    ("study.checkpoint(7)", "trial must be one of the 1 that have started, got 7"),
    ("study.checkpoint(trial)", "trial 0 must have a checkpoint of epoch 0 in ..., found none"),
    ("study.run(None, budget=None)", "train must be a function of one argument, the run, got None"),
    ("study.run(experiment(), budget=None)", "train must be a function of one argument, the run, got Experiment(..."),
    (
        "study.run(lambda: 0, budget=None)",
        "train must be a function of one argument, the run: write def train(run)...",
    ),
    ("study.run(steady, budget=3)", "budget must say its unit, such as ..., got 3"),
    ("study.run(steady, budget=None, workers='2')", "workers must be a whole number in 0..1024, got workers='2'"),
    ("study.run(steady, budget=None, limits=3)", "limits must be Limits, such as Limits(memory='4 GB'), got 3"),
    ("study.run(steady, budget=None, workers=0, watch='x')", "watch must be a function, got 'x'"),
    ("study.run(steady, budget=None, workers=0, idle=3)", "idle must be a function, got 3"),
    ("study.drive(None, budget=None)", "executor must be one such as Simulator(curve), got None"),
    ("study.drive(steady, budget=None)", "executor must be one such as Simulator(curve), got <function steady at ...>"),
    ("study.drive(wt.Inline, budget=None)", "executor must be one such as Simulator(curve), got <class ...>"),
]
ELSEWHERE = [
    ("wt.Study.open(None)", "path must be a path, such as 'studies/first', got path=None"),
    ("wt.Study.open('')", "path must not be empty, got path=''; the folder one is in is '.'"),
    ("wt.Study.open('nowhere')", "path must be the folder of a study, found no study.db in nowhere"),
    ("wt.Study.open('study/study.db')", "path must be the folder of a study, found no study.db in study/study.db"),
    ("wt.Study.open('a' * 300)", "path must be a folder that can be read, got aaa...: File name too long"),
    ("wt.Study.create({})", "experiment must be an Experiment, got {}; tune takes its parts"),
    ("wt.Study.create(steady)", "experiment must be an Experiment, got <function steady at ...>; tune takes its parts"),
    ("wt.Sql(3)", "path must be a path, such as 'studies/first', got path=3"),
    (
        "wt.Sql('nowhere/study.db')",
        "nowhere/study.db must be a database that can be written, got: unable ...; allow ...",
    ),
    (
        "wt.Sql('nowhere', readonly=True)",
        "nowhere must be a database that can be read, got: unable ...; allow ...",
    ),
]
CURVES = [
    ("lambda params, epoch: None", "curve must give a dict with the objective 'loss', got None"),
    ("lambda params, epoch: 0.5", "curve must give a dict with the objective 'loss', got 0.5"),
    ("lambda params, epoch: {'los': 1}", "curve must give a dict with the objective 'loss', got {'los': 1}"),
    ("lambda params, epoch: {'loss': '1'}", "run.report must be given numbers, got loss='1'"),
]


@pytest.fixture(scope="module")
def study():
    with wt.Study.create(experiment(method=FULL)) as study:
        study.ask()
        yield study


@pytest.mark.parametrize(("call", "sentence"), ASKED)
def test_a_study_refuses_what_makes_no_sense_and_writes_nothing(study, call, sentence):
    told(lambda: eval(call, NAMES | {"study": study, "trial": study.trials[0]}), sentence)
    assert len(study.history.events) == 1
    assert study.replay(verify=True).differences == ()


@pytest.mark.parametrize(("call", "sentence"), ELSEWHERE)
def test_what_is_no_study_is_not_opened_and_nothing_is_made(call, sentence, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with tune(path="study"):
        pass
    before = contents(tmp_path)
    told(lambda: eval(call, dict(NAMES)), sentence)
    assert contents(tmp_path) == before


@pytest.mark.parametrize(("curve", "sentence"), CURVES)
def test_a_curve_of_a_simulation_must_give_the_objective(curve, sentence):
    with wt.Study.create(experiment(method=FULL)) as study:
        told(lambda: study.drive(wt.Simulator(eval(curve)), budget="1 trials"), sentence)
        told(
            lambda: study.drive(wt.Simulator(eval(curve), seconds=lambda params: -1), budget=None),
            "seconds must give ...",
        )
        assert study.history.spent == 0


# -------------------------------------------------------------------- at the wrong time


@pytest.mark.parametrize("call", ["study.tell(trial, loss=1)", "study.fail(trial, 'again')"])
def test_a_trial_that_is_over_takes_nothing_any_more(call):
    with wt.Study.create(experiment(method=FULL)) as study:
        trial = study.ask()
        study.fail(trial, "over")
        sentence = "trial must have a lease, trial 0 has none: it is failed; study.ask() gives one"
        told(lambda: eval(call, NAMES | {"study": study, "trial": trial}), sentence)
        assert len(study.history.events) == 2


CLOSED = [
    "study.ask()",
    "study.tell(0, loss=1)",
    "study.fail(0, 'over')",
    "study.run(steady, budget=None, workers=0)",
    "study.run(steady, budget=None, workers=1)",
    "study.drive(wt.Simulator(len), budget=None)",
    "study.recover()",
    "study.refresh()",
    "study.replay()",
]


@pytest.mark.parametrize("path", ["study", None])
@pytest.mark.parametrize("call", CLOSED)
def test_a_closed_study_can_be_looked_at_and_no_more(call, path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    study = wt.Study.create(experiment(method=FULL), path)
    study.tell(study.ask(), loss=1)
    study.close()
    before = contents(tmp_path)
    told(lambda: eval(call, NAMES | {"study": study}), "... must be open, but was closed; ...open it again...")
    assert study.best.value == 1
    study.close()
    assert contents(tmp_path) == before


@pytest.mark.parametrize("call", CLOSED[:-2])
def test_a_study_that_was_opened_to_look_is_not_changed(call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with tune(path="study", budget="1 epochs"):
        pass
    (tmp_path / "study" / "lock").unlink()
    before = contents(tmp_path)
    with wt.Study.open("study", readonly=True) as study:
        told(
            lambda: eval(call, NAMES | {"study": study}),
            "study study must be open to be changed, got readonly=True; open it without that",
        )
    assert contents(tmp_path) == before


def test_a_study_that_runs_in_this_process_is_busy_here_too(tmp_path):
    with wt.Study.create(experiment(slow, method=FULL), tmp_path / "study") as study:
        running = threading.Thread(target=lambda: study.run(slow, budget="6 epochs", workers=0))
        running.start()
        eventually(lambda: study.history.spent)
        busy = f"study {study.path} is being run by this process already; wait until that run ends"
        told(lambda: study.run(slow, budget="6 epochs", workers=0), busy)
        told(lambda: study.drive(wt.Simulator(len), budget=None), busy)
        with wt.Study.create(experiment(slow, method=FULL), study.path) as other:
            told(
                other.ask,
                f"study {study.path} is being run by this process through another Study; close that one first",
            )
        running.join()
        assert study.history.spent == 6
        assert study.run(slow, budget="7 epochs", workers=0).history.spent == 7


def test_named_choices_need_their_objects_to_train(tmp_path):
    def train(run):
        run.keep()
        for epoch in run:
            run.report(loss=run.params["wave"](epoch))

    space = wt.Space(wave=wt.Choice({"sine": math.sin, "cosine": math.cos}), x=SPACE["x"])
    settings = {"space": space, "path": tmp_path / "study"}
    with tune(train, **settings, budget="3 epochs"):
        pass
    with wt.Study.open(tmp_path / "study") as study:
        before = list(study.history.events)
        sentence = "choices of named objects must have their objects to train, but the log ...: wave; ..."
        told(lambda: study.run(train, budget="9 epochs", workers=0), sentence)
        told(
            lambda: study.space.resolve({"wave": "sine", "x": 0.5}),
            "Choice('sine', 'cosine') must know ...",
        )
        assert study.history.events == before
        assert study.replay(verify=True).differences == ()
    with tune(train, **settings, budget="9 epochs") as study:
        assert study.history.spent == 9


# -------------------------------------------------------------------- logs


@pytest.mark.parametrize("kind", ["wt.Memory()", "wt.Sql('study.db')"])
@pytest.mark.parametrize("seq", [3, 7, -1])
def test_every_log_refuses_a_gap_in_the_same_way(kind, seq, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    log: Log = eval(kind)
    cut = wt.Cut(0, 0, "budget")
    log.append(0, [cut, cut])
    told(
        lambda: log.append(seq, [cut]),
        f"seq must be the number of the next record, 2, as a log has no gaps, got seq={seq}",
    )
    assert list(log.read()) == [cut, cut]
    log.append(2, [cut])
    log.close()
    told(log.read, "the log... must be open, but was closed; open it again with Study.open or Study.create")
    told(lambda: log.append(3, [cut]), "the log... must be open, but was closed; open it again ...")


def test_a_gap_is_seen_by_a_writer_that_has_never_read(tmp_path):
    cut = wt.Cut(0, 0, "budget")
    first, second = wt.Sql(tmp_path / "study.db"), wt.Sql(tmp_path / "study.db")
    first.append(0, [cut])
    told(lambda: second.append(2, [cut]), "seq must be the number of the next record, 1, ..., got seq=2")
    second.append(1, [cut])
    with pytest.raises(wt.Conflict):
        first.append(1, [cut])
    first.append(2, [cut])
    assert len(second.read()) == 3
    first.close()
    second.close()
