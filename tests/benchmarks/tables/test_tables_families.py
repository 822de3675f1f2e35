"""Families are found by their files, and a table is searched as the space that it was drawn from."""

import gzip
import math

import numpy as np
import pytest

import welltempered as wt
from benchmarks.tables.families import FAMILIES, tasks
from benchmarks.tables.rows import Rows

RNG = np.random.default_rng(0)


def taskset(folder, *names):
    folder.mkdir()
    hp = np.stack([10 ** RNG.uniform(-8, 1, 60), 1 - 10 ** RNG.uniform(-4, 0, 60)], axis=1)
    losses = RNG.uniform(1, 2, (60, 1)) + 1 / np.arange(1, 52)
    losses[0, 20:] = np.nan
    for name in names:
        np.savez(folder / name, hp_names=np.array(["learning_rate", "beta1"]), hp=hp, valid_loss=losses)
    return hp, losses


def test_tasks_are_found_by_their_files_and_every_second_one_is_for_design(tmp_path):
    taskset(tmp_path / "taskset", "c", "a", "b")
    assert [(task.name, task.split) for task in tasks(tmp_path, "taskset")] == [
        ("a", "design"),
        ("b", "judged"),
        ("c", "design"),
    ]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_without_data_is_left_out(tmp_path, family):
    assert tasks(tmp_path, family) == ()


def test_curves_begin_after_the_first_training_and_stay_diverged(tmp_path):
    hp, losses = taskset(tmp_path / "taskset", "a")
    (task,) = tasks(tmp_path, "taskset")
    curve = task.losses({"learning_rate": float(hp[0, 0]), "beta1": float(hp[0, 1])}, 0)
    assert task.epochs == len(curve) == 50
    assert curve[:19] == losses[0, 1:20].tolist()
    assert curve[19:] == [math.inf] * 31
    assert task.best == pytest.approx(np.nanmin(losses[:, 1:]))
    assert task.middle == pytest.approx(np.median(losses[1:, -1]))


def test_scales_are_those_on_which_a_table_was_drawn():
    columns = {
        "flat": RNG.uniform(2, 9, 500),
        "log": 10 ** RNG.uniform(-6, -1, 500),
        "momentum": 1 - 10 ** RNG.uniform(-4, 0, 500),
        "epochs": RNG.integers(20, 100, 500).astype(float),
        "batch": RNG.choice([16.0, 64, 128], 500),
        "same": np.ones(500),
    }
    space = Rows.found(columns).space
    assert {name: (type(one), one.scale) for name, one in space.items()} == {
        "flat": (wt.Float, "linear"),
        "log": (wt.Float, "log"),
        "momentum": (wt.Float, "one_minus_log"),
        "epochs": (wt.Int, "linear"),
        "batch": (wt.Int, "linear"),
    }
    assert (space["batch"].low, space["batch"].high) == (0, 2)


def test_the_nearest_row_is_trained_and_each_row_is_nearest_to_itself():
    columns = {"x": np.array([0.0, 0.31, 0.5, 1.0, 0.11, 0.2, 0.82, 0.62, 0.73])}
    rows = Rows.found(columns)
    assert [rows.nearest({"x": float(x)}) for x in columns["x"]] == list(range(9))
    assert [rows.nearest({"x": x}) for x in (0.29, 0.99, 0.02)] == [1, 3, 0]


def test_runs_of_any_length_have_twenty_pieces(tmp_path):
    (tmp_path / "opda").mkdir()
    hp = np.array([[20.0, 0.1, 4], [40, 0.2, 4], [100, 0.3, 25]])
    accuracy = np.full((3, 100), np.nan)
    for row, epochs in zip(accuracy, (20, 40, 100), strict=True):
        row[:epochs] = np.arange(1, epochs + 1) / epochs
    accuracy[1, 30:] = np.nan
    names = np.array(["epochs", "lr", "lr_peak_epoch"])
    np.savez(tmp_path / "opda" / "net", hp_names=names, hp=hp, top_1=accuracy)
    (task,) = tasks(tmp_path, "opda")
    curves = [task.losses({"epochs": i, "lr": i, "lr_peak": j}, 0) for i, j in ((0, 1), (1, 0), (2, 2))]
    whole = [1 - k / 20 for k in range(1, 21)]
    assert curves[0] == curves[2] == pytest.approx(whole)
    assert curves[1][:15] == pytest.approx(whole[:15])
    assert curves[1][15:] == [math.inf] * 5


def test_final_scores_are_read_from_text(tmp_path):
    (tmp_path / "deepar").mkdir()
    with gzip.open(tmp_path / "deepar" / "power.csv.gz", "wt") as file:
        file.write("hp_x,dataset_size,metric_CRPS\n" + "".join(f"{i / 10},7,{i}\n" for i in range(11)))
    (task,) = tasks(tmp_path, "deepar")
    assert (task.name, task.epochs, task.best, task.middle) == ("power", 1, 0, 5)
    assert task.losses({"x": 0.42}, 0) == [4]


def test_a_study_of_a_grid_sees_one_seed_and_counts_for_the_mean(tmp_path):
    (tmp_path / "nasbench201-final").mkdir()
    cells = np.array([[i, j] for i in range(2) for j in range(2)], np.uint8)
    accuracy = np.array([[90, 92, np.nan], [80, 84, 82], [70, 70, 70], [60, 60, 60]])
    np.savez(tmp_path / "nasbench201-final" / "images", ops=np.array(["none", "conv"]), arch=cells, valid_acc=accuracy)
    (task,) = tasks(tmp_path, "nasbench201-final")
    params = {"edge0": "none", "edge1": "none"}
    assert [task.losses(params, seed) for seed in range(3)] == [[10], [8], [10]]
    assert task.truth(params) == task.best == 9
