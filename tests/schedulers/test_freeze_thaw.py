import math
from itertools import combinations

import numpy as np
import pytest

from simulated import SPACES, bad_luck, chance, copied, history_of, kinds, params_of, simulate, study_of
from welltempered.decide import Resume, Start, Wait
from welltempered.errors import InvalidInput
from welltempered.events import Ended, Reported, Resumed, Started
from welltempered.schedulers import frozen
from welltempered.schedulers.freeze_thaw import FreezeThaw
from welltempered.schedulers.full import Full
from welltempered.schedulers.hyperband import Hyperband
from welltempered.searchers.random import Random
from welltempered.searchers.sobol import Sobol
from welltempered.space import Choice, Float, Int, Space

pytestmark = pytest.mark.usefixtures("no_global_randomness")

SPACE = Space(x=Float(0, 1), y=Float(1e-4, 1, scale="log"), kind=Choice("good", "bad"))


def hill(params):
    """Return how far params are from the best ones."""
    y = math.log10(params["y"]) / 4 + 1
    return (params["x"] - 0.3) ** 2 + (y - 0.6) ** 2 + (params["kind"] == "bad")


def falling(params, epoch):
    return {"loss": hill(params) + 1 / epoch}


def crossing(params, epoch):
    """Below one half curves begin low and stay there; above they begin high and are lower after three epochs."""
    x = params["x"]
    return {"loss": 0.5 + 0.1 * x if x < 0.5 else (x - 0.8) ** 2 + 1 / epoch}


def run(curve=falling, *, space=SPACE, method=None, epochs=27, budget=200, slots=1, seed=0, fate=None):
    """Return the history of a study, whose log gives the same decisions again."""
    study = study_of(space, FreezeThaw() if method is None else method, epochs=epochs, seed=seed)
    simulate(study, curve=curve, slots=slots, budget=f"{budget} epochs", fate=fate)
    assert study.replay(verify=True).differences == ()
    return study.history


def lowest(history):
    return min(trial.loss for trial in history.trials)


def test_it_finds_in_200_epochs_what_hyperband_does_not_find_in_400():
    ours = math.fsum(lowest(run(seed=seed)) for seed in range(3))
    assert ours < math.fsum(lowest(run(method=Hyperband(Sobol()), budget=400, seed=seed)) for seed in range(3))


def test_the_model_goes_on_deciding_where_trials_have_one_epoch():
    ours = math.fsum(lowest(run(epochs=1, budget=60, seed=seed)) for seed in range(3))
    assert (
        ours - 3 < (math.fsum(lowest(run(method=Full(Sobol()), epochs=1, budget=60, seed=s)) for s in range(3)) - 3) / 4
    )


def test_who_is_behind_overtakes_if_curves_say_so():
    found = [lowest(run(crossing, space=Space(x=Float(0, 1)), epochs=50, budget=400, seed=seed)) for seed in range(3)]
    assert max(found) < 0.1


def test_a_frozen_trial_is_thawed_when_one_that_looked_better_disappoints():
    def disappointing(params, epoch):
        promising = params["x"] < 0.5
        return {"loss": (1 / epoch if epoch <= 4 else 2.0) if promising else 0.3 + 1 / epoch}

    space = Space(x=Choice(0.1, 0.2, 0.8, 0.9))
    history = run(disappointing, space=space, method=FreezeThaw(start=4), budget=100)
    order = [event.trial for event in history.events if isinstance(event, Resumed)]
    thawed = [id for n, id in enumerate(order) if id in order[:n] and order[n - 1] != id]
    assert thawed, "nobody went on after another one had"
    assert history.best.params["x"] > 0.5
    assert history.best.epoch == 27


def test_few_are_trained_to_the_end():
    history = run(epochs=50, budget=400)
    assert len(history.trials) > 20
    assert sum(trial.epoch == 50 for trial in history.trials) < len(history.trials) / 4


def test_it_keeps_away_from_where_trials_diverge():
    def cliff(params, epoch):
        return {"loss": None if params["x"] > 0.5 and epoch > 1 else 1 - params["x"] + 1 / epoch}

    history = run(cliff, budget=150)
    assert sum(trial.failed for trial in history.trials[20:]) <= len(history.trials[20:]) / 3
    assert 0.25 < history.best.params["x"] <= 0.5


def test_if_all_diverge_the_searcher_goes_on_choosing():
    history = run(lambda params, epoch: {"loss": None}, budget=40)
    assert params_of(history) == params_of(
        run(lambda params, epoch: {"loss": None}, method=FreezeThaw(start=40), budget=40)
    )
    assert len(history.trials) == 40


def test_what_is_running_is_not_started_again_nearby():
    history = run(budget=60)
    method = FreezeThaw()
    while len(history.running) < 8:
        decision = method.next(history, None)
        at, id = history.clock, len(history.trials)
        starts = isinstance(decision, Start)
        history.apply(
            Started(id, decision.params, decision.until, at=at)
            if starts
            else Resumed(decision.trial, decision.until, at=at)
        )
    fresh = [id for id in history.running if not history.epoch(id)]
    rows = SPACE.encode_many([history.trials[id].params for id in fresh])
    assert len(fresh) >= 2
    assert min(np.abs(one - other).max() for one, other in combinations(rows, 2)) > 1e-3


def test_with_eight_slots_it_is_nearly_as_good_as_with_one():
    assert lowest(run(slots=8, budget=300)) < 0.1


@pytest.mark.parametrize("space", ["finite", "finite with conditions", "finite with constraint"])
@pytest.mark.parametrize("slots", [1, 3])
def test_a_finite_space_is_searched_to_its_end(space, slots):
    study = simulate(study_of(SPACES[space], FreezeThaw(), epochs=3), slots=slots)
    assert len(study.trials) == sum(1 for _ in SPACES[space].points(None))
    paused = {trial.id for trial in study.trials if trial.state == "paused"}
    assert not set(study.scheduler.keeps(study.history))
    assert len(paused) < len(study.trials) / 2


def test_whoever_is_given_up_is_let_go_and_never_resumed():
    history = history_of(SPACE, FreezeThaw(), epochs=50)
    gone, method = set(), FreezeThaw()
    for event in run(lambda params, epoch: {"loss": hill(params) + 0.01 / epoch}, epochs=50, budget=600).events:
        assert not (isinstance(event, Resumed) and event.trial in gone)
        history.apply(event)
        kept = set(method.keeps(history))
        gone |= {trial.id for trial in history.trials if trial.state == "paused"} - kept
        assert len(kept) <= 2 * frozen._PLAY + frozen._TURNS

    assert gone


@pytest.mark.parametrize("epochs", [1, 2, 3, 1000])
def test_trainings_may_be_short_or_long(epochs):
    history = run(epochs=epochs, budget=max(60, 2 * epochs))
    assert history.spent == max(60, 2 * epochs)
    assert lowest(history) < 1.05 + (epochs < 3)


CURVES = {
    "all equal": lambda params, epoch: 1.0,
    "huge": lambda params, epoch: 1e18 * (1 + hill(params)),
    "beyond squares": lambda params, epoch: 1e300 * hill(params),
    "negative": lambda params, epoch: -1e6 / (1 + hill(params)) - epoch,
    "tiny": lambda params, epoch: 1e-300 * hill(params),
    "noise alone": chance,
    "rising": lambda params, epoch: hill(params) + epoch,
    "one outlier": lambda params, epoch: 1e18 if params["x"] > 0.8 else hill(params),
    "steps": lambda params, epoch: round(hill(params), 1),
    "nearly all diverge": lambda params, epoch: None if params["x"] > 0.1 else 1 / epoch,
}


@pytest.mark.parametrize("slots", [1, 4])
@pytest.mark.parametrize("loss", CURVES.values(), ids=CURVES)
def test_whatever_curves_do_it_goes_on(loss, slots):
    history = run(lambda params, epoch: {"loss": loss(params, epoch)}, budget=120, slots=slots)
    assert history.spent == 120


SHAPES = {
    "one parameter": Space(x=Float(0, 1)),
    "thirty": Space({f"x{i}": Float(0, 1) for i in range(30)}),
    "one choice": Space(x=Choice("a", "b", "c")),
    "one point": Space(x=Choice(1)),
    "conditions and constraints": Space(
        a=Float(0, 1), c=Choice("p", "q"), b=Float(0, 1).when(c="p"), e=Choice("r", "s").when("b > 0.5")
    ).where("c == 'q' or b < a"),
}


@pytest.mark.parametrize("slots", [1, 4])
@pytest.mark.parametrize("space", SHAPES.values(), ids=SHAPES)
def test_whatever_the_space_is_it_goes_on(space, slots):
    history = run(lambda params, epoch: {"loss": chance(params) + 1 / epoch}, space=space, budget=120, slots=slots)
    assert history.spent == min(120, space.size * 27)
    assert len({str(params) for params in params_of(history)}) == len(history.trials)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("space", ["nested conditions", "continuous"])
def test_it_goes_on_when_leases_are_cut_and_their_losses_taken_back(space, seed):
    history = run(
        lambda params, epoch: {"loss": chance(params) + 1 / epoch},
        space=SPACES[space],
        slots=3,
        budget=120,
        seed=seed,
        fate=bad_luck(seed, share=0.4),
    )
    assert history.spent == 120
    assert kinds(history, Ended)
    assert history.spent > sum(trial.epoch for trial in history.trials), "nothing was taken back"


def test_who_ends_before_a_first_loss_counts_as_a_failure():
    history = history_of(SPACE, FreezeThaw(start=2), epochs=9)
    history.apply(Started(0, SPACE.decode([0.2, 0.5, 0.1]), 1))
    history.apply(Reported(0, 1, {"loss": 1.0}))
    for id, reason in enumerate(["failed", "out of time", "crashed"], 1):
        history.apply(Started(id, SPACE.decode([0.2 + id / 5, 0.5, 0.1]), 1))
        history.apply(Ended(id, reason))
    assert isinstance(FreezeThaw(start=2).next(history, None), Start | Resume)
    assert list(history.fold(FreezeThaw(start=2)).seen) == [0, 1, 3]


def test_a_trial_that_is_running_is_not_resumed_and_slots_wait_if_nothing_else_is_left():
    space, method = Space(x=Int(1, 2)), FreezeThaw(start=2)
    history = history_of(space, method, epochs=9)
    for id in range(2):
        history.apply(Started(id, {"x": id + 1}, 1))
        history.apply(Reported(id, 1, {"loss": float(id)}))
    for _ in range(2):
        decision = method.next(history, None)
        history.apply(Resumed(decision.trial, decision.until))
    assert method.next(history, None) == Wait()


def test_state_asked_for_late_is_the_state_that_was_there_from_the_start():
    early = run(slots=3)
    late = copied(study := study_of(SPACE, FreezeThaw(), epochs=27)).history
    assert study.history.spent == 0
    for event in early.events:
        late.apply(event)
    one, other = early.fold(FreezeThaw()), late.fold(FreezeThaw())
    assert np.array_equal(one.beliefs, other.beliefs)
    assert FreezeThaw().next(late, None) == FreezeThaw().next(early, None)


def test_it_begins_with_trials_of_its_searcher():
    history = run(method=FreezeThaw(Random(), start=5), budget=30)
    started = [event for event in history.events if isinstance(event, Started)]
    assert params_of(history)[:5] == params_of(run(method=FreezeThaw(Random(), start=30), budget=5))
    assert [event.until for event in started[:5]] == [1] * 5


def test_a_first_lease_is_as_long_as_one_says():
    history = run(method=FreezeThaw(first=4), budget=150)
    started = [event for event in history.events if isinstance(event, Started)]
    assert {event.until for event in started[8:]} == {4, 12}
    assert [event.trial for event in started[8:] if event.until == 12] == [15]


def test_what_cannot_be_resumed_is_refused():
    history = history_of(SPACE, FreezeThaw(), resumable=False)
    with pytest.raises(
        InvalidInput, match=r"FreezeThaw must be able to pause trials, got resumable=False; .*Full\(GP\(\)\)"
    ):
        FreezeThaw().next(history, None)


def test_a_first_lease_longer_than_a_training_is_refused():
    with pytest.raises(InvalidInput, match="first must be at most the epochs of a full training, 9, got 10"):
        FreezeThaw(first=10).next(history_of(SPACE, FreezeThaw(first=10), epochs=9), None)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"start": 1}, "start must be a whole number of at least 2"),
        ({"first": 0}, "first must be a whole number of at least 1"),
    ],
)
def test_numbers_out_of_range_are_refused(wrong, message):
    with pytest.raises(InvalidInput, match=message):
        FreezeThaw(**wrong)
