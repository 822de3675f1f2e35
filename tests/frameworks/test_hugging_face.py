"""The recipe of the documentation for the Trainer of Hugging Face, as it stands there, with the real library."""

import pytest

import welltempered as wt
from pages import DOCS, blocks
from trainings import Pieces, reports, tune

pytest.importorskip("transformers")
pytest.importorskip("accelerate")
torch = pytest.importorskip("torch")

SPACE = wt.Space(lr=wt.Float(1e-3, 1e-2))


class KeepAll(Pieces):
    """Pieces of trials, of which every checkpoint stays to be compared."""

    def keeps(self, history):
        return range(len(history.trials))


def files(study):
    """Return what the trainer has written last of each trial, without what holds the time."""
    found = [study.checkpoint(trial)["checkpoint"] for trial in study.trials]
    return [
        {name: content for name, content in each.items() if name.endswith((".pt", ".safetensors"))} for each in found
    ]


def test_the_recipe_stops_with_the_lease_and_goes_on_exactly():
    (code,) = [block.code for block in blocks(DOCS / "pytorch.md", "python") if "transformers" in block.code]
    recipe = {"__name__": "recipe"}
    exec(compile(code, "pytorch.md", "exec"), recipe)
    torch.set_num_threads(1)
    settings = {"space": SPACE, "minimize": "val_loss", "epochs": 4, "budget": None}
    found = []
    for first, together in ((4, False), (2, True)):
        with tune(recipe["train"], **settings, method=KeepAll(first=first, together=together)) as study:
            assert [trial.state for trial in study.trials] == ["complete"] * 2, study.trials[0].error
            found.append((reports(study), files(study)))
    (whole, state), (pieces, other) = found
    assert pieces == whole
    assert other == state
    assert sorted(state[0]) == ["model.safetensors", "optimizer.pt", "scheduler.pt"]
    assert len({epoch["val_loss"] for trial in whole for epoch in trial}) == 8
