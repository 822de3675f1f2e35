"""The command line: `welltempered demo | tune | check | show | best | replay | export`."""

import csv
import importlib.util
import json
import shutil
import sys
import textwrap
import traceback
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from welltempered import method as methods
from welltempered import view
from welltempered.budget import Budget
from welltempered.check.check import check as run_check
from welltempered.decide import Wait, decide
from welltempered.errors import InvalidInput, WelltemperedError
from welltempered.experiment import Experiment
from welltempered.study import Study
from welltempered.view import Progress

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Tune the hyperparameters of deep neural nets. A study is a folder; running the same again continues it.",
)

_Target = Annotated[
    str,
    typer.Argument(metavar="FILE[:NAME]", help="Python file and its Experiment; NAME is `experiment` if left out."),
]
_Path = Annotated[Path, typer.Argument(metavar="STUDY", help="Folder of the study.")]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]
_Workers = Annotated[int, typer.Option(help="Processes that train side by side; 0 trains in this process.")]
_BudgetOption = Annotated[
    str,
    typer.Option(help="What to spend in all: '200 epochs', '30 trials', '10 min', several, or 'none'."),
]


class Data(StrEnum):
    """Data sets of the demo."""

    DIGITS = "digits"
    FASHION_MNIST = "fashion-mnist"


class Format(StrEnum):
    """What `export` can write."""

    CSV = "csv"
    JSON = "json"
    EVENTS = "events"


@app.command()
def tune(
    target: _Target,
    budget: _BudgetOption,
    path: Annotated[
        Path | None,
        typer.Option(help="Folder of the study. Default: studies/ and the name of the file."),
    ] = None,
    workers: _Workers = 1,
    as_json: _Json = False,
) -> None:
    """Tune the experiment of a Python file; again, to continue it or to look at it."""
    experiment, stem = _experiment(target)
    folder = path or Path("studies") / stem
    bound = Budget.of(None if budget == "none" else budget)
    with Study.create(experiment, folder) as study:
        with Progress(study, bound) as watch:
            study.run(experiment.train, budget=bound, workers=workers, watch=watch)
        _show(study, as_json=as_json)
        left = decide(study.scheduler, study.history, None)
        interrupted = bound.share(*study.history.used) < 1 and not isinstance(left, Wait)
    if interrupted:
        typer.echo("\ninterrupted; the same command goes on from here", err=True)
    elif not as_json:
        typer.echo(f"\nnext: welltempered best {folder} --json", err=True)


@app.command()
def check(
    target: _Target,
    epochs: Annotated[
        int | None, typer.Option(help="Epochs to train. Default: 6, or all where there are less.")
    ] = None,
    stop: Annotated[int | None, typer.Option(help="Epoch after which to stop. Default: half of them.")] = None,
    trials: Annotated[
        int, typer.Option(help="Settings of the params: the defaults, then draws that cover the options of choices.")
    ] = 1,
    as_json: _Json = False,
) -> None:
    """Say whether training that is stopped continues exactly, and if not, what it forgot; exit status 1 then."""
    experiment, _ = _experiment(target)
    found = run_check(experiment, epochs=epochs, stop=stop, trials=trials, progress=not as_json)
    view.say(json.dumps(found.to_json()) if as_json else _folded(str(found)))
    raise typer.Exit(0 if found.exact else 1)


@app.command()
def show(study: _Path, as_json: _Json = False) -> None:
    """Show a study at a glance, also while it runs elsewhere."""
    with Study.open(study, readonly=True) as opened:
        _show(opened, as_json=as_json)


@app.command()
def best(study: _Path, as_json: _Json = False) -> None:
    """Print the best trial and its params."""
    with Study.open(study, readonly=True) as opened:
        trial = opened.best
    if trial is None:
        raise InvalidInput(
            f"study {study} must have a trial with a finite objective to have a best one, found none yet"
        )
    found = {
        "trial": trial.id,
        trial.metric: trial.value,
        "epoch": trial.epoch,
        "params": trial.params,
    }
    if as_json:
        typer.echo(json.dumps(found))
        return
    typer.echo(f"trial {trial.id}: {trial.metric} {trial.value} after epoch {trial.epoch}")
    for name, value in trial.params.items():
        typer.echo(f"  {name} = {value!r}")


@app.command()
def replay(
    study: _Path,
    verify: Annotated[bool, typer.Option("--verify", help="Derive every decision again and compare.")] = False,
    as_json: _Json = False,
) -> None:
    """Fold a study's log from its first event; exit status 1 if a decision comes out differently."""
    with Study.open(study, readonly=True) as opened:
        found = opened.replay(verify=verify)
    if as_json:
        counts = {"events": found.events, "decisions": found.decisions}
        typer.echo(json.dumps({**counts, "verified": verify, "differences": found.differences}))
    else:
        typer.echo(f"{found.events} events, {len(found.history.trials)} trials")
        if verify:
            typer.echo(f"{found.decisions} decisions derived again, {len(found.differences)} differ from the log")
        for difference in found.differences:
            typer.echo(f"  {difference}")
    raise typer.Exit(1 if found.differences else 0)


@app.command()
def export(
    study: _Path,
    form: Annotated[
        Format,
        typer.Option(
            "--format",
            help="A row per trial as csv or json, or the log's events, one JSON per line.",
        ),
    ] = Format.CSV,
    output: Annotated[Path | None, typer.Option(help="File to write. Default: standard output.")] = None,
) -> None:
    """Write a study for other programs."""
    with Study.open(study, readonly=True) as opened:
        if form is Format.EVENTS:
            records = [opened.header, *opened.history.events]
            lines = [msgspec.json.encode(record).decode() for record in records]
        elif form is Format.JSON:
            lines = [json.dumps(opened.rows(), indent=1)]
        else:
            lines = _csv(opened.rows())
    text = "\n".join(lines) + "\n"
    if output is None:
        typer.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"output must be a file that can be written, got {output}: {error.strerror}") from None


@app.command()
def demo(
    data: Annotated[Data, typer.Option(help="What to train on.")] = Data.DIGITS,
    data_dir: Annotated[
        Path | None,
        typer.Option(help="Folder with the data set's files. Default: $WELLTEMPERED_DATA, else downloaded."),
    ] = None,
    path: Annotated[Path | None, typer.Option(help="Folder of the study. Default: studies/demo-DATA.")] = None,
    budget: Annotated[str | None, typer.Option(help="As for tune. Default: one that takes a coffee's time.")] = None,
    workers: _Workers = 2,
    seed: Annotated[int, typer.Option(help="Where all randomness comes from.")] = 0,
) -> None:
    """Tune a PyTorch network on real images, and open the test set once for the winner."""
    from welltempered.demo.tour import tour

    tour(data.value, data_dir, path or Path("studies") / f"demo-{data.value}", budget, workers, seed)


def main() -> None:
    """Entry point; mistakes of the user end in one sentence and exit status 2."""
    try:
        app()
    except WelltemperedError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(2)
    except KeyboardInterrupt:
        typer.echo("interrupted; the same command continues", err=True)
        sys.exit(130)


def _experiment(target: str) -> tuple[Experiment, str]:
    """The experiment of `FILE[:NAME]`, and the file's stem; its folder can be imported from, here and in workers."""
    name, _, attribute = target.rpartition(":") if ".py:" in target else (target, "", "")
    file = Path(name)
    if not file.is_file():
        raise InvalidInput(f"FILE must be a Python file, found none at {file}")
    sys.path.insert(0, str(file.parent.absolute()))
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None:
        raise InvalidInput(f"FILE must be a Python file, got {file}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the user's file may raise anything
        raise InvalidInput(f"{file} must be a Python file that can be imported, got {_where(error, file)}") from None
    found = getattr(module, attribute or "experiment", None)
    if not isinstance(found, Experiment):
        others = [key for key, value in vars(module).items() if isinstance(value, Experiment)]
        hint = f"it has {', '.join(others)}" if others else "write: experiment = wt.Experiment(train, space, ...)"
        raise InvalidInput(f"{file} must define an Experiment named {attribute or 'experiment'}; {hint}")
    return found, file.stem


def _where(error: BaseException, file: Path) -> str:
    """An error in one line, with the user's line that it comes from."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == str(file.absolute())]
    place = f" (line {lines[-1]})" if lines else ""  # a SyntaxError says its line itself
    return f"{type(error).__name__}: {error}{place}"


def _folded(text: str) -> str:
    """The text for the width of the terminal; what is indented is code, or of a traceback, and stays as it is."""
    width = shutil.get_terminal_size().columns
    return "\n".join(
        line if line.startswith(" ") else textwrap.fill(line, width, break_long_words=False, break_on_hyphens=False)
        for line in text.splitlines()
    )


def _show(study: Study, *, as_json: bool) -> None:
    if not as_json:
        view.show(study)
        return
    history, header, trial = study.history, study.header, study.best
    found: dict[str, Any] = {
        "objective": str(header.objective),
        "method": methods.describe(header.method),
        "seed": header.seed,
        "trials": len(history.trials),
        "running": len(history.running),
        "epochs": history.spent,
        "seconds": history.clock,
        "best": None
        if trial is None
        else {
            "trial": trial.id,
            "value": trial.value,
            "epoch": trial.epoch,
            "params": trial.params,
        },
    }
    typer.echo(json.dumps(found))


def _csv(rows: list[dict[str, Any]]) -> list[str]:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    lines: list[str] = []

    class _Lines:
        def write(self, line: str) -> None:
            lines.append(line.rstrip("\r\n"))

    writer = csv.DictWriter(_Lines(), columns)
    writer.writeheader()
    writer.writerows(rows)
    return lines
