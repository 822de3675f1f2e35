import pytest

from simulated import SPACES, copied, history_of, params_of, simulate, study_of, suggested
from welltempered.errors import InvalidInput
from welltempered.schedulers.full import Full
from welltempered.searchers.first import First
from welltempered.searchers.grid import Grid
from welltempered.searchers.random import Random
from welltempered.searchers.sobol import Sobol
from welltempered.searchers.zoom import Zoom
from welltempered.space import Float, Int, Space

SPACE = Space(lr=Float(1e-5, 1e-1, scale="log", default=1e-3), layers=Int(1, 5).when("lr < 0.01"), seed=Int(1, 3))


def test_settings_come_first_and_in_their_order():
    given = [{"lr": 0.05, "seed": 3}, {"lr": 0.001, "layers": 4, "seed": 1}]
    found = suggested(First(Sobol(), given), SPACE, 4)
    assert found[:2] == given
    assert found[2:] == suggested(Sobol(), SPACE, 2)


def test_what_a_setting_leaves_out_is_the_default():
    assert suggested(First(Random(), [{"seed": 1}]), SPACE, 1) == [{"lr": 1e-3, "layers": 3, "seed": 1}]
    assert suggested(First(Random()), SPACE, 1) == [SPACE.defaults()]


def test_a_setting_given_twice_is_tried_once():
    first = First(Grid(), [{"lr": 0.05, "seed": 3}] * 2)
    assert suggested(first, SPACE, 30).count({"lr": 0.05, "seed": 3}) == 1


@pytest.mark.parametrize(
    ("setting", "error"),
    [
        ({"lr": 1.0}, "lr cannot be 1.0, it is Float"),
        ({"lrr": 0.1}, "did you mean 'lr'"),
        ({"lr": 0.05, "layers": 3}, "layers is inactive unless"),
    ],
)
def test_a_setting_outside_of_the_space_is_refused_before_anything_is_trained(setting, error):
    with pytest.raises(InvalidInput, match=error):
        First(Sobol(), [{}, setting]).suggest(history_of(SPACE, Full(Sobol())))


def test_a_setting_that_a_zoom_has_left_behind_is_no_error():
    method = Full(Zoom(First(Random(), [{"lr": 0.1, "dropout": 0.5}]), start=10, growth=1.2))
    study = simulate(study_of(SPACES["continuous"], method), budget="200 epochs")
    assert params_of(study.history)[0] == {"lr": 0.1, "dropout": 0.5}
    assert study.replay(verify=True).differences == ()


def test_a_study_interrupted_among_the_settings_goes_on_with_the_next():
    given = [{"lr": lr, "seed": 3} for lr in (0.02, 0.03, 0.04)]
    straight = simulate(study_of(SPACE, Full(First(Random(), given))), slots=2, budget="50 epochs")
    study = copied(straight, 5)
    simulate(study, slots=2, budget="50 epochs")
    assert params_of(study.history)[:3] == given
    assert study.replay(verify=True).differences == ()


def test_a_dict_instead_of_a_list_is_refused():
    with pytest.raises(
        InvalidInput, match=r"^settings must be a list of params, got \{'lr': 0.1\}; write \[\{\.\.\.\}\]"
    ):
        First(Sobol(), {"lr": 0.1})
