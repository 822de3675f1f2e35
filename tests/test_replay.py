import msgspec
import pytest

from simulated import SPACES, records, simulate, study_of
from welltempered.errors import CorruptLog
from welltempered.events import Resumed, Started
from welltempered.replay import replay
from welltempered.schedulers.full import Full
from welltempered.schedulers.halving import Halving
from welltempered.searchers.random import Random
from welltempered.searchers.sobol import Sobol

METHOD = Halving(Sobol())


@pytest.fixture(scope="module")
def study():
    """A study with starts and promotions, in two slots."""
    return simulate(study_of(SPACES["continuous"], METHOD), slots=2, budget="60 epochs")


def changed(study, number, **fields):
    """Return the events of a study, one of which is forged."""
    events = list(study.history.events)
    events[number] = msgspec.structs.replace(events[number], **fields)
    return events


def decisions(study, kind=Started | Resumed):
    return [number for number, event in enumerate(study.history.events) if isinstance(event, kind)]


def test_a_replay_gives_the_same_history(study):
    found = replay(study.header, study.history.events, study.space)
    assert list(found.history.trials) == list(study.trials)
    assert (found.events, found.decisions, found.differences) == (len(study.history.events), 0, ())


def test_a_verified_replay_derives_every_decision_again(study):
    found = replay(study.header, study.history.events, study.space, METHOD)
    assert found.decisions == len(decisions(study))
    assert found.differences == ()


def test_the_log_of_another_run_in_time_is_replayed_from_its_text(study):
    lines = [msgspec.json.encode(record) for record in records(study)]
    header, *events = [msgspec.json.decode(line, type=type(r)) for line, r in zip(lines, records(study), strict=True)]
    assert replay(header, events, study.space, METHOD).differences == ()


def test_forged_params_are_found(study):
    number = decisions(study, Started)[3]
    params = study.space.defaults()
    (difference, *_) = replay(study.header, changed(study, number, params=params), study.space, METHOD).differences
    assert difference.startswith(f'event {number + 1}: recorded {{"event":"started","trial":3,')
    assert f'derived {{"event":"started","trial":3,"params":{msgspec.json.encode(study.trials[3].params).decode()}' in (
        difference
    )


def test_a_forged_loss_is_found_by_what_it_would_have_decided(study):
    first = study.history.events[decisions(study, Resumed)[0]].trial
    number = next(
        n for n, event in enumerate(study.history.events) if event.trial == first and hasattr(event, "metrics")
    )
    events = changed(study, number, metrics={"loss": 1e9})
    differences = replay(study.header, events, study.space, METHOD).differences
    assert any("resumed" in difference for difference in differences)


def test_a_decision_where_there_was_nothing_to_decide_is_found():
    grid = study_of(SPACES["finite with conditions"], Full(Random()))
    simulate(grid)
    extra = Started(len(grid.trials), grid.trials[0].params, 9, at=99.0)
    found = replay(grid.header, [*grid.history.events, extra], grid.space, Full(Random()))
    assert len(found.differences) == 1
    assert found.differences[0].endswith("derived to wait")


def test_another_method_would_have_decided_otherwise(study):
    assert replay(study.header, study.history.events, study.space, Full(Random())).differences


def test_a_log_that_does_not_fit_together_is_refused(study):
    with pytest.raises(CorruptLog, match=r"^event 1 cannot follow"):
        replay(study.header, study.history.events[1:], study.space)
    with pytest.raises(CorruptLog, match="held must be one of the 0 trials"):
        replay(study.header, changed(study, 0, held=4), study.space, METHOD)
