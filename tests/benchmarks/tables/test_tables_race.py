"""Runs are remembered by what they depend on, and a race that was stopped goes on."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest
from known_task import task

from benchmarks.tables import race as races
from benchmarks.tables.peer import Peer
from benchmarks.tables.play import method_of, play
from benchmarks.tables.race import Contender, Job, Memory, race, sources

FAKE = (sys.executable, str(Path(__file__).with_name("fake_peer.py")))


@pytest.fixture
def made(monkeypatch):
    """The jobs that were made, in order; there is one family of one task."""
    monkeypatch.setattr(races, "tasks", lambda data, family: (task(),))
    found = []
    run = Job.run
    monkeypatch.setattr(Job, "run", lambda job: found.append(job) or run(job))
    return found


def jobs_of(*contenders, seeds=2, budget=20):
    return [Job(Path(), "known", "line", who, seed, 1, budget) for who in contenders for seed in range(seeds)]


def raced(jobs, folder, *, fresh=False):
    return dict(race(jobs, None, Memory(folder / "known.jsonl"), fresh=fresh))


def test_what_was_run_is_not_run_again(tmp_path, made):
    jobs = jobs_of(Contender("asha", "asha"))
    first = raced(jobs, tmp_path)
    again = raced(jobs, tmp_path)
    assert made == jobs
    assert {job: run["spent"] for job, run in again.items()} == {job: run["spent"] for job, run in first.items()}
    raced(jobs, tmp_path, fresh=True)
    assert made == [*jobs, *jobs]


def test_a_stopped_race_makes_only_what_is_missing(tmp_path, made):
    jobs = jobs_of(Contender("asha", "asha"), seeds=3)
    running = race(jobs, None, Memory(tmp_path / "known.jsonl"), fresh=False)
    next(running)
    running.close()
    path = tmp_path / "known.jsonl"
    path.write_text(path.read_text() + '{"key": "cut sho')
    assert len(raced(jobs, tmp_path)) == 3
    assert made == jobs
    assert len(raced(jobs, tmp_path)) == 3
    assert made == jobs, "a line that was cut short does not spoil the next one"


@pytest.mark.parametrize(
    "other",
    [
        {"who": Contender("asha", "Halving(Sobol(), eta=2)")},
        {"who": Contender("asha", "asha", speed=2)},
        {"who": Contender("asha", peer=Peer("asha", (), resumes=True))},
        {"seed": 1},
        {"workers": 2},
        {"budget": 21},
        {"task": "curve"},
    ],
)
def test_another_method_seed_budget_or_task_is_another_run(other):
    given = {"data": Path(), "family": "known", "task": "line", "who": Contender("asha", "asha"), "seed": 0}
    first = Job(**given, workers=1, budget=20)
    second = Job(**{**given, "workers": 1, "budget": 20, **other})
    assert first.key(first.who.key) != second.key(second.who.key)


def test_a_contenders_name_is_no_part_of_what_is_run():
    assert Contender("asha", "asha").key == Contender("Halving(Sobol())", "Halving(Sobol())").key


def test_a_method_whose_code_has_changed_is_run_anew(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "changing_method.py").write_text("one = 1\n")
    importlib.invalidate_caches()
    described = '{"type": "changing_method:Method"}'
    sources.cache_clear()
    before = sources(described)
    (tmp_path / "changing_method.py").write_text("one = 2\n")
    assert sources(described) == before, "within a process it is read once"
    sources.cache_clear()
    assert sources(described) != before


def test_a_peer_that_fails_is_told_and_not_remembered(tmp_path, made):
    jobs = jobs_of(Contender("dies", peer=Peer("dies", FAKE, resumes=True)), seeds=1)
    (run,) = raced(jobs, tmp_path).values()
    assert "no more" in run["error"]
    raced(jobs, tmp_path)
    assert made == [*jobs, *jobs]


def test_twice_the_budget_finds_what_the_longer_study_has_found(tmp_path, made):
    jobs = jobs_of(Contender("twice", "random", speed=2), seeds=1, budget=10)
    (run,) = raced(jobs, tmp_path).values()
    assert run["spent"] == 20
    assert run["trace"] == races.faster(play(task(), "random", 0, 1, 20)["trace"], 2)


@pytest.mark.parametrize("workers", [1, 4])
def test_a_study_of_ours_spends_its_budget_and_times_each_decision(workers):
    found = play(task(), "Hyperband(Sobol())", 0, workers, 60)
    assert found["spent"] == found["charged"] == 60
    assert found["decisions"] >= found["trials"] > 0
    assert 0 < found["median_ms"] <= found["p90_ms"]
    losses = [loss for _, _, loss in found["trace"]]
    assert losses == sorted(losses, reverse=True)
    assert found["trace"] == play(task(), "Hyperband(Sobol())", 0, workers, 60)["trace"]


def test_auto_knows_the_budget_of_the_race():
    short = task(epochs=1, losses=lambda params, seed: [params["x"]])
    assert play(short, "auto", 0, 1, 30)["trace"] == play(short, "Full(Portfolio([GP(), TPE()]))", 0, 1, 30)["trace"]
    assert play(short, "auto", 0, 1, 501)["trace"] == play(short, "Full(TPE())", 0, 1, 501)["trace"]


def test_where_a_task_is_noisy_the_incumbent_counts_for_the_truth():
    noisy = task(epochs=1, losses=lambda params, seed: [-params["x"]], truth=lambda params: params["x"])
    truths = [loss for _, _, loss in play(noisy, "random", 0, 1, 30)["trace"]]
    assert truths == sorted(truths), "who looks best is worst here"


@pytest.mark.parametrize("workers", [1, 3])
def test_one_epoch_of_all_then_the_top_3_to_the_end(workers):
    slow = task(losses=lambda params, seed: [params["x"] + 5 - epoch for epoch in range(1, 6)])
    found = play(slow, "OneEpoch(Sobol(), budget=8)", 0, workers, 40)
    assert found["trials"] == 40 - 3 * 4
    steps = np.array(found["trace"])
    assert steps[steps[:, 0] <= 28, 2].min() >= 4, "nobody has had more than one epoch yet"
    assert steps[-1, 0] <= 40
    assert steps[-1, 2] < 1


def test_what_cannot_be_made_is_refused_with_its_text():
    for text in ("Halfing(Sobol())", "Halving(", "Halving(Sobol(), eta=1)"):
        with pytest.raises(SystemExit, match="cannot make"):
            method_of(text)
