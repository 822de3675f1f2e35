"""The preset of the schedule: what each option brings with it, and that all it draws can be built."""

import numpy as np
import pytest

import welltempered as wt
from annealed import NAMES
from welltempered.annealing.named import SCHEDULES

OWN = {
    "step": {"step_factor", "step_drops", "warmup"},
    "exponential": {"exponential_rate", "warmup"},
    "polynomial": {"polynomial_power", "warmup"},
    "one_cycle": {"one_cycle_rise"},
    "plateau": {"plateau_factor", "plateau_patience", "warmup"},
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("prefix", ["", "generator_"])
def test_every_option_has_its_own_params_and_builds_its_schedule(name, prefix):
    space = wt.Space(wt.schedule(*NAMES, prefix=prefix))
    rng = np.random.default_rng(0)
    for _ in range(20):
        draw = rng.random(len(space))
        draw[0] = (NAMES.index(name) + 0.5) / len(NAMES)
        params = space.decode(draw)
        found = {key.removeprefix(prefix) for key in params}
        assert found == {"schedule", *OWN.get(name, {"warmup"})}
        schedule = wt.schedule_of(params, prefix)
        assert type(schedule) is SCHEDULES[name]
        for key in found - {"schedule", "warmup"}:
            assert getattr(schedule, key.removeprefix(f"{name}_")) == params[prefix + key]
        assert schedule.warmup == params.get(f"{prefix}warmup", 0)


def test_the_usual_options_are_offered_and_cosine_is_the_default():
    parameters = wt.schedule()
    assert parameters["schedule"].options == tuple(name for name in NAMES if name != "polynomial")
    assert wt.Space(parameters).defaults() == {"schedule": "cosine", "warmup": 0.0}


def test_defaults_of_the_params_are_those_of_the_schedules():
    for name in NAMES:
        if name == "exponential":  # its default is the middle of the range, on the scale
            continue
        assert wt.schedule_of(wt.Space(wt.schedule(name)).defaults()) == SCHEDULES[name]()


def test_every_parameter_says_what_it_means_without_its_prefix():
    for name, parameter in wt.schedule(*NAMES, prefix="g_").items():
        assert f"g_{parameter.means}" == name


def test_decay_rates_are_drawn_on_a_log_scale():
    parameters = wt.schedule(*NAMES)
    assert {parameters[name].scale for name in ("step_factor", "exponential_rate", "plateau_factor")} == {"log"}


def test_one_cycle_alone_has_no_warm_up_since_it_rises_by_itself():
    assert list(wt.schedule("one_cycle")) == ["schedule", "one_cycle_rise"]


def test_a_space_with_it_comes_back_from_json():
    space = wt.Space(lr=wt.Float(1e-3, 1, scale="log"), **wt.schedule(*NAMES))
    assert wt.Space.from_json(space.to_json()) == space


@pytest.mark.parametrize(
    ("names", "prefix", "sentence"),
    [
        (("cosine", "cos"), "", "there is no schedule 'cos', did you mean 'cosine'."),
        ((["cosine"],), "", r'write schedule."cosine".'),
        (("cosine", "cosine"), "", "names must differ, got cosine, cosine"),
        (("cosine",), "1_", "prefix must be a word such as 'disc', got prefix='1_'"),
    ],
)
def test_wrong_names_are_refused_with_a_sentence(names, prefix, sentence):
    with pytest.raises(wt.InvalidInput, match=sentence):
        wt.schedule(*names, prefix=prefix)
