"""The demo as a stranger meets it: a real command, real images, real training."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from trainings import SECONDS, eventually, interrupt
from welltempered import Study

COMMAND = [str(Path(sys.executable).with_name("welltempered")), "demo", "--budget", "16 epochs", "--path", "study"]


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """Run the demo twice, and give back both runs and the study's folder."""
    folder = tmp_path_factory.mktemp("demo")
    runs = []
    for _ in range(2):
        runs.append(subprocess.run(COMMAND, cwd=folder, capture_output=True, text=True, check=True))
        runs.append(events(folder))
    return (*runs, folder / "study")


def events(folder):
    with Study.open(folder / "study", readonly=True) as study:
        return list(study.history.events)


def accuracy(run):
    (found,) = re.findall(r"test accuracy of the winner, opened once: (\d\.\d{4})", run.stdout)
    return float(found)


def test_demo_tunes_a_net_that_knows_digits_it_has_never_seen(demo):
    run, *_ = demo
    assert accuracy(run) > 0.8  # chance is 0.1; the default budget reaches more


def test_demo_spends_the_budget_and_says_what_to_type_next(demo):
    run, _, _, _, path = demo
    with Study.open(path, readonly=True) as study:
        assert study.history.spent == 16
    assert "welltempered show study" in run.stdout
    assert "Tuning a PyTorch network on digits" in run.stdout


def test_second_demo_shows_the_finished_study_and_repeats_nothing(demo):
    first, before, second, after, _ = demo
    assert after == before
    assert accuracy(second) == accuracy(first)
    assert "Tuned a PyTorch network on digits" in second.stdout


def test_test_set_is_remembered_with_the_winner_it_was_opened_for(demo):
    run, _, _, _, path = demo
    with Study.open(path, readonly=True) as study:
        best = study.best
    known = json.loads((path / "test.json").read_text())
    assert (known["trial"], known["epoch"]) == (best.id, best.epoch)
    assert f"{known['accuracy']:.4f}" == f"{accuracy(run):.4f}"


def test_every_decision_of_the_demo_can_be_derived_again(demo):
    path = demo[-1]
    with Study.open(path, readonly=True) as study:
        assert study.replay(verify=True).differences == ()


def test_an_interrupted_demo_keeps_the_test_set_closed_and_says_how_to_continue(tmp_path):
    command = [COMMAND[0], "demo", "--path", "study"]
    options = {"cwd": tmp_path, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "start_new_session": True}
    with subprocess.Popen(command, text=True, **options) as process:
        eventually((tmp_path / "study" / "logs" / "0.log").exists)
        interrupt(process)
        out, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 130
    assert err.splitlines()[-1] == f"interrupted; nothing is lost. To continue: {' '.join(command)}"
    assert "test accuracy" not in out
    assert not (tmp_path / "study" / "test.json").exists()


def test_output_to_a_file_has_no_control_characters(demo):
    run, *_ = demo
    assert not re.search(r"[\x00-\x08\x0b-\x1f]", run.stdout + run.stderr)


def test_fashion_mnist_in_a_wrong_folder_is_one_sentence_with_the_way_out(tmp_path):
    command = [*COMMAND, "--data", "fashion-mnist", "--data-dir", "nowhere"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert run.stderr.startswith("error: ")
    assert "nowhere" in run.stderr
    assert "Traceback" not in run.stderr
