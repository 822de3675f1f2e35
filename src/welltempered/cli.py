"""The command line: `welltempered demo | tune | check | show | trials | logs | best | undo | replay | export`."""

import csv
import json
import sys
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from welltempered import method as methods
from welltempered.budget import Budget
from welltempered.check.check import check as run_check
from welltempered.errors import InvalidInput, WelltemperedError
from welltempered.events import INTERRUPTED
from welltempered.limits import Limits, checked
from welltempered.script import experiment_of
from welltempered.searchers.zoom import zooms
from welltempered.study import Study
from welltempered.table import stages
from welltempered.view import trials as tables
from welltempered.view.follow import follow as follow_study
from welltempered.view.logs import logs as print_logs
from welltempered.view.progress import Progress
from welltempered.view.status import budget_of, who
from welltempered.view.summary import put, say, terminal_width, zooms_of
from welltempered.view.summary import show as show_summary

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _path(text: str) -> Path:
    """A path from the command line, where an empty one is a variable that was not set."""
    if not text:
        raise typer.BadParameter("it is empty; the folder one is in is '.'")
    return Path(text)


_Target = Annotated[
    str,
    typer.Argument(metavar="FILE[:NAME]", help="Python file and its Experiment; NAME is `experiment` if left out."),
]
_Path = Annotated[Path, typer.Argument(metavar="STUDY", parser=_path, help="Folder of the study.")]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]
_Workers = Annotated[int, typer.Option(help="Processes that train side by side; 0 trains in this process.")]
_BudgetOption = Annotated[
    str,
    typer.Option(help="What to spend in all: '200 epochs', '30 trials', '10 min', several, or 'none'."),
]
_INTERRUPTED = 130
"""Exit status after Ctrl-C, by convention 128 and the number of the signal."""


def _version(asked: bool) -> None:
    if asked:
        typer.echo(version("welltempered"))
        raise typer.Exit


@app.callback()
def _options(
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Tune the hyperparameters of deep neural nets. A study is a folder; running the same again continues it."""


class Data(StrEnum):
    """Data sets of the demo."""

    DIGITS = "digits"
    FASHION_MNIST = "fashion-mnist"


class Format(StrEnum):
    """What `export` can write."""

    CSV = "csv"
    JSON = "json"
    EVENTS = "events"
    STAGES = "stages"


@app.command()
def tune(
    target: _Target,
    budget: _BudgetOption,
    path: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH", parser=_path, help="Folder of the study. Default: studies/ and the name of the file."
        ),
    ] = None,
    workers: _Workers = 1,
    memory: Annotated[
        str | None, typer.Option(help="Resident memory of a worker and its children, such as '4 GB'.")
    ] = None,
    epoch_time: Annotated[str | None, typer.Option(help="Time an epoch may take, such as '10 min'.")] = None,
    trial_time: Annotated[str | None, typer.Option(help="Time a trial may train, such as '2 h'.")] = None,
    disk: Annotated[str | None, typer.Option(help="Size of all checkpoints, such as '50 GB'.")] = None,
    as_json: _Json = False,
) -> None:
    """Tune the experiment of a Python file; again, to continue it or to look at it."""
    experiment, stem = experiment_of(target)
    folder = path or Path("studies") / stem
    bound = Budget.of(None if budget == "none" else budget)
    _, limits = checked(workers, Limits(memory=memory, epoch=epoch_time, trial=trial_time, disk=disk))
    with Study.create(experiment, folder, budget=bound) as study:
        with Progress(study, bound, lines=workers == 0) as view:
            study.run(experiment.train, budget=bound, workers=workers, limits=limits, watch=view, idle=view.idle)
        interrupted = study.stopping == INTERRUPTED
        if as_json or not interrupted:
            _show(study, as_json=as_json)
    if interrupted:
        raise typer.Exit(_INTERRUPTED)
    if not as_json:
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
    experiment, _ = experiment_of(target)
    found = run_check(experiment, epochs=epochs, stop=stop, trials=trials, progress=not as_json)
    say(json.dumps(found.to_json()) if as_json else str(found))
    raise typer.Exit(0 if found.exact else 1)


@app.command()
def show(
    study: _Path,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Watch it live, until its run ends or Ctrl-C.")
    ] = False,
    as_json: _Json = False,
) -> None:
    """Show a study at a glance, also while it runs elsewhere."""
    if follow and as_json:
        raise InvalidInput("show must be given --follow or --json, got both; programs may call --json again and again")
    with Study.open(study, readonly=True) as opened:
        if follow:
            follow_study(opened)
        else:
            _show(opened, as_json=as_json)


@app.command()
def trials(
    study: _Path,
    sort: Annotated[
        str, typer.Option(help="Column, param or metric; smallest first, `value` (the objective) best first.")
    ] = "value",
    reverse: Annotated[bool, typer.Option("--reverse", help="The other way round.")] = False,
    where: Annotated[
        list[str] | None,
        typer.Option(metavar="EXPR", help="Only trials that pass: 'lr > 0.01 and epoch >= 9'. May be given again."),
    ] = None,
    state: Annotated[str | None, typer.Option(help="Only those: " + ", ".join(tables.STATES) + ".")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first so many.")] = None,
    columns: Annotated[
        str | None, typer.Option(metavar="A,B,...", help="What to show. Default: as much as fits the terminal.")
    ] = None,
    as_json: _Json = False,
) -> None:
    """List the trials of a study, the best first."""
    with Study.open(study, readonly=True) as opened:
        history = opened.history
        chosen = tables.choose(history, where or (), state)
        chosen = tables.ordered(chosen, history, sort, reverse=reverse)[:limit]
        if as_json:
            rows = opened.rows()
            typer.echo(json.dumps([rows[trial.id] for trial in chosen]))
        elif chosen:
            names = [name.strip() for name in (columns or "").split(",") if name.strip()]
            put(tables.table(chosen, history, terminal_width(), names))
        else:
            typer.echo(f"none of {len(history.trials)} trials")


@app.command()
def logs(
    study: _Path,
    trial: Annotated[int, typer.Argument(metavar="TRIAL", help="Number of the trial.")],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on while it prints, until it is over.")] = False,
    tail: Annotated[int | None, typer.Option(min=0, help="Only so many lines at the end.")] = None,
) -> None:
    """Print what a trial printed, its error if it failed, and why its leases were cut short."""
    with Study.open(study, readonly=True) as opened:
        print_logs(opened, trial, tail=tail, follow=follow)


@app.command()
def best(study: _Path, as_json: _Json = False) -> None:
    """Print the best trial and its params."""
    with Study.open(study, readonly=True) as opened:
        trial = opened.best
    if trial is None:
        raise InvalidInput(
            f"study {study} must have a trial with a finite objective to have a best one, found none yet"
        )
    found: dict[str, Any] = {
        "trial": trial.id,
        trial.metric: trial.value,
        "epoch": trial.epoch,
        "params": trial.params,
    }
    if trial.inherited:
        found["stages"] = stages(trial)
    if as_json:
        typer.echo(json.dumps(found))
        return
    typer.echo(f"trial {trial.id}: {trial.metric} {trial.value} after epoch {trial.epoch}")
    for stage in stages(trial):
        if trial.inherited:
            typer.echo(f"epochs {stage['first']} to {stage['last']}, trial {stage['trial']}")
        for name, value in stage["params"].items():
            typer.echo(f"  {name} = {value!r}")


@app.command()
def undo(
    study: _Path,
    zoom: Annotated[int, typer.Argument(metavar="ZOOM", help="Number of the zoom, as `show` says it.")],
) -> None:
    """Take back a zoom of the searcher: what was searched before it is searched again, until there is new evidence."""
    with Study.open(study) as opened:
        before = zooms(opened.history)
        opened.undo_zoom(zoom)
        numbers = [str(each.number) for each in before[zoom - 1 :] if not each.undone]
        later = f", and with it {', '.join(numbers[1:])}, made after it" if numbers[1:] else ""
        say(f"undone: {before[zoom - 1].line}{later}")


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
            help="A row per trial as csv or json, the log's events, one JSON per line, or the best trial's params "
            "by epoch.",
        ),
    ] = Format.CSV,
    output: Annotated[
        Path | None, typer.Option(metavar="PATH", parser=_path, help="File to write. Default: standard output.")
    ] = None,
) -> None:
    """Write a study for other programs."""
    with Study.open(study, readonly=True) as opened:
        if form is Format.EVENTS:
            records = [opened.header, *opened.history.events]
            lines = [msgspec.json.encode(record).decode() for record in records]
        elif form is Format.JSON:
            lines = [json.dumps(opened.rows(), indent=1)]
        elif form is Format.STAGES:
            lines = [json.dumps(opened.stages(), indent=1)]
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
        typer.Option(
            metavar="PATH",
            parser=_path,
            help="Folder with the data set's files. Default: $WELLTEMPERED_DATA, else downloaded.",
        ),
    ] = None,
    path: Annotated[
        Path | None, typer.Option(metavar="PATH", parser=_path, help="Folder of the study. Default: studies/demo-DATA.")
    ] = None,
    budget: Annotated[str | None, typer.Option(help="As for tune. Default: one that takes a coffee's time.")] = None,
    workers: _Workers = 2,
    seed: Annotated[int, typer.Option(help="Where all randomness comes from.")] = 0,
) -> None:
    """Tune a PyTorch network on real images, and open the test set once for the winner."""
    from welltempered.demo.tour import tour

    done = tour(data.value, data_dir, path or Path("studies") / f"demo-{data.value}", budget, workers, seed)
    if not done:
        raise typer.Exit(_INTERRUPTED)


def main() -> None:
    """Entry point; mistakes of the user end in one sentence and exit status 2."""
    try:
        app()
    except WelltemperedError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)


def _show(study: Study, *, as_json: bool) -> None:
    if not as_json:
        show_summary(study)
        return
    history, header, trial, note = study.history, study.header, study.best, study.note
    found: dict[str, Any] = {
        "objective": str(header.objective),
        "method": methods.describe(header.method),
        "why": header.why or None,
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
            "found": trial.reports[-1].at,
        }
        | ({"stages": stages(trial)} if trial.inherited else {}),
        "zooms": [
            {
                "zoom": zoomed.number,
                "trial": zoomed.trial,
                "undone": zoomed.undone,
                "changes": {change.name: str(change) for change in zoomed.changed},
            }
            for zoomed in zooms_of(history)
        ],
        "failed": {reason: len(ids) for reason, ids in history.failures.items()},
        "status": who(note, history),
        "runs": note is not None and note.holds,
        "budget": budget_of(note).bounds,
        "command": None if note is None else note.command,
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
