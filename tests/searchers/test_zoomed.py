"""The next space, where one knows what it should be: evidence made by hand for each change, and what always holds."""

import math

import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

import welltempered as wt
from evidence_histories import explored, history_with
from simulated import SPACES, chance
from telling import told
from welltempered.searchers.zoomed import zoom, zoomed
from welltempered.space import Choice, Float, Int, Space


def kinds_of(found):
    return {change.name: change.kind for change in found.changes}


def near(value, centre, width=1.0):
    """Return a loss that is least at the centre."""
    return ((value - centre) / width) ** 2


LR = Space(lr=Float(1e-5, 1e-1, scale="log"), noise=Float(0, 1))


def test_a_range_is_narrowed_on_its_scale_to_where_the_best_are():
    history = explored(LR, lambda params: near(math.log10(params["lr"]), -3), 100)
    found = zoom(history)
    low, high = found.space["lr"].low, found.space["lr"].high
    assert 1e-4 <= low < 1e-3 < high <= 1e-2
    assert kinds_of(found) == {"lr": "narrowed", "noise": "left"}
    assert found.space["noise"] == LR["noise"]
    assert "the best 10 of 100" in found.changes[0].why


def test_less_evidence_leaves_a_wider_range():
    widths = []
    for count in (40, 100, 400):
        found = zoom(explored(LR, lambda params: near(math.log10(params["lr"]), -3), count))
        widths.append(math.log10(found.space["lr"].high / found.space["lr"].low))
    assert widths[0] > widths[1] > widths[2]


@pytest.mark.parametrize("count", [0, 1, 9])
def test_too_few_trials_change_nothing_and_say_so(count):
    found = zoom(explored(LR, lambda params: params["lr"], count))
    assert found.space == LR
    assert found.changed == ()
    assert str(found).startswith("too few trials to zoom: 10 must have been trained")


def test_where_everything_diverged_nothing_changes():
    found = zoom(explored(LR, lambda params: None))
    assert found.space == LR


def test_where_all_losses_are_equal_nothing_is_narrowed_much():
    found = zoom(explored(SPACES["nested conditions"], lambda params: 1.0))
    assert "widened" not in kinds_of(found).values()


def test_noise_alone_seldom_narrows():
    """At a level of 1 in 20 a parameter without effect is narrowed once in twenty times."""
    wrong = 0
    for seed in range(100):
        history = explored(LR, lambda params, seed=seed: chance(params, seed), 40, seed=seed)
        wrong += sum(change.kind != "left" for change in zoom(history).changes)
    assert wrong <= 2 * 100 * 0.08


def test_diverged_trials_count_as_bad():
    def loss(params):
        return None if params["lr"] > 1e-2 else 1.0 - math.log10(params["lr"])

    lr = zoom(explored(LR, loss, 100)).space["lr"]
    assert lr.high < 5e-2
    assert lr.low > 1e-4


# ------------------------------------------------------------------ borders


def test_the_best_at_an_end_widen_the_range_so_that_the_end_is_its_middle():
    found = zoom(explored(LR, lambda params: -math.log10(params["lr"]), 60))
    lr = found.space["lr"]
    assert kinds_of(found)["lr"] == "widened"
    assert lr.low < 1e-1 < lr.high
    assert math.log10(lr.high) + 1 == pytest.approx(-1 - math.log10(lr.low), abs=0.05)


@pytest.mark.parametrize(
    ("parameter", "sign", "limit"),
    [
        (Float(0, 0.5, means="dropout"), 1, "high < 1"),
        (Float(0, 0.5, means="dropout"), -1, "low == 0"),
        (Float(0.5, 0.999, scale="one_minus_log", means="momentum"), 1, "0.999 < high < 1"),
        (Float(0.5, 0.95, means="momentum"), 1, "0.95 < high < 1"),
        (Float(0, 0.9), 1, "0.9 < high <= 1"),
        (Float(1e-5, 1e-1, scale="log"), -1, "0 < low < 1e-5"),
        (Float(1e-6, 1e-2, scale="zero_or_log"), 1, "high > 1e-2"),
        (Float(-3, 3), -1, "low < -3"),
        (Float(0.3, 0.9, step=0.1), -1, "0 <= low < 0.3"),
        (Int(1, 9), -1, "low == 1"),
        (Int(1, 9), 1, "high > 9"),
        (Int(16, 256, scale="log"), 1, "high > 256"),
        (Int(16, 256, scale="log", step=2), 1, "high in (512, 1024, 2048)"),
        (Int(16, 256, scale="log", step=2), -1, "low in (2, 4, 8)"),
        (Int(8, 128, step=8), -1, "low == 8"),
        (Int(40, 160, step=8), -1, "0 < low < 40 and low % 8 == 0"),
    ],
)
def test_a_range_is_widened_within_what_the_parameter_can_be(parameter, sign, limit):
    """Steps are kept: what was a value before and is inside remains one."""
    space = Space(x=parameter, other=Float(0, 1))
    history = explored(space, lambda params: -sign * (params["x"] or sign * -1e9), 80)
    after = zoom(history, quantile=0.1).space["x"]
    assert eval(limit, {"low": after.low, "high": after.high})
    assert (after.scale, after.step, after.means) == (
        parameter.scale.replace("zero_or_", ""),
        parameter.step,
        None,
    ) or (
        after.scale,
        after.step,
        after.means,
    ) == (parameter.scale, parameter.step, parameter.means)
    inside = [trial.params["x"] for trial in history.trials if after.low <= trial.params["x"] <= after.high]
    assert all(after.contains(value) for value in inside)


def test_within_the_old_space_nothing_is_widened_but_said():
    history = explored(LR, lambda params: -math.log10(params["lr"]), 60)
    found = zoomed(history, 0.1, 0.05, beyond=False)
    assert found.space["lr"].high == 1e-1
    assert kinds_of(found)["lr"] == "narrowed"
    ending = "the study's space ends there; wt.zoom(study.history) says how much further a next study's should reach"
    assert found.changes[0].why.endswith(ending)
    assert "widened" not in str(found)


# ------------------------------------------------------------------ options, zero, conditions, constraints


def test_an_option_that_is_clearly_bad_is_left_out():
    space = Space(act=Choice("relu", "tanh", "bad", default="bad"), x=Float(0, 1))
    found = zoom(explored(space, lambda params: near(params["x"], 0.5) + 9 * (params["act"] == "bad"), 120))
    assert found.space["act"] == Choice("relu", "tanh")
    assert found.changes[0].why.startswith("'bad' has 0 of the best 10 of 120 and 40 in all, by chance 1 in")


def test_an_option_stays_without_clear_evidence():
    space = Space(act=Choice("relu", "tanh", "bad"), x=Float(0, 1))
    found = zoom(explored(space, lambda params: near(params["x"], 0.5) + 9 * (params["act"] == "bad"), 20))
    assert found.space["act"] == space["act"]


def test_options_keep_their_objects():
    space = Space(act=Choice({"relu": max, "bad": min}), x=Float(0, 1))
    found = zoom(explored(space, lambda params: params["act"] == "bad", 60))
    assert found.space["act"].resolve("relu") is max


def test_zero_that_is_clearly_best_is_all_that_stays():
    space = Space(decay=Float(1e-6, 1e-2, scale="zero_or_log"), x=Float(0, 1))
    found = zoom(explored(space, lambda params: params["decay"] > 0, 60))
    assert found.space["decay"] == Choice(0.0)


def test_zero_that_is_clearly_bad_is_left_out_and_the_rest_narrowed_on_its_own():
    space = Space(decay=Float(1e-6, 1e-2, scale="zero_or_log", zero=0.5), x=Float(0, 1))

    def loss(params):
        return near(math.log10(params["decay"]), -4) if params["decay"] else 99

    decay = zoom(explored(space, loss, 200)).space["decay"]
    assert decay.scale == "log"
    assert 1e-5 < decay.low < 1e-4 < decay.high < 1e-3


def test_zero_stays_where_it_is_as_good_and_the_rest_is_narrowed():
    space = Space(decay=Float(1e-6, 1e-2, scale="zero_or_log", zero=0.5))

    def loss(params):
        return near(math.log10(params["decay"]), -4) if params["decay"] else chance(params, "zero") / 1e3

    pairs = [({"decay": 0.0}, 1e-4 * n) for n in range(40)]
    pairs += [({"decay": 10 ** (-6 + 0.1 * n)}, 1e-4 * (20 - n) ** 2) for n in range(41)]
    decay = zoom(history_with(space, pairs), quantile=0.2).space["decay"]
    assert (decay.scale, decay.zero) == ("zero_or_log", 0.5)
    assert 1e-6 < decay.low < 1e-4 < decay.high < 1e-2


def test_a_branch_is_judged_by_its_own_trials():
    """The one trial of adam is the best by far, and yet the momentum of sgd is narrowed."""
    space = Space(opt=Choice("sgd", "adam"), momentum=Float(0, 1).when(opt="sgd"))
    pairs = [({"opt": "adam"}, 0.1)]
    pairs += [({"opt": "sgd", "momentum": n / 100}, 1 + near(n / 100, 0.4)) for n in range(101)]
    momentum = zoom(history_with(space, pairs), quantile=0.1).space["momentum"]
    assert 0.25 < momentum.low < 0.4 < momentum.high < 0.55
    assert momentum.condition == space["momentum"].condition


def test_a_parameter_goes_whose_condition_can_never_hold_and_constraints_on_it():
    space = Space(
        depth=Int(1, 8),
        wide=Choice(True, False).when("depth > 5"),
        size=Int(1, 9).when(wide=True),
        x=Float(0, 1),
    ).where("size < 5", "x < 0.99")
    found = zoom(explored(space, lambda params: 5 * near(params["depth"], 2), 150))
    assert found.space["depth"].high <= 5
    assert list(found.space) == ["depth", "x"]
    assert [constraint.text for constraint in found.space.constraints] == ["x < 0.99"]
    assert kinds_of(found)["size"] == "dropped"
    assert "depth > 5 can never hold any more" in str(found)


def test_a_condition_on_options_speaks_of_those_that_are_left():
    space = Space(opt=Choice("sgd", "rmsprop", "adam"), m=Float(0, 1).when(opt=("sgd", "rmsprop")))
    found = zoom(explored(space, lambda params: params["opt"] == "rmsprop", 90))
    assert found.space["opt"] == Choice("sgd", "adam")
    assert found.space["m"].condition.text == "opt in ('sgd',)"


def test_a_number_keeps_two_values_at_least():
    space = Space(n=Int(1, 5), m=Int(16, 256, scale="log", step=2), other=Float(0, 1))
    found = zoom(explored(space, lambda params: 100 * (params["n"] != 3) + 100 * (params["m"] != 64), 400))
    assert found.space["n"].low <= 3 <= found.space["n"].high
    assert found.space["m"].low <= 64 <= found.space["m"].high
    assert found.space["n"].size < 5
    assert found.space["m"].size < 5
    assert all(parameter.size >= 2 for parameter in found.space.values())


# ------------------------------------------------------------------ what always holds


@settings(max_examples=60)
@given(
    name=st.sampled_from(sorted(SPACES)),
    seed=st.integers(0, 2**16),
    count=st.integers(0, 60),
    kind=st.sampled_from(["noise", "first", "flat"]),
    risk=st.sampled_from([0.05, 0.5]),
)
def test_a_part_lies_in_the_space_and_holds_the_best(name, seed, count, kind, risk):
    space = SPACES[name]
    first = next(iter(space.order))

    def loss(params):
        if kind == "first":
            return space[first].encode(params[first])
        return chance(params, seed) if kind == "noise" else 1.0

    history = explored(space, loss, count, seed=seed)
    part = zoomed(history, 0.2, risk, beyond=False)
    assert part == zoomed(history, 0.2, risk, beyond=False)
    assert [change.name for change in part.changes] == list(space)
    if history.best is not None:
        assert part.space.contains(history.best.params)
    for point in explored(part.space, lambda params: 0.0, 5).trials:
        assert space.contains(point.params)
        assert part.space.decode(part.space.encode(point.params)) == point.params
    assert Space.from_json(part.space.to_json()) == part.space
    wider = zoom(history, quantile=0.2).space
    assert Space.from_json(wider.to_json()) == wider
    assert all(len(line) <= 80 for line in str(part).splitlines())


EXTREMES = [
    Float(1e-300, 1e300, scale="log"),
    Float(1e-300, 1e300, scale="zero_or_log"),
    Float(1e-308, 1.7e308, scale="log"),
    Float(5e-324, 1e-300, scale="log"),
    Float(1e-200, 1e-190, scale="log"),
    Float(1e15, 1e15 + 1000),
    Float(1e15, 1e15 + 1e5),
    Float(1e15, 1e15 + 1000, scale="log"),
    Float(0, 1.7e308),
    Float(-8e307, 8e307),
    Float(1e-300, 1e-299),
    Float(1, 1 + 1e-10),
    Float(1 - 1e-9, 1 - 1e-15, scale="one_minus_log"),
    Float(-1e300, 0.5, scale="one_minus_log"),
    Int(2**62, 2**62 + 10**11),
    Int(1, 10**12 - 1, scale="log"),
]


@pytest.mark.parametrize("parameter", EXTREMES, ids=repr)
@pytest.mark.parametrize("best", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("beyond", [True, False])
def test_no_range_is_too_extreme_to_be_zoomed(parameter, best, beyond):
    space = Space(x=parameter, other=Float(0, 1))
    history = explored(space, lambda params: near(parameter.encode(params["x"]), best), 60)
    found = zoomed(history, 0.2, 0.5, beyond=beyond)
    assert found.space.contains(history.best.params)
    assert Space.from_json(found.space.to_json()) == found.space
    str(found)


POWERS = st.builds(lambda digits, power: float(f"{digits}e{power}"), st.integers(1, 99), st.integers(-320, 305))


@st.composite
def extreme(draw):
    """Draw a real parameter whose ends are as far apart, or as close, as floats are."""
    low, scale = draw(st.one_of(POWERS, POWERS.map(float.__neg__))), draw(st.sampled_from(Float._scales))
    high = draw(st.one_of(POWERS, st.floats(1e-12, 2).map(lambda part: low + part * abs(low))))
    try:
        parameter = Float(low, high, scale=scale)
        parameter.encode(high)
    except (wt.InvalidInput, ZeroDivisionError):
        return reject()
    return parameter


@settings(max_examples=200, suppress_health_check=[HealthCheck.filter_too_much])
@given(extreme(), st.sampled_from([0.0, 0.3, 1.0]), st.booleans())
def test_zooming_never_fails_and_holds_the_best(parameter, best, beyond):
    space = Space(x=parameter)
    history = explored(space, lambda params: near(parameter.encode(params["x"]), best), 20)
    assert zoomed(history, 0.2, 0.5, beyond=beyond).space.contains(history.best.params)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda history: zoom(history.space), "history must be that of a study, study.history, got Space(..."),
        (lambda history: zoom(None), "history must be that of a study, study.history, got None"),
        (
            lambda history: zoom(history, quantile=0),
            "quantile must be above 0 and at most 0.5, got quantile=0",
        ),
        (
            lambda history: zoom(history, quantile="0.1"),
            "quantile must be a number, above 0 and at most 0.5, got quantile='0.1'",
        ),
        (
            lambda history: zoom(history, quantile=math.nan),
            "quantile must be a number, above 0 and at most 0.5, got quantile=nan",
        ),
    ],
)
def test_a_wrong_call_is_told_what_is_right(call, sentence):
    told(lambda: call(history_with(LR, [])), sentence)


def test_a_space_is_left_whole_where_its_constraints_would_leave_nothing_of_the_part():
    space = Space(x=Float(0, 1), y=Float(0, 1)).where("x == y")
    found = zoom(history_with(space, [({"x": n / 100, "y": n / 100}, near(n / 100, 0.4)) for n in range(101)]))
    assert found.space == space
    assert "the constraints leave nothing of where the best are" in str(found)


@pytest.mark.parametrize("scale", ["linear", "log", "one_minus_log", "zero_or_log"])
@pytest.mark.parametrize("value", [0.01, 0.5, 0.9])
def test_a_range_never_shrinks_to_nothing_even_where_the_best_are_all_the_same(scale, value):
    space = Space(x=Float(0.01, 0.9, scale=scale), other=Float(0, 1))
    pairs = [({"x": 0.01 + 0.0089 * n, "other": 0.5}, 1.0) for n in range(100)]
    pairs += [({"x": value, "other": n / 20}, 0.0) for n in range(20)]
    x = zoomed(history_with(space, pairs), 0.2, 0.5, beyond=False).space["x"]
    assert x.contains(value)
    assert 0 < x.high - x.low < 0.2
