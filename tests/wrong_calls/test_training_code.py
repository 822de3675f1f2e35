"""Training code that breaks a rule: its error ends in one sentence, and a study of such trials stops after three."""

import contextlib
import os
import re
import sys
import threading

import numpy as np
import pytest
import torch

import welltempered as wt
from telling import command, sentence_of
from trainings import FULL, tune

NO_LOOP = "train returned before the end of its first epoch; write `for epoch in run:` around the training"
MISSING = "report must contain the objective 'loss', got nothing; call run.report(loss=...) in every epoch"
NUMBERS = "run.report must be given numbers, got "
NAMES = "run.report must be given names, got "
KEEP = "run.keep must be given objects with state_dict and load_state_dict, or pairs of functions (get, set), got "
EARLIER = "run.keep must be called before the first epoch, got a call inside the loop or after it"


class Mute(Exception):
    def __str__(self):
        return str(1 / 0)


def whole(train):
    """Leave a function as it is: it is all of the training code."""
    return train


def every_epoch(body):
    """Make training code of what it does in every epoch."""

    def train(run):
        run.keep()
        for epoch in run:
            body(run, epoch)

    return train


def before(body):
    """Make training code of what it does before the loop."""

    def train(run):
        body(run)
        for _ in run:
            run.report(loss=1.0)

    return train


def throw(error):
    raise error


def elsewhere(run, value):
    """Report from another thread, and bring its error back."""
    errors = []

    def report():
        try:
            run.report(loss=value)
        except wt.InvalidInput as error:
            errors.append(error)

    thread = threading.Thread(target=report)
    thread.start()
    thread.join()
    for error in errors:
        raise error


def nested(run):
    run.keep()
    for _ in run:
        for _ in run:
            run.report(loss=1.0)


def listed(run):
    run.keep()
    for _ in list(run):
        run.report(loss=1.0)


def swallowing(run):
    run.keep()
    for _ in run:
        with contextlib.suppress(wt.InvalidInput):
            run.report(loss="low")


def leaving_at_once(run):
    for _ in run:
        break


def assign(run):
    run.epoch = 7


def endless(run):
    endless(run)


BROKEN = {
    "returns at once": (lambda run: None, NO_LOOP),
    "returns the loss instead of reporting it": (lambda run: 0.5, NO_LOOP),
    "leaves the loop at once": (leaving_at_once, NO_LOOP),
    "never reports": (every_epoch(lambda run, epoch: None), MISSING),
    "reports nothing": (every_epoch(lambda run, epoch: run.report()), MISSING),
    "reports nothing in the second epoch": (every_epoch(lambda run, epoch: epoch == 2 or run.report(loss=1)), MISSING),
    "makes a list of the epochs": (listed, MISSING),
    "iterates in the loop": (nested, MISSING),
    "swallows what it is told": (swallowing, MISSING),
    "reports another name": (every_epoch(lambda run, epoch: run.report(los=1)), MISSING.replace("nothing", "'los'")),
    "reports twice": (
        every_epoch(lambda run, epoch: (run.report(loss=1), run.report(loss=1))),
        "run.report must be given each metric once per epoch, got 'loss' again",
    ),
    "reports text": (every_epoch(lambda run, epoch: run.report(loss="0.5")), f"{NUMBERS}loss='0.5'"),
    "reports bytes": (every_epoch(lambda run, epoch: run.report(loss=b"0.5")), f"{NUMBERS}loss=b'0.5'"),
    "reports None": (every_epoch(lambda run, epoch: run.report(loss=None)), f"{NUMBERS}loss=None"),
    "reports a list": (every_epoch(lambda run, epoch: run.report(loss=[1])), f"{NUMBERS}loss=[1]"),
    "reports a dict": (every_epoch(lambda run, epoch: run.report(loss={})), f"{NUMBERS}loss={{}}"),
    "reports a complex number": (every_epoch(lambda run, epoch: run.report(loss=1j)), f"{NUMBERS}loss=1j"),
    "reports an array": (
        every_epoch(lambda run, epoch: run.report(loss=np.zeros(2))),
        f"{NUMBERS}loss=array([0., 0.])",
    ),
    "reports a tensor": (
        every_epoch(lambda run, epoch: run.report(loss=torch.zeros(2))),
        f"{NUMBERS}loss=tensor([0., 0.])",
    ),
    "reports a function": (
        every_epoch(lambda run, epoch: run.report(loss=len)),
        f"{NUMBERS}loss=<built-in function len>",
    ),
    "reports a huge number": (every_epoch(lambda run, epoch: run.report(loss=10**400)), f"{NUMBERS}loss=1000..."),
    "reports without a name": (
        every_epoch(lambda run, epoch: run.report(0.5)),
        f"{NAMES}0.5; write run.report(loss=...)",
    ),
    "reports a dict without a name": (
        every_epoch(lambda run, epoch: run.report({"loss": 1})),
        f"{NAMES}{{'loss': 1}}; write run.report(loss=...)",
    ),
    "reports a name of two lines": (
        every_epoch(lambda run, epoch: run.report(**{"loss": 1, "a\nb": 2})),
        "run.report must be given names that can be printed, got 'a\\nb'",
    ),
    "reports text from a thread": (every_epoch(lambda run, epoch: elsewhere(run, "0.5")), f"{NUMBERS}loss='0.5'"),
    "reports before the loop": (
        before(lambda run: run.report(loss=1)),
        "run.report must be called inside `for epoch in run:`, got a call outside",
    ),
    "keeps in the loop": (every_epoch(lambda run, epoch: run.keep(a=(int, int))), EARLIER),
    "keeps twice": (
        before(lambda run: (run.keep(a=(int, int)), run.keep(a=(int, int)))),
        "run.keep must be given each name once, got 'a' again",
    ),
    "keeps what has no state": (before(lambda run: run.keep(a=object())), f"{KEEP}a=<object object at ..."),
    "keeps a number": (before(lambda run: run.keep(a=3)), f"{KEEP}a=3"),
    "keeps a class": (before(lambda run: run.keep(a=dict)), f"{KEEP}a=<class 'dict'>"),
    "keeps without a name": (
        before(lambda run: run.keep([1])),
        "run.keep must be given names, got [1]; write run.keep(model=model)",
    ),
    "keeps a state that is an object": (
        before(lambda run: run.keep(a=(object, int))),
        "run.keep must be given tensors, arrays and plain values (numbers, texts, lists, dicts) or ..., got object",
    ),
    "keeps a state that fails": (before(lambda run: run.keep(a=(lambda: 1 / 0, int))), "division by zero"),
    "changes a param": (before(lambda run: run.params.update(x=1)), "'mappingproxy' object has no attribute 'update'"),
    "sets a param": (
        before(lambda run: run.params.__setitem__("x", 1)),
        "'mappingproxy' object has no attribute '__setitem__'",
    ),
    "reads a param that is not there": (before(lambda run: run.params["lr"]), "'lr'"),
    "sets the epoch": (before(assign), "property 'epoch' of 'Run' object has no setter"),
    "raises": (before(lambda run: throw(ZeroDivisionError("the net has no layers"))), "the net has no layers"),
    "raises what has no words": (before(lambda run: throw(Mute())), "<exception str() failed>"),
    "raises half a letter": (before(lambda run: throw(ValueError("\ud800"))), "\\ud800"),
    "exits": (before(lambda run: sys.exit("I have had enough")), "I have had enough"),
    "presses Ctrl-C itself": (before(lambda run: throw(KeyboardInterrupt("stop"))), "stop"),
    "calls itself for ever": (endless, "maximum recursion depth exceeded..."),
}
"""What training code does, and the last words of its error."""
PROCESSES = {
    "returns at once": BROKEN["returns at once"],
    "reports twice": BROKEN["reports twice"],
    "raises half a letter": BROKEN["raises half a letter"],
    "exits": BROKEN["exits"],
    "leaves its process": (before(lambda run: os._exit(3)), "its worker died (exit code 3), 3 times"),
    "needs what it cannot import": (before(lambda run: throw(ImportError("no such package"))), "no such package"),
}
"""The same in a process of its own."""
FINE = {
    "reports from a thread": lambda run, epoch: elsewhere(run, 1.0),
    "reports a tensor of one element": lambda run, epoch: run.report(loss=torch.ones(1)),
    "reports a metric called self": lambda run, epoch: run.report(**dict.fromkeys(("loss", "self"), 1.0)),
    "prints what is no text": lambda run, epoch: (os.write(1, b"\xff\x00\xfe"), run.report(loss=1.0)),
}
"""What may look wrong and is not."""


def ends(sentence, error):
    """Check that an error ends with this sentence, after the user's own frames alone."""
    last = error.strip().splitlines()[-1]
    said = last.partition(": ")[2] if error.startswith("Traceback") else last
    assert re.fullmatch(".*".join(map(re.escape, sentence.split("..."))), said or last), error
    assert "/src/welltempered/" not in error or sentence.startswith("maximum recursion"), (
        "frames that nobody can change"
    )


def stops(train, sentence, *, workers):
    """Check that a study stops after three trials whose error is this sentence, and can be replayed."""
    with wt.Study.create(
        wt.Experiment(train, wt.Space(x=wt.Float(0, 1)), minimize="loss", epochs=9, method=FULL)
    ) as study:
        with pytest.raises(wt.TrainingFailed) as failed:
            study.run(train, budget="9 trials", workers=workers)
        first, _, error = str(failed.value).partition("\n")
        assert first == "the last 3 trials have all failed; the last error is:"
        assert [trial.failed for trial in study.trials] == [True] * 3
        assert study.trials[-1].error == error
        ends(sentence, error)
        assert study.replay(verify=True).differences == ()
        assert not study.history.running


@pytest.mark.parametrize("what", BROKEN)
def test_training_code_that_breaks_a_rule_is_told_so_and_stops_the_study(what):
    stops(*BROKEN[what], workers=0)


@pytest.mark.parametrize("what", PROCESSES)
def test_in_a_process_of_its_own_it_is_told_the_same(what):
    stops(*PROCESSES[what], workers=1)


@pytest.mark.parametrize("what", FINE)
def test_what_only_looks_wrong_is_fine(what):
    with tune(every_epoch(FINE[what])) as study:
        assert (study.best.epoch, study.best.value) == (9, 1.0)


@pytest.mark.parametrize(
    ("late", "sentence"),
    [
        (lambda run: run.report(loss=1.0), "run.report must be called inside `for epoch in run:`, got a call outside"),
        (lambda run: run.keep(a=(int, int)), EARLIER),
    ],
    ids=["reports after the loop", "keeps after the loop"],
)
def test_what_is_called_too_late_is_said_and_costs_nothing(late, sentence, capfd):
    def train(run):
        run.keep()
        for _ in run:
            run.report(loss=1.0)
        late(run)

    with tune(train) as study:
        assert [trial.state for trial in study.trials] == ["complete"]
    assert capfd.readouterr().err.strip().endswith(sentence)


def test_training_that_keeps_nothing_cannot_be_paused():
    def train(run):
        for _ in run:
            run.report(loss=1.0)

    with pytest.raises(
        wt.TrainingFailed, match=r"run\.keep must be called before the first epoch so .* resumable=False$"
    ):
        tune(train, method=wt.Hyperband(wt.Random()), budget=None)


def test_a_study_cannot_be_run_from_its_own_training_code():
    def train(run):
        study.run(train, budget="1 trials", workers=0)

    with wt.Study.create(
        wt.Experiment(train, wt.Space(x=wt.Float(0, 1)), minimize="loss", epochs=9, method=FULL)
    ) as study:
        with pytest.raises(wt.TrainingFailed, match=r"is being run by this process already; wait until that run ends$"):
            study.run(train, budget="9 trials", workers=0)
        assert study.history.spent == 0


def test_the_command_line_shows_the_error_of_broken_training_once(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "oblivious.py").write_text(
        "import welltempered as wt\n"
        "def train(run):\n    for epoch in run:\n        run.report(loss='low')\n"
        "experiment = wt.Experiment(train, wt.Space(x=wt.Float(0, 1)), minimize='loss', epochs=9)\n"
    )
    ended = command(
        ["tune", "oblivious.py", "--budget", "9 trials", "--workers", "0", "--path", "new"], capsys, monkeypatch
    )
    assert ended.err.count("Traceback (most recent call last):") == 1, "the user's own"
    quiet = type(ended)(ended.code, ended.out, ended.err.replace("Traceback", "Their traceback"))
    lines = sentence_of(quiet).splitlines()
    assert lines[0] == "the last 3 trials have all failed; the last error is:"
    assert lines[-1].endswith("InvalidInput: run.report must be given numbers, got loss='low'")
    assert len(lines) < 10
    assert command(["replay", "new", "--verify"], capsys, monkeypatch).code == 0
