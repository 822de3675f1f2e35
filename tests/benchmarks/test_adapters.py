"""What the peers' adapters share: one encoding for all, the protocol, and evaluations that continue."""

import io
import json
import math
from pathlib import Path

import pytest

from benchmarks.adapters.encoding import Space, parameter
from benchmarks.adapters.evaluations import Evaluation, Evaluations
from benchmarks.adapters.methods import METHODS
from benchmarks.adapters.wire import DONE, WAIT, Work, converse

FOLDER = Path(__file__).parents[2] / "benchmarks"
SPACE = [
    {"name": "lr", "kind": "float", "low": 1e-4, "high": 0.1, "scale": "log"},
    {"name": "beta", "kind": "float", "low": 0.1, "high": 0.99, "scale": "one_minus_log"},
    {"name": "width", "kind": "int", "low": 16, "high": 512, "scale": "log"},
    {"name": "act", "kind": "choice", "values": ["relu", None, [1, 2]]},
    {"name": "only", "kind": "choice", "values": [[3]]},
    {"name": "same", "kind": "int", "low": 4, "high": 4, "scale": "linear"},
]


def test_peers_search_the_log_of_one_minus_x_and_mean_x():
    beta = parameter(SPACE[1])
    assert not beta.log
    assert (beta.low, beta.high) == pytest.approx((math.log(0.01), math.log(0.9)))
    assert beta.outer(beta.low) == pytest.approx(0.99)
    assert beta.outer(beta.high) == pytest.approx(0.1)
    assert beta.outer(math.log(0.1)) == pytest.approx(0.9)


@pytest.mark.parametrize("inner", [math.log(0.01) - 1e-12, math.log(0.9) + 1e-12])
def test_rounding_never_leaves_the_bounds(inner):
    assert 0.1 <= parameter(SPACE[1]).outer(inner) <= 0.99


def test_what_is_fixed_is_not_searched_and_comes_back():
    space = Space.read(SPACE)
    assert [each.name for each in space.searched] == ["lr", "beta", "width", "act"]
    params = space.outer({"act": "2", "lr": 0.01, "width": 63.7, "beta": math.log(0.5)})
    assert params == {"lr": 0.01, "beta": 0.5, "width": 64, "act": [1, 2], "only": [3], "same": 4}
    assert list(params) == [row["name"] for row in SPACE]


def test_unknown_kinds_and_scales_are_refused():
    with pytest.raises(ValueError, match="kind must be"):
        parameter({"name": "x", "kind": "ordinal"})
    with pytest.raises(ValueError, match="scale of a int"):
        parameter({"name": "x", "kind": "int", "low": 1, "high": 2, "scale": "one_minus_log"})


class Script:
    """An evaluator that wishes what it was told to, and notes what it hears."""

    def __init__(self, *wishes):
        self.wishes, self.heard = list(wishes), []

    def ask(self):
        return self.wishes.pop(0) if self.wishes else DONE

    def tell(self, token, loss):
        self.heard.append((token, loss))


def wish(token, same, until):
    return Evaluation(token, {}, until, same)


def test_a_promoted_configuration_goes_on_with_its_training():
    script = Script(wish("a", 7, 1), wish("b", 7, 3))
    method = Evaluations(script, Space(()))
    assert method.ask() == Work(0, {}, 1)
    assert not method.report(0, 1, 0.5)
    assert method.ask() == Work(0, {}, 3, 0)
    assert method.report(0, 2, 0.4)
    assert not method.report(0, 3, 0.3)
    assert script.heard == [("a", 0.5), ("b", 0.3)]


def test_a_configuration_that_is_in_training_or_trained_far_enough_gets_a_training_of_its_own():
    method = Evaluations(Script(wish("a", 7, 1), wish("b", 7, 3), wish("c", 7, 1)), Space(()))
    assert [method.ask().trial for _ in range(2)] == [0, 1]
    method.report(1, 3, 0.3)
    assert method.ask() == Work(2, {}, 1)


def test_more_of_what_has_diverged_costs_no_epoch():
    script = Script(wish("a", 7, 9), wish("b", 7, 27), wish("c", 8, 1))
    method = Evaluations(script, Space(()))
    method.ask()
    assert not method.report(0, 2, None)
    assert method.ask().trial == 1
    assert script.heard == [("a", None), ("b", None)]


class Counter:
    """A method that answers what the protocol has."""

    def __init__(self, begin):
        self.begin, self.asked = begin, 0

    def ask(self):
        self.asked += 1
        return {1: Work(0, {"lr": 0.1}, self.begin.epochs), 2: WAIT}.get(self.asked, DONE)

    def report(self, trial, epoch, loss):
        return loss is not None and epoch < self.begin.epochs


def talk(*messages):
    out = io.StringIO()
    converse({"counter": Counter}, io.StringIO("".join(json.dumps(message) + "\n" for message in messages)), out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


BEGIN = {"op": "begin", "method": "counter", "seed": 1, "epochs": 3, "workers": 2, "budget": 9, "space": SPACE}
NEXT = {"op": "next", "slot": 0}


def test_a_conversation_says_what_the_protocol_says():
    report = {"op": "report", "trial": 0, "epoch": 1}
    answers = talk(BEGIN, NEXT, NEXT, NEXT, {**report, "loss": 0.5}, {**report, "loss": None}, {"op": "end"}, NEXT)
    times = [answer.pop("ms") for answer in answers if "ms" in answer]
    assert len(times) == 3
    assert min(times) >= 0
    work = {"trial": 0, "params": {"lr": 0.1}, "until": 3, "continues": None}
    assert answers == [{"ok": True}, work, {"wait": True}, {"done": True}, {"go": True}, {"go": False}]


def test_a_second_begin_starts_anew():
    answers = talk(BEGIN, NEXT, BEGIN, NEXT)
    assert answers[1]["trial"] == answers[3]["trial"] == 0


def test_unknown_methods_and_words_are_refused():
    with pytest.raises(ValueError, match=r"method must be one of \['counter'\]"):
        talk({**BEGIN, "method": "other"})
    with pytest.raises(ValueError, match="beginning with begin"):
        talk(NEXT)


def test_every_method_has_pins_and_an_adapter_that_names_it():
    for name, line in METHODS.items():
        assert (FOLDER / "pins" / f"{line.environment}.txt").is_file()
        assert f'"{name}"' in (FOLDER / "adapters" / f"{line.module}.py").read_text()
