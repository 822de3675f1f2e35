import pytest

from simulated import simulate, study_of
from welltempered.events import Resumed
from welltempered.schedulers import trust
from welltempered.schedulers.freeze_thaw import FreezeThaw
from welltempered.schedulers.trust import Trust
from welltempered.space import Float, Space

pytestmark = pytest.mark.usefixtures("no_global_randomness")


def noted(*found):
    """Return what is believed of a model that expected 0 ± 1 each time."""
    believed = Trust()
    for each in found:
        believed.note(0.0, 1.0, each)
    return believed


def test_a_model_is_believed_until_it_was_wrong_in_most_of_twenty_cases():
    assert not noted(*[5.0] * 19).lost
    assert noted(*[5.0] * 20).lost
    assert noted(*[0.0] * 9, *[-5.0] * 11).lost
    assert not noted(*[0.0] * 10, *[5.0] * 10).lost


def test_trust_comes_back_when_the_last_cases_came_true():
    assert not noted(*[5.0] * 20, *[0.0] * 10).lost


def test_whoever_is_not_believed_leaves_the_decision_to_halving(monkeypatch):
    def falling(params, epoch):
        return {"loss": (params["x"] - 0.3) ** 2 + 1 / epoch}

    def resumed():
        """Return the ends of the last leases of trials that went on."""
        study = study_of(Space(x=Float(0, 1)), FreezeThaw(), epochs=27)
        simulate(study, curve=falling, budget="300 epochs")
        assert study.replay(verify=True).differences == ()
        return {event.until for event in study.history.events if isinstance(event, Resumed)} - {3, 9, 27}

    assert resumed() - {2}
    monkeypatch.setattr(trust, "_LEAST", 1.1)
    monkeypatch.setattr(trust, "_LAST", 1)
    assert resumed() <= {2}
