"""The harness's side of a peer: virtual time, what trainings cost, and a process that speaks the protocol."""

import sys
from pathlib import Path

import pytest
from known_task import task

import welltempered as wt
from benchmarks.tables.peer import Course, Peer, PeerFailed, encoded, run_peer

FAKE = (sys.executable, str(Path(__file__).with_name("fake_peer.py")))


class Scripted:
    """Answers each `next` with the next of its answers, and hears the reports."""

    def __init__(self, *answers, stops=()):
        self.answers, self.stops, self.heard = list(answers), stops, []

    def ask(self, **message):
        if message["op"] == "begin":
            return {"ok": True}
        if message["op"] == "next":
            return self.answers.pop(0) if self.answers else {"done": True}
        self.heard.append((message["trial"], message["epoch"], message["loss"]))
        return {"go": (message["trial"], message["epoch"]) not in self.stops}


def work(trial, until, x=0.0, continues=None):
    return {"trial": trial, "params": {"x": x}, "until": until, "continues": continues, "ms": 2.0}


def course_of(peer, *, workers=1, budget=100, resumes=True):
    course = Course(task(), Peer("scripted", (), resumes), seed=0, budget=budget)
    course.drive(peer, workers)
    return course


def test_a_trial_that_is_continued_costs_only_its_new_epochs():
    peer = Scripted(work(0, 2), work(0, 5))
    course = course_of(peer)
    assert (course.spent, course.charged) == (5, 5)
    assert [epoch for _, epoch, _ in peer.heard] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("second", [work(0, 5), work(1, 5, continues=0)], ids=["same number", "continues"])
def test_who_cannot_continue_a_trial_is_charged_for_training_it_again(second):
    course = course_of(Scripted(work(0, 2), second), resumes=False)
    assert (course.spent, course.charged) == (5, 7)
    assert course.trace.steps[-1] == (5, 7, 0.0)


def test_a_new_number_without_continues_trains_from_the_beginning():
    course = course_of(Scripted(work(0, 2), work(1, 2)))
    assert (course.spent, course.trained) == (4, {0: 2, 1: 2})


def test_a_diverged_trial_is_told_as_none_and_frees_its_slot():
    peer = Scripted(work(0, 5, x=0.95), work(1, 1))
    assert course_of(peer).spent == 4
    assert peer.heard[2:] == [(0, 3, None), (1, 1, 4.0)]


def test_a_trial_that_is_told_to_stop_frees_its_slot():
    assert course_of(Scripted(work(0, 5), work(1, 5), stops={(0, 2)})).spent == 7


def test_slots_train_side_by_side_and_epochs_end_in_order():
    peer = Scripted(work(0, 3), work(1, 1), work(2, 2))
    course_of(peer, workers=2)
    assert [(trial, epoch) for trial, epoch, _ in peer.heard] == [(0, 1), (1, 1), (0, 2), (2, 1), (0, 3), (2, 2)]


def test_a_slot_that_waits_is_asked_again_after_each_epoch():
    peer = Scripted(work(0, 2), {"wait": True}, work(1, 1))
    course = course_of(peer, workers=2)
    assert [(trial, epoch) for trial, epoch, _ in peer.heard] == [(0, 1), (0, 2), (1, 1)]
    assert course.spent == 3


def test_the_study_ends_when_all_slots_wait():
    assert course_of(Scripted({"wait": True}, {"wait": True}, work(0, 1)), workers=2).spent == 0


def test_the_study_ends_with_its_budget_in_the_middle_of_a_trial():
    assert course_of(Scripted(work(0, 5), work(1, 5)), budget=7).spent == 7


@pytest.mark.parametrize("until", [0, 2, 6])
def test_a_training_that_cannot_be_is_refused(until):
    with pytest.raises(PeerFailed, match=r"must end in 3\.\.5"):
        course_of(Scripted(work(0, 2), work(0, until)))


def test_params_outside_of_the_space_are_refused():
    with pytest.raises(wt.InvalidInput, match="x"):
        course_of(Scripted(work(0, 1, x=2.0)))


def test_a_space_is_told_with_scales_and_options():
    space = wt.Space(a=wt.Float(0.1, 0.9, scale="one_minus_log"), b=wt.Int(1, 5), c=wt.Choice("relu", "tanh"))
    assert encoded(space) == [
        {"name": "a", "kind": "float", "low": 0.1, "high": 0.9, "scale": "one_minus_log"},
        {"name": "b", "kind": "int", "low": 1, "high": 5, "scale": "linear"},
        {"name": "c", "kind": "choice", "values": ["relu", "tanh"]},
    ]


@pytest.mark.parametrize("workers", [1, 3])
def test_a_process_plays_a_whole_study(workers):
    found = run_peer(task(), Peer("random", FAKE, resumes=False), seed=1, workers=workers, budget=60)
    assert found["spent"] == 60 < found["charged"]
    assert found["p90_ms"] == 3
    losses = [loss for _, _, loss in found["trace"]]
    assert losses == sorted(losses, reverse=True)
    again = run_peer(task(), Peer("random", FAKE, resumes=False), seed=1, workers=workers, budget=60)
    assert {**again, "seconds": 0} == {**found, "seconds": 0}


def test_a_process_that_dies_is_quoted():
    with pytest.raises(PeerFailed, match="no more"):
        run_peer(task(), Peer("dies", FAKE, resumes=True), seed=0, workers=1, budget=10)


def test_a_process_that_refuses_is_quoted():
    with pytest.raises(PeerFailed, match="refuses to begin"):
        run_peer(task(), Peer("refuses", FAKE, resumes=True), seed=0, workers=1, budget=10)
