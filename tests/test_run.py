"""What training code sees: the epochs granted, what it may report and keep, and seeds that repeat."""

import math
import random
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

import welltempered as wt
from trainings import Pieces, kinds, output, program, reports, tune


def trial_of(train, **settings):
    with tune(train, **settings) as study:
        return study.trials[0]


def error_of(train, **settings):
    """Return the sentence that ends the only trial, which must have failed."""
    trial = trial_of(train, **settings)
    assert trial.state == "failed"
    return trial.error.strip().splitlines()[-1]


# -------------------------------------------------------------------- epochs


def test_iterating_gives_the_epochs_of_every_lease_counted_from_one():
    calls = []

    def train(run):
        run.keep()
        epochs = []
        calls.append((run.trial, epochs))
        for epoch in run:
            epochs.append(epoch)
            run.report(loss=run.trial)

    with tune(train, method=Pieces(together=True), budget=None) as study:
        assert calls == [(0, [1, 2, 3]), (1, [1, 2, 3]), (0, [4, 5, 6, 7, 8, 9]), (1, [4, 5, 6, 7, 8, 9])]
        assert [trial.state for trial in study.trials] == ["complete", "complete"]


def test_a_trial_that_stays_in_memory_goes_on_in_the_same_call():
    calls = []

    def train(run):
        run.keep()
        epochs = list(map(report(run), run))
        calls.append((run.trial, epochs))

    def report(run):
        return lambda epoch: run.report(loss=1) or epoch

    with tune(train, method=Pieces(together=False), budget=None):
        pass
    assert calls == [(0, list(range(1, 10))), (1, list(range(1, 10)))]


def test_what_follows_the_loop_runs_once_the_lease_is_over():
    after = []

    def train(run):
        for _ in run:
            run.report(loss=1)
        after.append(run.epoch)

    trial_of(train)
    assert after == [9]


def test_a_run_says_what_training_needs_to_know():
    seen = []

    def train(run):
        seen.append((run.trial, run.horizon, run.epoch, run.device))
        for epoch in run:
            seen.append(run.epoch)
            run.report(loss=epoch)

    trial_of(train, epochs=2)
    device = seen[0][3]
    assert seen == [(0, 2, 0, device), 0, 1]
    assert device.split(":")[0] in ("cpu", "cuda", "mps")


def test_params_cannot_be_changed():
    def train(run):
        run.params["x"] = 0.5

    assert error_of(train) == "TypeError: 'mappingproxy' object does not support item assignment"


def test_named_choices_arrive_as_their_objects():
    space = wt.Space(activation=wt.Choice({"exponential": math.exp}))
    seen = []

    def train(run):
        seen.append(run.params["activation"])
        for _ in run:
            run.report(loss=1)

    assert trial_of(train, space=space).params == {"activation": "exponential"}
    assert seen == [math.exp]


# -------------------------------------------------------------------- reports


def test_every_epoch_has_one_report_with_all_its_metrics():
    def train(run):
        for epoch in run:
            run.report(loss=1 / epoch)
            run.report(accuracy=epoch, steps=np.int64(7))

    with tune(train, epochs=3) as study:
        assert reports(study) == [
            [{"loss": 1 / epoch, "accuracy": float(epoch), "steps": 7.0} for epoch in (1, 2, 3)],
        ]
        assert len(kinds(study, wt.Reported)) == 3


def test_reports_say_how_long_an_epoch_took():
    def train(run):
        for _ in run:
            run.report(loss=1)

    trial = trial_of(train, epochs=2)
    assert all(0 < report.seconds < 1 for report in trial.reports)
    assert [report.at for report in trial.reports] == sorted(report.at for report in trial.reports)


@pytest.mark.parametrize("value", [2, 2.0, True + 1, np.float32(2), np.array(2), Fraction(4, 2), Decimal(2)])
def test_a_metric_is_whatever_float_makes_a_number_of(value):
    def train(run):
        for _ in run:
            run.report(loss=value)

    assert trial_of(train, epochs=1).value == 2.0


def test_a_metric_may_be_a_tensor():
    torch = pytest.importorskip("torch")

    def train(run):
        for _ in run:
            run.report(loss=torch.tensor(2.5), accuracy=torch.tensor([0.5]))

    assert trial_of(train, epochs=1).reports[0].metrics == {"loss": 2.5, "accuracy": 0.5}


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, np.float32("nan")])
@pytest.mark.parametrize("epochs", [2, 5])
@pytest.mark.parametrize("workers", [0, 1])
def test_a_trial_whose_objective_is_not_finite_has_diverged_and_is_over(value, epochs, workers):
    def train(run):
        run.keep()
        for epoch in run:
            run.report(loss=1 if epoch == 1 else value, accuracy=value)

    with tune(train, epochs=epochs, workers=workers, budget="2 trials") as study:
        trial = study.trials[0]
        assert [report.metrics for report in trial.reports] == [
            {"loss": 1.0, "accuracy": None},
            {"loss": None, "accuracy": None},
        ]
        assert (trial.state, trial.losses, trial.value) == ("diverged", (1.0, math.inf), None)
        assert trial.error == "loss was not finite after epoch 2"
        assert study.history.failures == {"diverged": [0, 1]}
        assert study.best is None
        assert study.replay(verify=True).differences == ()


def test_a_metric_beside_the_objective_need_not_be_finite():
    def train(run):
        for epoch in run:
            run.report(loss=epoch, accuracy=math.nan)

    trial = trial_of(train, epochs=2)
    assert (trial.state, trial.reports[1].metrics) == ("complete", {"loss": 2.0, "accuracy": None})


def test_a_study_in_which_many_trials_diverge_goes_on():
    def train(run):
        for _ in run:
            run.report(loss=math.nan if run.trial < 15 else 1)

    with tune(train, budget="17 trials") as study:
        assert [trial.state for trial in study.trials] == ["diverged"] * 15 + ["complete"] * 2


class Mute:
    """Nothing that could be kept."""

    @staticmethod
    def take(state):
        """Restore nothing."""

    def __repr__(self):
        return "Mute()"


def report_outside(run):
    run.report(loss=1)


def report_twice(run):
    for _ in run:
        run.report(loss=1)
        run.report(loss=2)


def report_nothing(run):
    for _ in run:
        pass


def report_something_else(run):
    for _ in run:
        run.report(accuracy=1, error=0)


def report_something_else_and_leave(run):
    for _ in run:
        run.report(accuracy=1)
        break


def keep_late(run):
    for _ in run:
        run.keep()


def keep_twice(run):
    run.keep(count=(int, int))
    run.keep(count=(int, int))


def keep_no_state(run):
    run.keep(model=Mute())


def keep_half_a_pair(run):
    run.keep(count=(int, 3))


def keep_objects(run):
    run.keep(model=(Mute, Mute))
    for _ in run:
        run.report(loss=1)


def keep_objects_and_leave(run):
    run.keep(model=(Mute, Mute))
    for _ in run:
        run.report(loss=1)
        break


def never_iterate(run):
    pass


def leave_the_first_epoch(run):
    for _ in run:
        break


KEPT = "run.keep must be given objects with state_dict and load_state_dict, or pairs of functions (get, set), got "
SAVED = (
    "run.keep must be given tensors, arrays and plain values (numbers, texts, lists, dicts) or objects with "
    "state_dict and load_state_dict, got "
)
REPORTED = "; call run.report(loss=...) in every epoch"
ITERATED = "train returned before the end of its first epoch; write `for epoch in run:` around the training"


@pytest.mark.parametrize(
    ("train", "sentence"),
    [
        (report_outside, "run.report must be called inside `for epoch in run:`, got a call outside"),
        (report_twice, "run.report must be given each metric once per epoch, got 'loss' again"),
        (report_nothing, "report must contain the objective 'loss', got nothing" + REPORTED),
        (report_something_else, "report must contain the objective 'loss', got 'accuracy', 'error'" + REPORTED),
        (report_something_else_and_leave, "report must contain the objective 'loss', got 'accuracy'" + REPORTED),
        (keep_late, "run.keep must be called before the first epoch, got a call inside the loop or after it"),
        (keep_twice, "run.keep must be given each name once, got 'count' again"),
        (keep_no_state, KEPT + "model=Mute()"),
        (keep_half_a_pair, KEPT + "count=(<class 'int'>, 3)"),
        (keep_objects, SAVED + "Mute"),
        (keep_objects_and_leave, SAVED + "Mute"),
        (never_iterate, ITERATED),
        (leave_the_first_epoch, ITERATED),
    ],
)
def test_a_mistake_ends_the_trial_with_a_sentence_that_says_what_to_do(train, sentence):
    assert error_of(train).removeprefix("welltempered.errors.InvalidInput: ") == sentence


@pytest.mark.parametrize("value", ["0.5", None, [1.0], object, 1j, np.zeros(2), 10**400])
def test_what_is_no_number_is_refused(value):
    def train(run):
        for _ in run:
            run.report(loss=value)

    sentence = error_of(train)
    assert sentence.startswith("welltempered.errors.InvalidInput: run.report must be given numbers, got loss=")
    assert len(sentence) < 200


# -------------------------------------------------------------------- the end of training


def test_training_that_leaves_the_loop_has_finished_and_its_checkpoint_is_there():
    def train(run):
        run.keep(stopped=(lambda: run.epoch, Mute))
        for epoch in run:
            run.report(loss=1 / epoch)
            if epoch == 4:
                break

    with tune(train) as study:
        trial = study.trials[0]
        assert (trial.state, trial.epoch, trial.failed, trial.error) == ("finished", 4, False, None)
        assert study.best == trial
        assert study.checkpoint(trial) == {"stopped": 4}


def test_training_that_leaves_an_epoch_without_a_report_has_finished_the_one_before():
    def train(run):
        for epoch in run:
            if epoch == 3:
                break
            run.report(loss=1 / epoch)

    trial = trial_of(train)
    assert (trial.state, trial.epoch) == ("finished", 2)


def test_a_continued_trial_may_leave_before_it_trains_again():
    def train(run):
        run.keep()
        for epoch in run:
            if epoch == 4:
                break
            run.report(loss=run.trial)

    with tune(train, method=Pieces(together=True), budget=None) as study:
        assert [(trial.state, trial.epoch) for trial in study.trials] == [("finished", 3), ("finished", 3)]
        assert study.best.id == 0


def test_a_trial_that_left_after_its_lease_is_continued_by_another_call():
    calls = []

    def train(run):
        run.keep()
        calls.append(run.epoch)
        for epoch in run:
            run.report(loss=1)
            if epoch == 3:
                break

    with tune(train, method=Pieces(), budget=None) as study:
        assert [trial.state for trial in study.trials] == ["complete", "complete"]
    assert calls == [0, 3, 0, 3]


@pytest.mark.parametrize("error", [ValueError, SystemExit, KeyboardInterrupt, GeneratorExit, StopIteration])
def test_whatever_training_raises_ends_its_trial_and_nothing_else(error):
    def train(run):
        for _ in run:
            if run.trial == 0:
                raise error("enough")
            run.report(loss=1)

    with tune(train, budget="2 trials") as study:
        assert [trial.state for trial in study.trials] == ["failed", "complete"]
        assert study.trials[0].error.endswith(f"{error.__name__}: enough\n")


def test_the_traceback_of_a_failed_trial_begins_with_the_users_frame():
    def train(run):
        deeper(run)

    def deeper(run):
        for _ in run:
            raise ValueError("no such layer")

    lines = trial_of(train).error.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[1].startswith(f'  File "{__file__}", line ')
    assert lines[1].endswith("in train")
    assert lines[-1] == "ValueError: no such layer"
    assert not [line for line in lines if "welltempered" in line.replace(__file__, "")]


def test_an_error_after_the_loop_harms_nobody(capfd):
    def train(run):
        for _ in run:
            run.report(loss=1)
        raise ValueError("the plot has no title")

    assert trial_of(train).state == "complete"
    assert "ValueError: the plot has no title" in capfd.readouterr().err


# -------------------------------------------------------------------- state


def test_a_lease_that_ends_with_nothing_kept_says_what_to_keep():
    def train(run):
        for _ in run:
            run.report(loss=1)

    assert error_of(train, method=Pieces()) == (
        "welltempered.errors.InvalidInput: run.keep must be called before the first epoch so that the trial can "
        "continue, for example run.keep(model=model, optimizer=optimizer); "
        "for training that cannot, say resumable=False"
    )


def test_training_that_cannot_continue_keeps_nothing():
    def train(run):
        for _ in run:
            run.report(loss=1)

    with tune(train, method=wt.Halving(wt.Random()), resumable=False, budget="5 trials") as study:
        assert not any(trial.failed for trial in study.trials)
        assert not study.checkpoints.present()


def keeper(first, later):
    """Training code that keeps other names when it continues than when it began."""

    def train(run):
        run.keep(**dict.fromkeys(later if run.epoch else first, (lambda: 1, Mute.take)))
        for _ in run:
            run.report(loss=1)

    return train


def test_a_state_that_the_checkpoint_lacks_is_missed():
    sentence = error_of(keeper(["model"], ["model", "schedule"]), method=Pieces(together=True), budget=None)
    assert sentence == (
        "welltempered.errors.CorruptCheckpoint: checkpoint of trial 0 must hold 'schedule', found nothing; "
        "did the training code change since?"
    )


def test_a_state_that_nobody_takes_back_is_missed():
    train = keeper(["model", "optimizer", "schedule"], ["model"])
    assert error_of(train, method=Pieces(together=True), budget=None) == (
        "welltempered.errors.InvalidInput: run.keep must be given all that was saved when a trial continues, "
        "missing: optimizer=..., schedule=..."
    )


def test_state_may_be_kept_in_several_calls():
    def train(run):
        taken = []
        run.keep(one=(lambda: 1, taken.append))
        run.keep(two=(lambda: 2, taken.append))
        assert taken == ([1, 2] if run.epoch else [])
        for _ in run:
            run.report(loss=1)

    with tune(train, method=Pieces(together=True), budget=None) as study:
        assert [trial.state for trial in study.trials] == ["complete", "complete"]


def test_random_generators_can_be_kept():
    def train(run):
        own, old = random.Random(run.seed), np.random.default_rng(run.seed)

        def put(state):
            old.bit_generator.state = state

        run.keep(own=(own.getstate, own.setstate), old=(lambda: old.bit_generator.state, put))
        for _ in run:
            run.report(loss=own.random(), gauss=own.gauss(), uniform=old.random())

    with tune(train, method=Pieces(together=True), budget=None) as pieces, tune(train, budget="2 trials") as whole:
        assert reports(pieces) == reports(whole)


# -------------------------------------------------------------------- seeds


def global_random():
    return random.random(), np.random.random()  # noqa: NPY002 - the global generators are what is tested


def draw(run):
    run.keep()
    for _ in run:
        one, other = global_random()
        run.report(loss=1, random=one, numpy=other)


def test_seeds_are_a_function_of_study_seed_trial_and_epoch():
    def numbers(**settings):
        with tune(draw, epochs=3, budget="2 trials", **settings) as study:
            return [(one["random"], one["numpy"]) for trial in reports(study) for one in trial]

    first = numbers(seed=5)
    assert numbers(seed=5) == first
    assert numbers(seed=5, method=Pieces(first=1)) == first
    others = numbers(seed=6)
    assert len({number for pair in first + others for number in pair}) == 4 * len(first), "no number twice"


def test_a_run_has_a_seed_of_its_own_that_does_not_depend_on_the_epoch():
    def train(run):
        run.keep()
        for _ in run:
            run.report(loss=1, seed=run.seed % 2**50)

    def seeds(**settings):
        with tune(train, budget=None, **settings) as study:
            return [one["seed"] for trial in reports(study) for one in trial]

    assert len(set(seeds(method=Pieces(trials=1, together=True)))) == 1
    assert len(set(seeds(method=Pieces(trials=3)))) == 3
    assert seeds(method=Pieces(trials=1)) != seeds(method=Pieces(trials=1), seed=1)


def test_the_code_before_the_loop_is_seeded_per_trial():
    def train(run):
        first = global_random()
        for _ in run:
            run.report(loss=first[0], numpy=first[1])

    def numbers():
        with tune(train, epochs=1, budget="3 trials") as study:
            return [tuple(one.values()) for trial in reports(study) for one in trial]

    assert numbers() == numbers()
    assert len(set(numbers())) == 3


def test_torch_is_seeded_though_training_is_the_first_to_import_it(tmp_path):
    pytest.importorskip("torch")
    text = """
        from trainings import tune

        def train(run):
            import torch

            seeded = torch.Generator().manual_seed(run.seed)
            assert torch.rand(()) == torch.rand((), generator=seeded)
            for _ in run:
                run.report(loss=float(torch.rand(())), seed=torch.initial_seed() % 2**50)

        with tune(train, epochs=2) as study, tune(train, epochs=2) as again:
            reports = [report.metrics for report in study.trials[0].reports]
            assert reports == [report.metrics for report in again.trials[0].reports]
            assert reports[0] != reports[1]
    """
    output(program(tmp_path, text))


def test_seeding_does_not_import_torch(tmp_path):
    text = """
        import sys
        from trainings import tune

        with tune() as study:
            assert study.best
        assert "torch" not in sys.modules
    """
    output(program(tmp_path, text))
