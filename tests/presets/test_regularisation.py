"""Weight decay, dropout, label smoothing, clipping."""

import pytest

from welltempered.errors import InvalidInput
from welltempered.presets.regularisation import clip_norm, dropout, label_smoothing, weight_decay


@pytest.mark.parametrize("preset", [weight_decay, dropout, label_smoothing])
def test_regularisation_is_off_by_default_where_it_can_be(preset):
    assert preset().start == 0.0
    assert dropout(0.1, 0.5).default is None


def test_dropout_is_in_tenths_unless_told_otherwise():
    assert list(dropout().values()) == [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]
    assert dropout(step=None).contains(0.123)
    assert not dropout().contains(0.123)


def test_the_share_of_zero_weight_decay_can_be_said():
    assert weight_decay(zero=0.5).decode(0.499) == 0.0
    assert weight_decay(zero=0.5).decode(0.5) == 1e-6
    with pytest.raises(InvalidInput, match="zero must be a probability between 0 and 1"):
        weight_decay(zero=1)


def test_clipping_begins_at_one():
    assert clip_norm().start == 1.0


def test_a_step_wider_than_the_range_is_refused():
    with pytest.raises(InvalidInput, match="step must be above 0 and at most high - low"):
        dropout(0, 0.05)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: weight_decay(0, 1e-2), "zero is included already, its chance is zero=..."),
        (lambda: clip_norm(0), "^low must be above 0, got low=0$"),
        (lambda: dropout(0, 50), r"^high must be at least 0 and below 1 \(half of them is 0.5\), got high=50$"),
        (lambda: label_smoothing(0, 1), "high must be at least 0 and below 1"),
        (lambda: dropout(0.05, 0.5), "step must lead from low to high, .*; step=None stands for any value between"),
    ],
)
def test_what_regularisation_cannot_be_is_refused_with_the_way_out(call, sentence):
    with pytest.raises(InvalidInput, match=sentence):
        call()
