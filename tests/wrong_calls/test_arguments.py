"""Wrong arguments of experiments, methods, budgets and limits, each with the sentence that one is told."""

import math
import threading

import numpy as np
import pytest

import welltempered as wt
from telling import contents, told
from trainings import FULL, SPACE, experiment, steady, tune

WHOLE = "must be a whole number of at least"
UNIT = "budget must be an amount and a unit, such as '200 epochs', '30 trials', '10 min', '2 h', or several: ..."
EXPERIMENTS = [
    ("experiment(None)", "train must be a function of one argument, the run, got None"),
    ("experiment('train.py')", "train must be a function of one argument, the run, got 'train.py'"),
    (
        "experiment(lambda: 0)",
        "train must be a function of one argument, the run: write def train(run), got <function ...",
    ),
    ("experiment(lambda run, x: 0)", "...write def train(run), got <function ...: missing a required argument: 'x'"),
    ("experiment(lambda run, *, x: 0)", "...write def train(run), got <function ...: missing a required argument: 'x'"),
    (
        "experiment(asynchronous)",
        "train must be ..., that trains when it is called: do without async and yield, got ...",
    ),
    ("experiment(generator)", "train must be ..., that trains when it is called: do without async and yield, got ..."),
    (
        "experiment(space={'x': wt.Float(0, 1)})",
        "space must be a Space, such as Space(lr=...), got {'x': Float(0.0, 1.0)}",
    ),
    ("experiment(space=None)", "space must be a Space, such as Space(lr=Float(1e-5, 1e-1)), got None"),
    ("experiment(space=wt.Space)", "space must be a Space, such as Space(lr=...), got <class ...>"),
    (
        "wt.Experiment(SPACE, steady, minimize='loss', epochs=3)",
        "train must be a function ..., got Space( x=Float(0.0, 1.0), )",
    ),
    (
        "experiment(maximize='accuracy')",
        "exactly one of minimize and maximize ..., got minimize='loss', maximize='accuracy'",
    ),
    ("experiment(minimize=None)", "exactly one of minimize and maximize ..., got minimize=None, maximize=None"),
    (
        "experiment(minimize=3)",
        "exactly one of minimize and maximize must name a metric, got minimize=3, maximize=None",
    ),
    (
        "experiment(minimize='')",
        "exactly one of minimize and maximize must name a metric, got minimize='', maximize=None",
    ),
    ("experiment(minimize=['loss'])", "exactly one of ... must name a metric, got minimize=['loss'], maximize=None"),
    ("experiment(minimize='a\\nb')", "the metric must have a name that can be printed, got 'a\\nb'"),
    ("experiment(epochs=0)", f"epochs {WHOLE} 1 and below 2**63, got epochs=0"),
    ("experiment(epochs=-1)", f"epochs {WHOLE} 1 and below 2**63, got epochs=-1"),
    ("experiment(epochs=2.5)", f"epochs {WHOLE} 1 and below 2**63, got epochs=2.5"),
    ("experiment(epochs=9.0)", f"epochs {WHOLE} 1 and below 2**63, got epochs=9.0"),
    ("experiment(epochs='9')", f"epochs {WHOLE} 1 and below 2**63, got epochs='9'"),
    ("experiment(epochs=True)", f"epochs {WHOLE} 1 and below 2**63, got epochs=True"),
    ("experiment(epochs=None)", f"epochs {WHOLE} 1 and below 2**63, got epochs=None"),
    ("experiment(epochs=2**63)", f"epochs {WHOLE} 1 and below 2**63, got epochs={2**63}"),
    ("experiment(seed=-1)", f"seed {WHOLE} 0 and below 2**63, got seed=-1"),
    ("experiment(seed=None)", f"seed {WHOLE} 0 and below 2**63, got seed=None"),
    ("experiment(seed='lucky')", f"seed {WHOLE} 0 and below 2**63, got seed='lucky'"),
    ("experiment(resumable='no')", "resumable must be True or False, got resumable='no'"),
    ("experiment(resumable=None)", "resumable must be True or False, got resumable=None"),
    (
        "experiment(method=wt.Random())",
        "method must be ..., got Random(); write Hyperband(Random()), or ...",
    ),
    (
        "experiment(method=wt.Hyperband)",
        'method must be "auto" or a scheduler such as Hyperband(Sobol()), got <class ...>',
    ),
    (
        "experiment(method='hyperband')",
        "method must be \"auto\" or a scheduler such as Hyperband(Sobol()), got 'hyperband'; a scheduler is ...",
    ),
    ("experiment(method={})", 'method must be "auto" or a scheduler such as Hyperband(Sobol()), got {}'),
]
METHODS = [
    ("wt.Full(None)", "searcher must be one such as Sobol() or Random(), got None"),
    ("wt.Full(wt.Random)", "...got <class ...>; give an instance, such as Full(Sobol())"),
    (
        "wt.Full(FULL)",
        "searcher must be ...; it is one already: Full(Random())",
    ),
    ("wt.Halving('random')", "searcher must be one such as Sobol() or Random(), got 'random'"),
    ("wt.Hyperband(3)", "searcher must be one such as Sobol() or Random(), got 3"),
    ("wt.Hyperband(wt.Random(), eta=1)", f"eta {WHOLE} 2 (usual: 2, 3, 4), got eta=1"),
    ("wt.Hyperband(wt.Random(), eta=2.5)", f"eta {WHOLE} 2 (usual: 2, 3, 4), got eta=2.5"),
    ("wt.Hyperband(wt.Random(), eta='3')", f"eta {WHOLE} 2 (usual: 2, 3, 4), got eta='3'"),
    ("wt.Hyperband(wt.Random(), rounds=0)", f"rounds {WHOLE} 1 or None, got rounds=0"),
    ("wt.Hyperband(wt.Random(), rounds=True)", f"rounds {WHOLE} 1 or None, got rounds=True"),
    ("wt.Halving(wt.Random(), first=0)", f"first {WHOLE} 1, got first=0"),
    ("wt.Halving(wt.Random(), first=True)", f"first {WHOLE} 1, got first=True"),
    ("wt.Halving(wt.Random(), brackets=2.0)", f"brackets {WHOLE} 1, got brackets=2.0"),
    (
        "tune(method=wt.Halving(wt.Random(), brackets=9))",
        "brackets must be at most the number of rungs, 3 for epochs=9, ...",
    ),
    (
        "tune(method=wt.Halving(wt.Random(), first=99))",
        "first must be at most the epochs of a full training, 9, got 99",
    ),
    (
        "tune(method=wt.Hyperband(wt.Random()), resumable=False)",
        "Hyperband must be able to pause trials, got resumable=False; ...",
    ),
    ("wt.Grid(points=1)", f"points {WHOLE} 2, got points=1"),
    ("wt.Grid(points='5')", f"points {WHOLE} 2, got points='5'"),
    ("wt.Grid(points=2.5)", f"points {WHOLE} 2, got points=2.5"),
    ("wt.Grid(points=None)", f"points {WHOLE} 2, got points=None"),
    ("wt.Grid(limit=0)", f"limit {WHOLE} 1, got limit=0"),
    ("wt.Simulator(None)", "curve must be a function of params, got None"),
    ("wt.Simulator(curve, slots=0)", f"slots {WHOLE} 1, got slots=0"),
    ("wt.Simulator(curve, slots='2')", f"slots {WHOLE} 1, got slots='2'"),
    ("wt.Simulator(curve, seconds=3)", "seconds must be a function of params, got 3"),
]
BUDGETS = [
    *[
        (f"wt.Budget.of({text!r})", f"{UNIT}, got {text!r}")
        for text in ("", "10", "-3 epochs", "10 parsecs", "1e9", ",")
    ],
    *[
        (f"wt.Budget.of({text!r})", f"{UNIT}, got {text!r}")
        for text in ("nan epochs", "inf epochs", "1e3 epochs", "none")
    ],
    *[
        (f"wt.Budget.of({text!r})", f"{UNIT}, got {text!r}")
        for text in ("9 epochs 3 trials", "9 epochs,", "10 m", "10 ss")
    ],
    ("wt.Budget.of('0 s')", "budget must be above zero, got '0 s'"),
    ("wt.Budget.of('1.5 epochs')", "budget must be a whole number of epochs, got '1.5 epochs'"),
    ("wt.Budget.of('9 epochs, 9 epochs')", "budget must name each unit once, got '9 epochs, 9 epochs'"),
    (
        "wt.Budget.of('9' * 400 + ' epochs')",
        "budget must be a number that fits into a float, got '999...; None is no bound",
    ),
    ("wt.Budget.of(3)", "budget must say its unit, such as ..., got 3"),
    ("wt.Budget.of(True)", "budget must say its unit, such as ..., got True"),
    ("wt.Budget.of(b'9 epochs')", "budget must say its unit, such as ..., got b'9 epochs'"),
    ("wt.Budget.of(wt.Budget)", "budget must say its unit, such as ..., got <class 'welltempered.budget.Budget'>"),
    ("wt.Budget(epochs=0)", "epochs of a budget must be above zero, got epochs=0"),
    ("wt.Budget(epochs='9')", "epochs of a budget must be above zero, got epochs='9'"),
    ("wt.Budget(epochs=None)", "epochs of a budget must be above zero, got epochs=None"),
    ("wt.Budget(epochs=2.5)", "epochs of a budget must be a whole number, got epochs=2.5"),
    ("wt.Budget(trials=True)", "trials of a budget must be above zero, got trials=True"),
    ("wt.Budget(seconds=math.nan)", "seconds of a budget must be above zero, got seconds=nan"),
]
SIZE = "must be above zero and have a unit, such as '4 GB', got"
TIME = "must be above zero and have a unit, such as '10 min', got"
LIMITS = [
    *[
        (f"wt.Limits(memory={value})", f"memory {SIZE} memory={value}")
        for value in ("'4'", "'10 min'", "-1", "True", "[4]")
    ],
    *[(f"wt.Limits(epoch={value})", f"epoch {TIME} epoch={value}") for value in ("'10'", "'5 GB'", "'ten min'", "0")],
    ("wt.Limits(disk='lots')", f"disk {SIZE} disk='lots'"),
    ("wt.Limits(grace='soon')", f"grace {TIME} grace='soon'"),
    ("wt.Limits(saving=-1)", "saving must be a share of at least 0, such as 0.1, got saving=-1"),
    ("wt.Limits(saving='0.1')", "saving must be a share of at least 0, such as 0.1, got saving='0.1'"),
    ("wt.Limits(retries=1.5)", f"retries {WHOLE} 0, got retries=1.5"),
    ("wt.Limits(retries=True)", f"retries {WHOLE} 0, got retries=True"),
]
TUNE = [
    ("tune(workers=-1, path='new')", "workers must be a whole number in 0..1024, got workers=-1"),
    ("tune(workers=1.5, path='new')", "workers must be a whole number in 0..1024, got workers=1.5"),
    ("tune(workers='2', path='new')", "workers must be a whole number in 0..1024, got workers='2'"),
    ("tune(workers=True, path='new')", "workers must be a whole number in 0..1024, got workers=True"),
    ("tune(workers=9999, path='new')", "workers must be a whole number in 0..1024, got workers=9999"),
    ("tune(budget=30, path='new')", "budget must say its unit, such as ..., got 30"),
    (
        "tune(limits={'memory': '4 GB'}, path='new')",
        "limits must be Limits, such as Limits(memory='4 GB'), got {'memory': '4 GB'}",
    ),
    ("tune(limits=0, path='new')", "limits must be Limits, such as Limits(memory='4 GB'), got 0"),
    (
        "tune(limits=wt.Limits(memory='4 GB'), path='new')",
        "limits of memory and time need workers that can be ended, ...; use workers=1",
    ),
    ("tune(progress='no', path='new')", "progress must be True or False, got progress='no'"),
    ("tune(path=3)", "path must be a path, such as 'studies/first', got path=3"),
    ("tune(path=b'new')", "path must be a path, such as 'studies/first', got path=b'new'"),
    ("tune(path=['new'])", "path must be a path, such as 'studies/first', got path=['new']"),
    ("tune(path=True)", "path must be a path, such as 'studies/first', got path=True"),
    ("tune(path='')", "path must not be empty, got path=''; the folder one is in is '.'"),
    ("tune(path='a\\0b')", "path must be a path of this system, which knows no NUL in it, got 'a\\x00b'"),
    ("tune(path='a\\ud800b')", "path must be a path of this system, got 'a\\ud800b'"),
    ("tune(path='a' * 300)", "path must be a folder that can be made, got aaa...: File name too long"),
    (
        "tune(path='~no_such_user/new')",
        "path must be in a home folder that is known, got ~no_such_user/new; write it without ~",
    ),
    ("tune(path='file.txt')", "path must be a folder, got the file file.txt"),
    ("tune(path='file.txt/new')", "path must be a folder that can be made, got file.txt/new: Not a directory"),
    (
        "tune(Stuck(), workers=1)",
        "train must be something that can be sent to worker processes, got <...Stuck object ...; create ...",
    ),
]


async def asynchronous(run):
    """Train some day."""


def generator(run):
    yield run


def curve(params, epoch):
    return {"loss": params["x"] / epoch}


class Stuck:
    """Training code that no other process can be given."""

    def __init__(self):
        self.lock = threading.Lock()

    def __call__(self, run):
        pass


@pytest.mark.parametrize(("call", "sentence"), [*EXPERIMENTS, *METHODS, *BUDGETS, *LIMITS, *TUNE])
def test_a_wrong_argument_is_refused_in_a_sentence_and_nothing_is_made(call, sentence, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file.txt").write_text("mine")
    told(lambda: eval(call), sentence)
    assert contents(tmp_path) == {"file.txt": b"mine"}


def test_whole_numbers_of_numpy_are_whole_numbers():
    made = experiment(
        epochs=np.int64(9), seed=np.int32(3), method=wt.Halving(wt.Grid(points=np.int64(3)), eta=np.int8(2))
    )
    assert made == experiment(epochs=9, seed=3, method=wt.Halving(wt.Grid(points=3), eta=2))
    with tune(epochs=np.int64(9), workers=np.int64(0), method=FULL) as study:
        assert study.best.epoch == 9
    assert math.isinf(wt.Budget.of(None).epochs)
    assert {type(made.epochs), type(made.seed)} == {int}
    assert made.space == SPACE
    assert made.train is steady
