"""What `welltempered demo` does: tune a network, show what was found, open the test set once for the winner."""

import json
import sys
from pathlib import Path

from welltempered import method as methods
from welltempered.budget import Budget
from welltempered.demo.data import DIGITS, FASHION_MNIST, Data, load, require
from welltempered.errors import InvalidInput
from welltempered.events import INTERRUPTED
from welltempered.experiment import Experiment
from welltempered.limits import checked
from welltempered.schedulers.hyperband import Hyperband
from welltempered.searchers.sobol import Sobol
from welltempered.study import Study
from welltempered.view.progress import Progress
from welltempered.view.summary import say, show

EPOCHS = 27
"""Of a full training; 27 = 3³ gives Hyperband its four brackets with η = 3."""
BUDGETS = {DIGITS: "357 epochs", FASHION_MNIST: "357 epochs"}
"""One round of Hyperband with continuation: its brackets take 81 + 78 + 90 + 108 epochs."""
_TEST = "test.json"


def tour(data: str, data_dir: Path | None, path: Path, budget: str | None, workers: int, seed: int) -> bool:
    """Run the demo, or show its study if it is finished.

    Returns whether it has come to its end: once interrupted, it shows nothing, and the test set stays closed.

    Args:
        data: name of the image set.
        data_dir: folder of its files, see `welltempered.demo.data.load`.
        path: folder of the study.
        budget: see `Budget.of`; `None` takes the one of the image set.
        workers: processes that train side by side.
        seed: where all randomness comes from.
    """
    require("torch", "sklearn") if data == DIGITS else require("torch")
    from welltempered.demo.train import SPACE, Train

    folder = None if data_dir is None else data_dir.absolute()
    bound = Budget.of(budget or BUDGETS[data])
    checked(workers, None)  # before there is a folder
    images = load(data, folder, _say_download)
    experiment = Experiment(
        Train(data, folder),
        SPACE,
        maximize="val_accuracy",
        epochs=EPOCHS,
        method=Hyperband(Sobol()),
        seed=seed,
    )
    with Study.create(experiment, path) as study:
        say(_heading(study, images, bound))
        with Progress(study, bound, lines=workers == 0) as view:
            study.run(experiment.train, budget=bound, workers=workers, watch=view, idle=view.idle)
        if study.stopping == INTERRUPTED:
            return False
        show(study)
        say(f"\ntest accuracy of the winner, opened once: {_test(study, data, folder):.4f}")
        say(_next(data, path, budget is None))
    return True


def _heading(study: Study, images: Data, budget: Budget) -> str:
    done = budget.share(*study.history.used) == 1
    verb = "Tuned" if done else "Continuing to tune" if study.trials else "Tuning"
    return (
        f"{verb} a PyTorch network on {images.name}: {len(images.train.y):,} images to train on, "
        f"{len(images.validation.y):,} to compare by.\n"
        f"{methods.describe(study.header.method)} over {', '.join(study.space)}; {budget} in all.\n"
    )


def _test(study: Study, data: str, folder: Path | None) -> float:
    """Accuracy on the test set, computed once per winner and remembered in the study's folder."""
    from welltempered.demo.train import test_accuracy

    best = study.best
    if best is None:
        raise InvalidInput("budget must suffice for one epoch at least, none was trained; give a larger one")
    file = study.path / _TEST
    winner = {"trial": best.id, "epoch": best.epoch}
    if file.exists():
        known = json.loads(file.read_text())
        if {key: known.get(key) for key in winner} == winner:
            return float(known["accuracy"])
        sys.stderr.write("a larger budget has found another winner, so the test set is opened again\n")
    accuracy = test_accuracy(best.params, study.checkpoint(best)["model"], load(data, folder))
    file.write_text(json.dumps({**winner, "accuracy": accuracy}))
    return accuracy


def _next(data: str, path: Path, default: bool) -> str:  # noqa: FBT001
    lines = [f"  welltempered show {path}", f"  welltempered replay {path} --verify"]
    lines.append(f"  welltempered export {path} --output trials.csv")
    if default:
        more = f"{2 * int(BUDGETS[data].split()[0])} epochs"
        option = "" if data == DIGITS else f" --data {data}"
        lines.append(f"  welltempered demo{option} --budget '{more}'    # go on from here")
    if data == DIGITS:
        lines.append("  welltempered demo --data fashion-mnist")
    return "\nnext:\n" + "\n".join(lines)


def _say_download(name: str, done: int, total: int) -> None:
    share = f"{done / total:4.0%}" if total else f"{done / 1e6:.0f} MB"
    sys.stderr.write(f"\rdownloading {name} {share}" + ("\n" if done == total else ""))
    sys.stderr.flush()
