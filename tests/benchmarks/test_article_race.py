"""The race of whole programs on the article's example: how runs are made and what they come to."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from benchmarks.article import __main__ as program
from benchmarks.article.entrants import ENTRANTS, REFERENCE, Entrant
from benchmarks.article.pictures import anytime, draw
from benchmarks.article.race import Job, best_of, race, time_to
from benchmarks.article.report import markdown, rows, spans, target, trained
from benchmarks.article.task import NAMES

PINS = Path(program.__file__).parents[1] / "pins"


@dataclass(frozen=True)
class Quick(Entrant):
    """A program in the environment of the tests."""

    @property
    def command(self):
        return [sys.executable, str(Path(__file__).with_name("racing_program.py"))]


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    for name in NAMES:
        np.save(folder / f"{name}.npy", np.zeros((5, 28, 28) if name[0] == "x" else 5, np.uint8))
    return folder


@pytest.fixture
def _quick(monkeypatch):
    for name in ("keras", REFERENCE):
        monkeypatch.setitem(ENTRANTS, name, Quick(ENTRANTS[name].title, "ours_keras"))


def run_of(epochs, *, wall=10.0, compiled=()):
    """A run as it is remembered; epochs are (end, trial, epoch, accuracy, seconds)."""
    marks = {"imported": 1.0, "loaded": 1.5, "searched": wall}
    return {"wall": wall, "cpu": wall, "marks": marks, "epochs": epochs, "compiled": [*compiled], "facts": {}}


@pytest.mark.usefixtures("_quick")
def test_a_run_is_made_once_and_tells_what_the_program_told(data, tmp_path):
    jobs = [Job("keras", seed, total=3, cores=1) for seed in (0, 1)]
    made = list(race(jobs, data, tmp_path))
    run = made[1][1]
    assert [epoch[1:4] for epoch in run["epochs"]] == [[0, 1, 0.11], [0, 2, 0.21], [0, 3, 0.31]]
    assert 0 < run["marks"]["imported"] <= run["marks"]["loaded"] <= run["marks"]["searched"] <= run["wall"]
    assert run["facts"] == {"images": 5, "arguments": 2}
    assert len(run["compiled"]) == 1
    assert run["cpu"] > 0
    assert list(race(jobs, data, tmp_path)) == made
    assert next(race(jobs, data, tmp_path, fresh=True))[1] != made[0][1]


@pytest.mark.usefixtures("_quick")
def test_a_run_without_end_is_ended_and_one_that_fails_is_made_again(data, tmp_path):
    endless, broken = Job("keras", 0, seconds=1.0), Job("keras", 13, total=3)
    (_, ended), (_, failed) = race([endless, broken], data, tmp_path)
    assert 1 <= ended["wall"] < 20
    assert ended["cpu"] is None  # what it has started may still be there
    assert ended["epochs"]
    assert "thirteen" in failed["error"]
    assert len(list((tmp_path / "runs").iterdir())) == 1


@pytest.mark.usefixtures("_quick")
def test_others_are_given_the_wall_time_of_the_reference_but_for_what_they_have_reached_before(
    data, tmp_path, monkeypatch
):
    monkeypatch.setattr(program, "prepare", lambda *_: data)
    record = tmp_path / "record.json"
    arguments = ["article", "--data", str(tmp_path), "--seeds", "1", "--entrants", "keras", REFERENCE, "--cores", "1"]
    arguments += ["--work", str(tmp_path), "--json", str(record), "--mode", *program.MODES]
    monkeypatch.setattr(sys, "argv", arguments)
    assert program.main() == 0
    same, wall, accuracy = json.loads(record.read_text())["groups"]
    assert [group["mode"] for group in (same, wall, accuracy)] == list(program.MODES)
    assert {group["target"] for group in (same, wall, accuracy)} == {0.9}
    assert [len(run["epochs"]) for run in same["runs"]] == [120, 120]
    seconds = {run["who"]: run["seconds"] for run in wall["runs"]}
    (reference,) = (run["wall"] for run in same["runs"] if run["who"] == REFERENCE)
    assert seconds == {"keras": max(1, round(reference)), REFERENCE: None}
    assert {run["seconds"] for run in accuracy["runs"]} == {None}


def test_each_seed_begins_with_another_entrant():
    order = [(job.seed, job.who) for job in program.jobs_of(["a", "b", "c"], 2, 100, 2)]
    assert order == [(0, "a"), (0, "b"), (0, "c"), (1, "b"), (1, "c"), (1, "a")]


def test_every_environment_has_its_pins_and_every_program_a_version():
    assert all((PINS / f"{entrant.peer}.txt").is_file() for entrant in ENTRANTS.values())
    assert len({entrant.version for entrant in ENTRANTS.values()}) == len(ENTRANTS)
    assert next(who for who, entrant in ENTRANTS.items() if not entrant.ours) == REFERENCE


def test_our_environment_has_the_versions_that_are_tested():
    tested = (PINS.parents[1] / "constraints.txt").read_text().splitlines()
    pins = [line for line in (PINS / "welltempered.txt").read_text().splitlines() if "==" in line]
    assert pins
    assert [line for line in pins if line not in tested] == []


def test_what_is_compiled_within_another_counts_once():
    assert spans([(3.0, 2.0), (2.5, 1.0), (9.0, 1.0), (3.5, 1.0)]) == [(1.0, 3.5), (8.0, 9.0)]


def test_what_an_epoch_compiles_is_not_training_where_trials_follow_each_other():
    run = run_of([[5.0, 0, 1, 0.5, 3.0], [6.0, 0, 2, 0.6, 1.0]], compiled=[(4.0, 1.5), (7.0, 0.5)])
    assert trained(run, several=False) == 2.5
    assert trained(run, several=True) == 4


def test_a_row_holds_means_over_seeds_beside_the_reference():
    slow = run_of([[5.0, 0, 1, 0.7, 4.0], [9.0, 1, 1, 0.8, 4.0]])
    fast = [
        run_of([[2.5, 0, 1, best, 1.0]], wall=wall, compiled=[(1.7, 0.2)]) for best, wall in ((0.9, 3.0), (0.7, 5.0))
    ]
    runs = [(Job("keras", 0), fast[0]), (Job(REFERENCE, 0), slow), (Job("keras", 1), fast[1])]
    runs.append((Job("keras", 2), {"error": "no"}))
    accuracy = target(runs)
    assert accuracy == 0.8
    reference, ours = rows(runs, accuracy)
    assert (reference["who"], reference["of_reference"], reference["trials"]["mean"]) == (REFERENCE, 1, 2)
    assert (ours["wall"], ours["of_reference"]) == ({"mean": 4, "low": 3, "high": 5}, 0.4)
    assert (ours["runs"], ours["failed"], ours["reached"], ours["to_target"]["mean"]) == (2, 1, 1, 2.5)
    assert ours["split"] == {"import": 1, "load": 0.5, "compile": 0.2, "train": 0.8}
    table = markdown("Title", [reference, ours], accuracy).splitlines()
    assert len({line.count("|") for line in table[2:]}) == 1
    assert "4.0 (3.0–5.0) | 0.400" in table[-1]
    assert "2.5 (1 of 2)" in table[-1]


def test_a_row_of_failures_has_as_many_cells_as_any():
    made = rows([(Job(REFERENCE, 0), {"error": "no"})], None)
    assert len({line.count("|") for line in markdown("Title", made, None).splitlines()[2:]}) == 1


def test_the_picture_has_a_line_for_each_run():
    run = run_of([[5.0, 0, 1, 0.85, 4.0], [7.0, 1, 1, 0.82, 4.0], [9.0, 1, 2, 0.88, 2.0]])
    at, best = anytime(run)
    assert (at.tolist(), best.tolist()) == ([5, 7, 9, 10], [0.85, 0.85, 0.88, 0.88])
    assert best_of(run) == 0.88
    assert time_to(run, 0.86) == 9
    assert time_to(run, 0.9) is None
    runs = [{"who": who, **run} for who in ENTRANTS for _ in range(2)]
    (axes,) = draw({"runs": runs, "target": 0.87}).axes
    assert len(axes.lines) == len(runs) + 1
    assert len(axes.get_legend().texts) == len(ENTRANTS)
