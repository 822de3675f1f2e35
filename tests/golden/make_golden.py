"""The studies of the golden logs, and how their files are written.

The files hold the format of version 1 and the decisions of every method. They change only when a decision is meant
to change, and then the change log says so:

    PYTHONPATH=tests python tests/golden/make_golden.py
"""

from pathlib import Path

import msgspec

from simulated import SPACES, bad_luck, copied, doomed, records, simulate, study_of
from welltempered.schedulers.full import Full
from welltempered.schedulers.halving import Halving
from welltempered.schedulers.hyperband import Hyperband
from welltempered.schedulers.pbt import PBT
from welltempered.schedulers.rules import Percentile, Plateau
from welltempered.searchers.grid import Grid
from welltempered.searchers.random import Random
from welltempered.searchers.sobol import Sobol
from welltempered.searchers.zoom import Zoom

FOLDER = Path(__file__).parent


def full_grid():
    """Return a grid of named choices, every trial trained to the end."""
    return simulate(study_of(SPACES["named choices"], Full(Grid()), epochs=3))


def hyperband_sobol():
    """Return a round of Hyperband in a space with conditions, two slots, some trials failing."""
    study = study_of(SPACES["nested conditions"], Hyperband(Sobol(), rounds=1), seed=1)
    return simulate(study, slots=2, fate=doomed)


def halving_random():
    """Return asynchronous halving with two brackets under a constraint, three slots, workers dying."""
    study = study_of(SPACES["constrained"], Halving(Random(), eta=2, brackets=2), seed=2)
    return simulate(study, slots=3, budget="50 epochs", fate=bad_luck(2))


def halving_held():
    """Return halving without checkpoints in a finite space, to the end."""
    study = study_of(SPACES["finite with conditions"], Halving(Sobol()), seed=3, resumable=False)
    return simulate(study, slots=2)


def interrupted():
    """Return Hyperband whose budget runs out twice, and whose driver is lost once."""
    study = study_of(SPACES["zero or log"], Hyperband(Random(), eta=2), epochs=8, seed=2**63 - 1)
    for epochs in (9, 30):
        simulate(study, slots=3, budget=f"{epochs} epochs")
    study = copied(study, len(study.history.events) - 4)
    return simulate(study, slots=3, budget="60 epochs")


def zoomed_and_undone():
    """Return a zooming search whose zoom was taken back, and which has zoomed again since."""
    study = study_of(SPACES["continuous"], Full(Zoom(Sobol(), start=10, growth=1.5)), epochs=2, seed=4)
    simulate(study, slots=2, budget="17 trials")
    study.undo_zoom(1)
    return simulate(study, slots=2, budget="30 trials")


def stopped():
    """Return full trainings under two stopping rules, three slots, some trials failing."""
    rule = Percentile(Full(Random()), percent=20, grace=2, every=2, least=2, noise=0, trend=0)
    method = Plateau(rule, patience=2, share=0, grace=4, every=2)
    study = study_of(SPACES["zero or log"], method, epochs=16, seed=5)
    return simulate(study, slots=3, budget="90 epochs", fate=doomed)


def population():
    """Return a population in a space with conditions, two slots, interrupted once, some trials failing."""
    study = study_of(SPACES["nested conditions"], PBT(Sobol(), population=5, every=2), epochs=8, seed=6)
    simulate(study, slots=2, budget="25 epochs", fate=doomed)
    return simulate(study, slots=2, fate=doomed)


GOLDEN = {
    make.__name__: make
    for make in (
        full_grid,
        hyperband_sobol,
        halving_random,
        halving_held,
        interrupted,
        zoomed_and_undone,
        stopped,
        population,
    )
}


def text_of(study):
    """Return a study as `welltempered export --format events` writes it."""
    return "".join(msgspec.json.encode(record).decode() + "\n" for record in records(study))


if __name__ == "__main__":
    for name, make in GOLDEN.items():
        (FOLDER / f"{name}.jsonl").write_text(text_of(make()), encoding="utf-8")
