"""`tune`: a study from training code to its end, in one call."""

from pathlib import Path
from typing import Literal

from welltempered.auto import AUTO
from welltempered.budget import Budget
from welltempered.checks import flag
from welltempered.decide import Scheduler
from welltempered.experiment import Experiment, Train
from welltempered.limits import Limits, checked
from welltempered.space import Space
from welltempered.study import Study
from welltempered.view.progress import Progress


def tune(  # noqa: PLR0913 - the one door through which everything comes in; all but two have names
    train: Train,
    space: Space,
    *,
    minimize: str | None = None,
    maximize: str | None = None,
    epochs: int,
    budget: Budget | str | None,
    method: Scheduler | Literal["auto"] = AUTO,
    workers: int = 1,
    limits: Limits | None = None,
    path: str | Path | None = None,
    seed: int = 0,
    resumable: bool = True,
    progress: bool = True,
) -> Study:
    """Tune the params of training code; the same call again continues the study, or shows it once it is finished.

    Args:
        train: training code, see `Run`.
        space: what to search.
        minimize: metric to minimize; exactly one of `minimize` and `maximize` is given.
        maximize: metric to maximize.
        epochs: epochs of a full training.
        budget: "200 epochs", "30 trials", "10 min", several, or `None`: until the method ends by itself or Ctrl-C.
        method: scheduler with its searcher. Default "auto": chosen for a new study by epochs, space, budget and whether
            trials can be resumed, and said with its reason; a study that is there keeps the method it has.
        workers: processes that train side by side; 0 trains in this process. Default 1.
        limits: memory, time and disk that trials may use. Default: none.
        path: folder of the study; `None` (default) keeps it in memory.
        seed: where all randomness comes from. Default 0.
        resumable: whether training can go on from what `run.keep` saved. Default True.
        progress: whether to say on standard error how it goes: a live view in a terminal, lines elsewhere and where
            `workers=0` lets training code print into the same terminal. Default True.

    Returns:
        The study; `study.best` is what it found.

    Raises:
        InvalidInput: if an argument breaks a rule.
        StudyChanged: if the study at `path` is of another space, objective, seed, ...
        StudyBusy: if another process runs it.
        TrainingFailed: if the training code fails alike in the first three trials, or in ten in a row.
    """
    experiment = Experiment(
        train,
        space,
        minimize=minimize,
        maximize=maximize,
        epochs=epochs,
        method=method,
        seed=seed,
        resumable=resumable,
    )
    bound = Budget.of(budget)
    workers, limits = checked(workers, limits)  # before there is a folder
    flag("progress", progress)
    study = Study.create(experiment, path, budget=bound)
    try:
        with Progress(study, bound, quiet=not progress, lines=workers == 0) as view:
            return study.run(train, budget=bound, workers=workers, limits=limits, watch=view, idle=view.idle)
    except BaseException:
        study.close()  # nobody else could
        raise
