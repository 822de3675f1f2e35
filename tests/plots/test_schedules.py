"""The picture of schedules: the curves are those of the values, each has its name, and nothing else is drawn."""

import numpy as np
import pytest

import welltempered as wt
from welltempered import plots

ALL = [wt.Constant(), wt.StepDecay(), wt.ExponentialDecay(), wt.PolynomialDecay(), wt.CosineDecay(), wt.OneCycle()]


def drawn(schedules, **settings):
    [axes] = plots.schedules(schedules, **settings).axes
    return axes


def test_every_schedule_is_a_curve_of_its_shares_with_its_name_on_it():
    axes = drawn(ALL, epochs=9)
    assert len(axes.lines) == len(ALL)
    assert [text.get_text() for text in axes.texts] == [type(schedule).__name__ for schedule in ALL]
    for line, text, schedule in zip(axes.lines, axes.texts, ALL, strict=True):
        epochs, shares = line.get_data()
        np.testing.assert_allclose(shares, schedule.at(epochs * 100, epochs=9, steps=100))
        assert text.get_color() == line.get_color()
        at, height = text.get_position()
        assert height == pytest.approx(np.interp(at, epochs, shares), abs=0.95)


def test_names_are_those_that_were_given_and_tell_apart_what_is_of_one_class():
    axes = drawn({"slow": wt.ExponentialDecay(1), "fast": wt.ExponentialDecay(9)}, epochs=9)
    assert [text.get_text() for text in axes.texts] == ["slow", "fast"]
    axes = drawn([wt.CosineDecay(), wt.CosineDecay(warmup=1)], epochs=9)
    assert [text.get_text() for text in axes.texts] == [repr(wt.CosineDecay()), repr(wt.CosineDecay(warmup=1))]


def test_steps_are_drawn_as_stairs():
    axes = drawn(wt.CosineDecay(), epochs=3, steps=2)
    (line,) = axes.lines
    assert line.get_drawstyle() == "steps-post"
    np.testing.assert_allclose(line.get_ydata(), wt.CosineDecay().at(np.arange(7), epochs=3, steps=2))


def test_a_plateau_falls_where_the_losses_say():
    axes = drawn(wt.ReduceOnPlateau(0.5, patience=2), epochs=6, losses=[3, 2, 2, 2, 1, 1])
    epochs, shares = axes.lines[0].get_data()
    np.testing.assert_allclose(shares[epochs < 4], 1)
    np.testing.assert_allclose(shares[(epochs >= 4)], 0.5)


def test_without_losses_a_plateau_has_an_example_in_which_it_falls():
    axes = drawn(wt.ReduceOnPlateau(patience=3), epochs=27)
    shares = axes.lines[0].get_ydata()
    assert shares[0] == 1
    assert shares[-1] < 1


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"schedules": "cosine"}, "schedule must be a schedule, such as CosineDecay(), got 'c'"),
        ({"schedules": 3}, "schedules must be a dict or list of schedules, got 3"),
        ({"schedules": {"a": 3}}, "schedule must be a schedule, such as CosineDecay(), got 3"),
        ({"epochs": 0}, "epochs must be a whole number of at least 1, got epochs=0"),
        ({"steps": 0}, "steps must be a whole number of at least 1, got steps=0"),
        ({"losses": 3}, "losses must be a list of numbers, one per epoch, got 3"),
        ({"losses": ["a"]}, "losses must be a list of numbers, one per epoch, got ['a']"),
    ],
)
def test_wrong_arguments_are_refused_with_a_sentence(changes, sentence):
    arguments = {"schedules": ALL, "epochs": 9} | changes
    with pytest.raises(wt.InvalidInput) as error:
        plots.schedules(**arguments)
    assert str(error.value) == sentence
