"""A zoom is printed, undone and stays undone: on disk, by the command line, and never while the study runs."""

import json
import math
import shutil

import msgspec
import pytest

import welltempered as wt
from telling import command, sentence_of, told
from trainings import SECONDS, end, eventually, program
from welltempered.events import Undone
from welltempered.log.memory import Memory
from welltempered.searchers.zoom import zooms
from welltempered.study import Study
from welltempered.view.summary import zooms_of

SPACE = wt.Space(lr=wt.Float(1e-5, 1e-1, scale="log"), noise=wt.Float(0, 1))
METHOD = wt.Hyperband(wt.Zoom(wt.Sobol(), start=10, growth=1.5), eta=3)
PROGRAM = """
import sys
import time

import welltempered as wt
from test_undo import EXPERIMENT

with wt.Study.create(EXPERIMENT, "study") as study:
    study.run(lambda run: time.sleep(60), budget="100 trials", workers=0)
"""


def train(run):
    run.keep()
    for epoch in run:
        run.report(loss=(math.log10(run.params["lr"]) + 3) ** 2 + 1 / epoch)


EXPERIMENT = wt.Experiment(train, SPACE, minimize="loss", epochs=9, method=METHOD)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    path = tmp_path_factory.mktemp("made") / "study"
    with Study.create(EXPERIMENT, path) as study:
        study.run(train, budget="150 epochs", workers=0)
        assert len(zooms(study.history)) >= 2
    return path


@pytest.fixture
def folder(made, tmp_path):
    """The folder of a study that has zoomed a few times."""
    return shutil.copytree(made, tmp_path / "study")


def test_a_zoom_stays_undone_when_the_study_is_opened_again_and_goes_on(folder):
    note = (folder / "lock").read_bytes()
    with Study.open(folder) as study:
        last = zooms(study.history)[-1]
        study.undo_zoom(last.number)
        events = len(study.history.events)
    assert (folder / "lock").read_bytes() == note, "it says how the study goes on, and that is not by undoing"
    with Study.open(folder, readonly=True) as study:
        assert study.history.events[-1] == Undone(last.number, study.history.events[-2].at)
        assert zooms(study.history)[-1].undone
        assert study.replay(verify=True).differences == ()
    with Study.create(EXPERIMENT, folder) as study:
        study.run(train, budget="300 epochs", workers=0)
        assert len(study.history.events) > events
        assert study.replay(verify=True).differences == ()
        assert zooms(study.history)[last.number - 1].undone
        assert any(not step.undone for step in zooms(study.history)[last.number :])


def test_the_command_line_prints_and_undoes_zooms(folder, capsys, monkeypatch):
    with Study.open(folder, readonly=True) as study:
        steps = zooms(study.history)
    shown = command(["show", str(folder)], capsys, monkeypatch).out
    for step in steps:
        assert f"zoom       {step.number} at trial {step.trial}: lr 1e-05..0.1 -> " in shown
        assert f"(best {step.top} of {step.trials} after epoch {step.epoch})" in shown
    told = command(["undo", str(folder), str(steps[-1].number)], capsys, monkeypatch)
    assert told.code == 0
    assert told.out.startswith(f"undone: zoom {steps[-1].number} at trial {steps[-1].trial}: lr ")
    assert told.out.count("undone") == 1
    assert f"at trial {steps[-1].trial}, undone: " in command(["show", str(folder)], capsys, monkeypatch).out
    found = json.loads(command(["show", str(folder), "--json"], capsys, monkeypatch).out)["zooms"]
    assert [(zoom["zoom"], zoom["trial"]) for zoom in found] == [(step.number, step.trial) for step in steps]
    assert [zoom["undone"] for zoom in found] == [False] * (len(steps) - 1) + [True]
    assert found[0]["changes"]["lr"].startswith("lr is narrowed from 1e-05..0.1 to ")
    again = sentence_of(command(["undo", str(folder), str(steps[-1].number)], capsys, monkeypatch))
    assert again.startswith(f"zoom must be one that counts, but zoom {steps[-1].number} was undone already")
    number = len(steps)
    beyond = sentence_of(command(["undo", str(folder), "99"], capsys, monkeypatch))
    assert beyond == f"zoom must be one of the {number} made, 1..{number}, got zoom=99"


@pytest.mark.parametrize(
    "arguments", [["trials"], ["best"], ["replay", "--verify"], ["export", "--format", "events"], ["logs", "0"]]
)
def test_all_that_reads_a_study_reads_one_with_an_undone_zoom(folder, arguments, capsys, monkeypatch):
    with Study.open(folder) as study:
        study.undo_zoom(1)
    ended = command([arguments[0], str(folder), *arguments[1:]], capsys, monkeypatch)
    assert (ended.code, ended.err) == (0, "")
    if "events" in arguments:
        assert json.loads(ended.out.splitlines()[-1])["event"] == "undone"


def test_nothing_is_undone_while_the_study_runs_elsewhere(folder):
    running = program(folder.parent, PROGRAM)
    with Study.open(folder) as study:
        events = len(study.history.events)
        eventually(lambda: study.refresh() > 0, SECONDS)  # the other one has started a trial
        sentence = f"study {folder} is being run by process {running.pid}; look at it with ..."
        told(lambda: study.undo_zoom(1), sentence)
        assert not any(isinstance(event, Undone) for event in study.history.events[events:])
    end(running)


def test_nothing_is_undone_by_the_run_itself_or_by_who_only_looks(folder):
    with Study.create(EXPERIMENT, folder) as study:

        def watch(event):
            told(lambda: study.undo_zoom(1), "study ... is being run by this process already; wait until that run ends")

        study.run(train, budget="160 epochs", workers=0, watch=watch)
    with Study.open(folder, readonly=True) as study:
        told(
            lambda: study.undo_zoom(1), "study ... must be open to be changed, got readonly=True; open it without that"
        )
    told(lambda: study.undo_zoom(1), "study ... must be open, but was closed; make or open it again")


def test_who_asks_and_tells_keeps_the_study_after_an_undo(folder):
    with Study.create(EXPERIMENT, folder) as study:
        trial = study.ask()
        study.undo_zoom(1)
        with Study.open(folder) as other:
            told(other.ask, "study ... is being run by this process through another Study; close that one first")
        study.tell(trial, loss=0.5)
        assert study.replay(verify=True).differences == ()


def test_a_study_whose_inner_searcher_is_not_to_be_found_can_still_be_looked_at(folder):
    with Study.open(folder, readonly=True) as study:
        strange = {
            **study.header.method,
            "searcher": {**study.header.method["searcher"], "searcher": {"type": "no:No"}},
        }
        log = Memory()
        log.append(0, [msgspec.structs.replace(study.header, method=strange), *study.history.events])
    assert zooms_of(Study(log, folder).history) == ()
