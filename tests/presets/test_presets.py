"""What holds for every preset, whatever its scale and bounds."""

import inspect
import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from preset_strategies import PRESETS, presets

from welltempered.errors import InvalidInput
from welltempered.presets.design import units
from welltempered.presets.facts import about
from welltempered.space import Space

every_preset = pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.__name__)


def made(preset):
    return preset(n_in=784, n_out=10) if preset is units else preset()


@given(parameter=presets, u=st.floats(0, 1))
def test_what_is_decoded_encodes_and_decodes_to_itself(parameter, u):
    value = parameter.decode(u)
    assert parameter.contains(value)
    assert parameter.decode(parameter.encode(value)) == value


@given(parameter=presets)
def test_the_default_is_one_of_the_values_and_so_are_both_ends(parameter):
    assert parameter.contains(parameter.start)
    assert parameter.contains(parameter.low)
    assert all(map(parameter.contains, parameter.grid(3)))


@given(parameter=presets)
def test_json_and_pickles_keep_a_preset_and_what_it_means(parameter):
    space = Space(it=parameter.when("other > 1"), other=units(n_in=64, n_out=10))
    for copy in (Space.from_json(json.loads(json.dumps(space.to_json()))), pickle.loads(pickle.dumps(space))):
        assert copy == space
        assert copy["it"].means == parameter.means is not None
        assert copy["it"].start == parameter.start


@given(parameter=presets)
def test_every_preset_has_its_facts(parameter):
    fact = about(parameter)
    assert fact.means == parameter.means
    assert fact.why
    assert fact.role in {"training", "design"}


@every_preset
def test_a_preset_means_its_own_name(preset):
    assert made(preset).means == preset.__name__


@every_preset
def test_the_usual_value_of_a_hyperparameter_lies_in_its_usual_range(preset):
    usual = about(preset.__name__).usual
    assert usual is None or made(preset).contains(usual)


@every_preset
def test_the_default_can_be_said(preset):
    end = made(preset).high
    assert (preset(n_in=784, n_out=10, default=end) if preset is units else preset(default=end)).start == end


@every_preset
@pytest.mark.parametrize("wrong", ["0.1", True, float("nan"), [1], -1e9])
def test_a_default_that_is_none_of_the_values_is_refused(preset, wrong):
    with pytest.raises(InvalidInput, match="default must be"):
        preset(n_in=784, n_out=10, default=wrong) if preset is units else preset(default=wrong)


@every_preset
@pytest.mark.parametrize("wrong", ["0.1", True, float("nan"), [1], {}, 1 + 1j])
def test_bounds_that_are_no_numbers_are_refused(preset, wrong):
    for name in ("low", "high"):
        with pytest.raises(InvalidInput, match=f"{name} must be"):
            preset(**{"low": 1, "high": 4, name: wrong} if preset is units else {name: wrong})


@every_preset
def test_bounds_in_the_wrong_order_are_refused(preset):
    with pytest.raises(InvalidInput, match=r"low must be below high|high must be at least twice low"):
        preset(**({"low": 64, "high": 16} if preset.__name__ in {"units", "batch_size"} else {"low": 0.4, "high": 0.2}))


@every_preset
def test_only_bounds_are_positional_so_that_a_default_is_never_taken_for_one(preset):
    positional = [p.name for p in inspect.signature(preset).parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert positional == ["low", "high"]
