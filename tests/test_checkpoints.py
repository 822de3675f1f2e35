"""Checkpoints: whole or not there, read without running code, and deleted once nothing can need them."""

import dataclasses
import enum
import io
import os
import pickle
import random
import time
import zlib
from collections import OrderedDict, defaultdict
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import welltempered as wt
from simulated import SPACES, history_of
from trainings import EVERY_EPOCH, Pieces, end, experiment, output, program, same, tune
from welltempered.checkpoints import Checkpoints, needed
from welltempered.events import Cut, Origin, Reported, Resumed, Started
from welltempered.schedulers.full import Full
from welltempered.searchers.random import Random

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=3) | st.integers(-9, 9), inner, max_size=3)
    ),
    max_leaves=6,
)
dtypes = arrays.scalar_dtypes() | arrays.unicode_string_dtypes(min_len=1) | arrays.byte_string_dtypes(min_len=1)
numpy = arrays.arrays(dtypes, arrays.array_shapes(min_dims=0, min_side=0, max_dims=3, max_side=3))
states = st.dictionaries(st.text(max_size=5), plain | numpy, max_size=4)


@pytest.fixture
def checkpoints(tmp_path):
    return Checkpoints(tmp_path / "checkpoints")


def files(checkpoints):
    return sorted(path.name for path in checkpoints.folder.iterdir()) if checkpoints.folder.exists() else []


def path_of(checkpoints, trial, epoch):
    """Return the only file of this trial and epoch."""
    (path,) = checkpoints.folder.glob(f"{trial}-{epoch}-*")
    return path


def spoil(path, data):
    """Give a file another content under a name that says it is right."""
    path.unlink()
    path.with_name(f"{path.stem.rpartition('-')[0]}-{zlib.crc32(data):08x}{path.suffix}").write_bytes(data)


# -------------------------------------------------------------------- what goes in comes out


@given(states)
def test_plain_values_and_arrays_come_back_bit_for_bit(tmp_path_factory, state):
    checkpoints = Checkpoints(tmp_path_factory.getbasetemp() / "round")
    size = checkpoints.save(1, 2, state)
    assert (path_of(checkpoints, 1, 2).suffix, path_of(checkpoints, 1, 2).stat().st_size) == (".msgpack", size)
    assert same(checkpoints.load(1, 2), state)


@pytest.mark.parametrize(
    "scalar", [np.float32(0.1), np.float64(0.1), np.int8(-3), np.bool_(1), np.datetime64("2026-01-01")]
)
def test_a_scalar_of_numpy_stays_one_because_arithmetic_depends_on_its_type(checkpoints, scalar):
    checkpoints.save(0, 1, {"scalar": scalar})
    assert same(checkpoints.load(0, 1)["scalar"], scalar)


def test_arrays_come_back_writable_and_in_their_byte_order(checkpoints):
    checkpoints.save(0, 1, {"array": np.arange(6, dtype=">i4").reshape(2, 3).T})
    array = checkpoints.load(0, 1)["array"]
    assert array.dtype == ">i4"
    array[0, 0] = 7
    assert array.tolist() == [[7, 3], [1, 4], [2, 5]]


def test_states_of_generators_come_back(checkpoints):
    old = np.random.RandomState(3)
    state = {"python": random.Random(3).getstate(), "numpy": np.random.default_rng(3).bit_generator.state}
    checkpoints.save(0, 1, state | {"old": old.get_state()})
    loaded = checkpoints.load(0, 1)
    generator = np.random.default_rng(0)
    generator.bit_generator.state = loaded["numpy"]
    assert generator.random() == np.random.default_rng(3).random()
    again = random.Random(0)
    again.setstate(loaded["python"])
    assert again.random() == random.Random(3).random()
    old.set_state(loaded["old"])
    assert old.random() == np.random.RandomState(3).random()


def test_tensors_come_back_on_the_cpu_with_all_that_stands_beside_them(checkpoints):
    torch = pytest.importorskip("torch")
    model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3))
    state = {
        "model": model.state_dict(),
        "half": torch.ones(2, dtype=torch.bfloat16).float(),
        "generator": torch.get_rng_state(),
        "array": np.arange(3.0),
        "strings": np.array(["a", "bc"]),
        "scalar": np.float32(0.1),
        "plain": {"tuple": (1, 2**100), "list": [None, True, 0.5, "text", b"bytes"], "set": {1, 2}, "complex": 1j},
        "shape": torch.Size([2, 3]),
        "dtype": torch.float16,
    }
    checkpoints.save(3, 9, state)
    assert path_of(checkpoints, 3, 9).suffix == ".pt"
    loaded = checkpoints.load(3, 9)
    assert list(loaded) == list(state)
    for name in ("model", "half", "generator", "array", "strings", "scalar"):
        assert same(loaded[name], state[name]), name
    for name in ("plain", "shape", "dtype"):
        assert loaded[name] == state[name]
    model.load_state_dict(loaded["model"])


# -------------------------------------------------------------------- what does not go in


class Color(enum.StrEnum):
    RED = "red"


@dataclasses.dataclass
class Config:
    lr: float = 0.1


OBJECTS = [
    object,
    len,
    Config(),
    Color.RED,
    {1, 2},
    1j,
    bytearray(b"no"),
    date(2026, 1, 1),
    np.array([None, {}]),
    np.zeros(2, dtype=[("x", float)]),
    {(1, 2): 3},
    [{"deep": (Config(),)}],
]


@pytest.mark.parametrize("thing", OBJECTS, ids=repr)
def test_an_object_is_refused_when_it_is_saved_not_when_it_is_missed(checkpoints, thing):
    with pytest.raises(wt.InvalidInput, match=r"run.keep must be given tensors, arrays and plain values .*, got \w+$"):
        checkpoints.save(0, 1, {"thing": thing})
    assert files(checkpoints) == []


@pytest.mark.parametrize("thing", [Config(), Color.RED, date(2026, 1, 1), len], ids=repr)
def test_an_object_beside_tensors_is_refused_too(checkpoints, thing):
    torch = pytest.importorskip("torch")
    with pytest.raises(wt.InvalidInput, match=r"run.keep must be given tensors, arrays and plain values .*, got \w+"):
        checkpoints.save(0, 1, {"weights": torch.zeros(2), "thing": thing})
    assert files(checkpoints) == []


def test_dicts_of_other_classes_come_back_as_dicts(checkpoints):
    state = {"ordered": OrderedDict(a=1), "default": defaultdict(int, b=2)}
    checkpoints.save(0, 1, state)
    assert checkpoints.load(0, 1) == {"ordered": {"a": 1}, "default": {"b": 2}}


class Bomb:
    def __init__(self, file):
        self.file = file

    def __reduce__(self):
        return os.system, (f"touch {self.file}",)


@pytest.mark.parametrize("write", ["pickle", "torch"])
def test_a_file_that_would_run_code_is_refused(checkpoints, tmp_path, write):
    torch = pytest.importorskip("torch")
    checkpoints.folder.mkdir()
    file = io.BytesIO()
    (torch.save if write == "torch" else pickle.dump)({"model": Bomb(tmp_path / "exploded")}, file)
    (checkpoints.folder / f"0-1-{zlib.crc32(file.getvalue()):08x}.pt").write_bytes(file.getvalue())
    with pytest.raises(wt.CorruptCheckpoint, match=r"0-1-\w+.pt cannot be read"):
        checkpoints.load(0, 1)
    assert not (tmp_path / "exploded").exists()


def test_a_file_of_ours_holds_no_foreign_extension(checkpoints):
    checkpoints.save(0, 1, {})
    spoil(path_of(checkpoints, 0, 1), b"\x81\xa1x\xd4\x63\x00")
    with pytest.raises(wt.CorruptCheckpoint, match=r"extension of a checkpoint must be in 1..4, got 99"):
        checkpoints.load(0, 1)


def state_of(kind):
    if kind == "plain":
        return {"array": np.arange(4), "text": "some"}
    return {"weights": pytest.importorskip("torch").arange(4.0)}


@pytest.mark.parametrize("kind", ["plain", "torch"])
def test_a_truncated_file_is_refused_wherever_it_ends(checkpoints, kind):
    checkpoints.save(0, 1, state_of(kind))
    path = path_of(checkpoints, 0, 1)
    whole = path.read_bytes()
    for length in range(0, len(whole), 1 if kind == "plain" else 37):
        path.write_bytes(whole[:length])
        with pytest.raises(wt.CorruptCheckpoint, match=rf"{path.name} is damaged: its checksum is not the one in its"):
            checkpoints.load(0, 1)


@pytest.mark.parametrize("kind", ["plain", "torch"])
def test_a_file_with_one_flipped_bit_is_refused_whichever_it_is(checkpoints, kind):
    checkpoints.save(0, 1, state_of(kind))
    path = path_of(checkpoints, 0, 1)
    whole = path.read_bytes()
    for bit in range(0, 8 * len(whole), 1 if kind == "plain" else 101):
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        with pytest.raises(wt.CorruptCheckpoint, match="is damaged"):
            checkpoints.load(0, 1)


def test_what_is_no_state_is_refused_even_under_the_right_name(checkpoints):
    checkpoints.save(0, 1, {})
    spoil(path_of(checkpoints, 0, 1), b"\x93")
    with pytest.raises(wt.CorruptCheckpoint, match=r"0-1-\w+.msgpack cannot be read: "):
        checkpoints.load(0, 1)


def test_an_epoch_that_is_saved_again_leaves_one_file(checkpoints):
    for value in (1, 2):
        checkpoints.save(0, 1, {"value": value})
    assert len(files(checkpoints)) == 1
    assert checkpoints.load(0, 1) == {"value": 2}


def test_the_sound_one_is_the_newest_that_is_not_damaged(checkpoints):
    for epoch in (1, 2, 3, 4):
        checkpoints.save(7, epoch, {"epoch": epoch})
    assert [checkpoints.sound(7, below) for below in (9, 4, 1)] == [4, 3, 0]
    for epoch in (2, 3):
        path_of(checkpoints, 7, epoch).write_bytes(b"")
    assert checkpoints.sound(7, 4) == 1
    assert checkpoints.sound(8, 4) == 0


def test_the_first_sound_one_of_a_child_is_its_parents(checkpoints):
    checkpoints.save(7, 2, {"epoch": 2})
    checkpoints.save(8, 3, {"epoch": 3})
    parent = Origin(7, 2)
    assert [checkpoints.sound(8, below, parent) for below in (4, 3, 2)] == [3, 2, 0]
    path_of(checkpoints, 7, 2).write_bytes(b"")
    assert checkpoints.sound(8, 3, parent) == 0


def test_a_parents_state_is_needed_until_its_child_has_two_of_its_own_whatever_the_parent_does():
    history = history_of(SPACES["continuous"], Full(Random()))
    params = {"lr": 0.1, "dropout": 0.1}
    history.apply(Started(0, params, 2))
    for epoch in (1, 2):
        history.apply(Reported(0, epoch, {"loss": 1.0}, saved=10))
    assert needed(history, [Origin(0, 2)]) == {0: {2}}
    assert needed(history, [Origin(0, 1)]) == {0: {2, 1}}, "the best, and what is asked for"
    history.apply(Started(1, params, 9, parent=Origin(0, 2)))
    history.apply(Resumed(0, 9))
    for epoch in (3, 4, 5):
        history.apply(Reported(0, epoch, {"loss": 1.0}, saved=10))
    assert needed(history, []) == {0: {5, 4, 2}}
    assert needed(history, [], room=1) == {0: {5, 2}}, "the newest of both"
    history.apply(Reported(1, 3, {"loss": 2.0}, saved=10))
    assert needed(history, []) == {0: {5, 4, 2}, 1: {3}}
    history.apply(Reported(1, 4, {"loss": 2.0}, saved=10))
    assert needed(history, []) == {0: {5, 4}, 1: {4, 3}}
    history.apply(Cut(1, 0, "checkpoint damaged"))
    assert needed(history, []) == {0: {5, 4}}, "it begins anew"


def test_a_missing_checkpoint_is_named(checkpoints):
    with pytest.raises(wt.CorruptCheckpoint, match=r"trial 4 must have a checkpoint of epoch 2 in .*, found none"):
        checkpoints.load(4, 2)


@pytest.fixture(scope="module")
def undisturbed():
    """What two trials in pieces report if nothing is damaged."""
    with tune(method=Pieces(together=True), budget=None) as study:
        return [[report.metrics for report in trial.reports] for trial in study.trials]


@pytest.mark.parametrize(
    ("damaged", "goes_on_from"), [([5], 4), ([4, 5], 0), ([4], None)], ids=["newest", "both", "older"]
)
@pytest.mark.parametrize("workers", [0, 1])
def test_a_trial_whose_checkpoint_is_damaged_goes_on_from_the_one_before(
    tmp_path, undisturbed, damaged, goes_on_from, workers
):
    method = Pieces(together=True)
    with tune(method=method, budget="8 epochs", path=tmp_path, limits=EVERY_EPOCH) as study:
        assert study.checkpoints.present() == {(0, 4), (0, 5), (1, 3)}
        for epoch in damaged:
            path = path_of(study.checkpoints, 0, epoch)
            path.write_bytes(path.read_bytes()[:-1])
    with tune(method=method, budget=None, path=tmp_path, workers=workers) as study:
        assert [trial.state for trial in study.trials] == ["complete", "complete"]
        budget, *cuts = study.trials[0].cuts
        assert (budget.epoch, budget.reason) == (5, "budget")
        if goes_on_from is None:
            assert cuts == []
        else:
            assert [(cut.epoch, cut.reason) for cut in cuts] == [(goes_on_from, "checkpoint damaged")]
            assert f"{tmp_path}/checkpoints/0-5-" in cuts[0].error
        assert [[report.metrics for report in trial.reports] for trial in study.trials] == undisturbed
        assert study.replay(verify=True).differences == ()


def test_a_trial_whose_checkpoints_are_gone_begins_anew(tmp_path, undisturbed):
    method = Pieces(together=True)
    with tune(method=method, budget="6 epochs", path=tmp_path) as study:
        study.checkpoints.delete(study.checkpoints.present())
    with tune(method=method, budget=None, path=tmp_path) as study:
        assert [[cut.epoch for cut in trial.cuts] for trial in study.trials] == [[0], [0]]
        assert study.trials[0].cuts[0].error.startswith("trial 0 must have a checkpoint of epoch 3 in ")
        assert [[report.metrics for report in trial.reports] for trial in study.trials] == undisturbed


def test_checkpoints_that_cannot_be_written_end_the_study_in_good_order_and_harm_no_trial(tmp_path, undisturbed):
    (tmp_path / "checkpoints").write_text("a file where the folder should be")
    for workers in (0, 1):
        with pytest.raises(
            wt.CheckpointUnwritten, match=r"checkpoints must be writable at .*; make room or allow writ"
        ):
            tune(method=Pieces(together=True), budget=None, path=tmp_path, workers=workers)
    with wt.Study.open(tmp_path) as study:
        assert [cut.reason for cut in study.trials[0].cuts] == ["checkpoint unwritten"] * 2
        assert not study.trials[0].failed
    (tmp_path / "checkpoints").unlink()
    with tune(method=Pieces(together=True), budget=None, path=tmp_path) as study:
        assert [[report.metrics for report in trial.reports] for trial in study.trials] == undisturbed


@pytest.mark.parametrize("kind", ["plain", "torch"])
def test_a_full_disk_is_told_from_other_errors_and_leaves_no_part(tmp_path, kind):
    """The limit on the size of files stands in for a full disk: writing fails in the middle."""
    text = """
        import resource
        import signal
        import sys
        from pathlib import Path
        import numpy as np
        import welltempered as wt
        from welltempered.checkpoints import Checkpoints

        array = np.random.default_rng(0).random(1_000_000)
        if sys.argv[1] == "torch":
            import torch
            array = torch.tensor(array)
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        checkpoints = Checkpoints(Path("checkpoints"))
        try:
            checkpoints.save(0, 1, {"array": array})
        except wt.CheckpointUnwritten as error:
            print(type(error).__name__, list(checkpoints.folder.iterdir()))
    """
    assert output(program(tmp_path, text, kind)) == "CheckpointUnwritten []\n"


# -------------------------------------------------------------------- whole or not there

SAVER = """
    import sys
    from pathlib import Path
    import numpy as np
    from welltempered.checkpoints import Checkpoints

    checkpoints = Checkpoints(Path(sys.argv[1]))
    for epoch in range(1, 1_000_000):
        array = np.full(1_000_000, epoch)
        checkpoints.save(0, epoch, {"array": array})
        checkpoints.delete({(0, epoch - 3)})
        print(epoch, flush=True)
"""


def test_a_killed_writer_leaves_whole_checkpoints_only(checkpoints, tmp_path):
    dice = random.Random(0)
    for _ in range(5):
        writer = program(tmp_path, SAVER, checkpoints.folder)
        writer.stdout.readline()
        time.sleep(dice.uniform(0, 0.1))
        writer.kill()
        saved = [int(line) for line in writer.stdout.read().split()]
        end(writer)
        present = checkpoints.present()
        assert not saved or (0, saved[-1]) in present
        for trial, epoch in present:
            assert (checkpoints.load(trial, epoch)["array"] == epoch).all()
    checkpoints.tidy()
    assert all(name.endswith(".msgpack") for name in files(checkpoints))
    assert len(files(checkpoints)) == len(present)


def test_parts_are_no_checkpoints(checkpoints):
    checkpoints.save(0, 3, {})
    for name in ("0-4.77.part", "0-5-0a.pt.part", "0-6-0a.txt", "x-7-0a.pt", "8.pt", "0-9"):
        (checkpoints.folder / name).touch()
    assert checkpoints.present() == {(0, 3)}
    checkpoints.delete({(0, 3), (0, 6)})
    assert checkpoints.present() == set()
    assert "0-6-0a.txt" in files(checkpoints), "what is not ours stays"


def test_a_study_that_goes_on_deletes_what_a_killed_writer_left(tmp_path):
    with tune(budget="3 epochs", path=tmp_path):
        pass
    (tmp_path / "checkpoints" / "0-4.77.part").write_bytes(b"half a state")
    with tune(budget="4 epochs", path=tmp_path, limits=EVERY_EPOCH) as study:
        assert study.checkpoints.present() == {(0, 3), (0, 4)}
        assert len(files(study.checkpoints)) == 2


# -------------------------------------------------------------------- which are kept


def test_a_trial_goes_on_from_what_was_saved_reported_and_is_there(tmp_path):
    with tune(budget="8 epochs", path=tmp_path, limits=EVERY_EPOCH) as study:
        assert study.checkpoints.present() == {(0, 7), (0, 8)}
        study.checkpoints.save(0, 9, {"of": "an epoch that was never reported"})
        study.checkpoints.save(0, 5, {"of": "an epoch that was reported without it"})
        assert [study.saved(0, most) for most in (9, 8, 7, 6)] == [8, 8, 7, 5]
        study.checkpoints.delete({(0, 8)})
        assert (study.saved(0, 8), study.saved(0, 4)) == (7, 0)


def test_arrays_keep_their_order_in_memory_on_which_sums_depend(checkpoints):
    array = np.asfortranarray(np.random.default_rng(0).random((30, 40)))
    checkpoints.save(0, 1, {"array": array, "rows": np.ascontiguousarray(array)})
    loaded = checkpoints.load(0, 1)
    assert loaded["array"].flags.f_contiguous
    assert loaded["rows"].flags.c_contiguous
    assert loaded["array"].sum(axis=0).tobytes() == array.sum(axis=0).tobytes()
    assert same(loaded["array"], array)


def test_deleting_takes_what_is_named_and_nothing_else(checkpoints):
    for trial, epoch in ((0, 1), (0, 3), (1, 1), (2, 1), (2, 3), (2, 9)):
        checkpoints.save(trial, epoch, {})
    checkpoints.delete({(0, 1), (1, 1), (2, 1), (5, 5)})
    assert checkpoints.present() == {(0, 3), (2, 3), (2, 9)}
    checkpoints.delete(set())
    assert checkpoints.size() == sum(path.stat().st_size for path in checkpoints.folder.iterdir())
    nowhere = Checkpoints(checkpoints.folder / "nowhere")
    nowhere.delete({(0, 1)})
    assert (nowhere.present(), nowhere.size()) == (set(), 0)


METHODS = [
    wt.Full(wt.Random()),
    wt.Halving(wt.Random()),
    wt.Halving(wt.Random(), brackets=2),
    wt.Hyperband(wt.Random()),
    Pieces(trials=4, together=True),
]


@pytest.mark.parametrize("method", METHODS, ids=repr)
@pytest.mark.parametrize("budget", ["1 epochs", "13 epochs", "50 epochs", "160 epochs"])
def test_what_can_go_on_and_the_best_can_always_be_loaded(tmp_path, method, budget):
    with tune(method=method, budget=budget, path=tmp_path) as study:
        keep = needed(study.history, study.scheduler.keeps(study.history))
        assert study.checkpoints.present() == {(id, epoch) for id, epochs in keep.items() for epoch in epochs}
        expected = {study.best.id, *study.history.interrupted, *study.scheduler.keeps(study.history)}
        assert expected <= set(keep)
        for id, epochs in keep.items():
            assert max(epochs) == study.trials[id].epoch
            assert study.checkpoint(study.trials[id])["state"]["epochs"] == study.trials[id].epoch
        assert len(keep) <= len(expected) + 1


def test_the_best_can_be_loaded_at_every_moment_of_a_study(tmp_path):
    found = experiment(method=wt.Halving(wt.Random()))
    with wt.Study.create(found, tmp_path) as study:

        def look(event):
            best = study.best
            if isinstance(event, wt.Started | wt.Resumed) and best is not None and not best.running:
                assert study.checkpoint(best)["state"]["epochs"] == best.epoch

        study.run(found.train, budget="150 epochs", workers=0, watch=look)
        assert len(study.checkpoints.present()) < len(study.trials) + 2


def test_checkpoints_do_not_pile_up_while_a_study_runs(tmp_path):
    def steps(run):
        run.keep()
        for _ in run:
            run.report(loss=run.trial)  # the first is the best for ever

    most = []
    found = experiment(steps, method=wt.Full(wt.Random()), epochs=1)
    with wt.Study.create(found, tmp_path) as study:
        study.run(
            steps,
            budget="100 trials",
            workers=0,
            watch=lambda event: most.append(len(study.checkpoints.present())),
        )
        assert max(most) <= 5
        assert study.checkpoints.present() == {(0, 1)}


def test_a_deleted_checkpoint_is_missed_with_a_sentence(tmp_path):
    with tune(budget="2 trials", path=tmp_path) as study:
        other = next(trial for trial in study.trials if trial.id != study.best.id)
        with pytest.raises(wt.CorruptCheckpoint, match=f"trial {other.id} must have a checkpoint of epoch 9 in "):
            study.checkpoint(other)


def test_training_without_torch_saves_and_loads_without_it(tmp_path):
    text = """
        import sys
        from trainings import Pieces, tune

        with tune(method=Pieces(together=True), budget=None) as study:
            assert [trial.state for trial in study.trials] == ["complete", "complete"]
        assert "torch" not in sys.modules
    """
    output(program(tmp_path, text))


@pytest.mark.parametrize("workers", [0, 1])
def test_training_may_change_the_working_folder_though_the_path_is_relative(tmp_path, monkeypatch, workers):
    def train(run):
        run.keep()
        os.chdir(tmp_path.parent)
        for _ in run:
            run.report(loss=run.params["x"])

    monkeypatch.chdir(tmp_path)
    with tune(train, method=Pieces(together=True), budget=None, workers=workers, path="study") as study:
        assert [trial.state for trial in study.trials] == ["complete", "complete"]
        assert study.checkpoint(study.best) == {}
    assert (tmp_path / "study" / "checkpoints").is_dir()
