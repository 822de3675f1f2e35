"""The program that is killed: `python -m soak.driver STUDY METHOD SEED WORKERS`, says each acknowledged event aloud."""

import sys
from pathlib import Path

import msgspec

import welltempered as wt
from soak.training import experiment

METHODS: dict[str, tuple[wt.Scheduler, str | None]] = {
    "hyperband": (wt.Hyperband(wt.Random(), rounds=1), None),
    "halving": (wt.Halving(wt.Random()), "60 epochs"),
}
"""Schedulers, each with its budget."""
RETRIES = 1_000_000
"""A trial is no worse for being hit often here."""


def main(path: Path, method: str, seed: int, workers: int) -> None:
    """Run the study to its end."""
    scheduler, budget = METHODS[method]
    found = experiment(scheduler, seed)

    def say(event: wt.Event) -> None:
        sys.stdout.write(msgspec.json.encode(event).decode() + "\n")
        sys.stdout.flush()

    with wt.Study.create(found, path) as study:
        study.run(found.train, budget=budget, workers=workers, limits=wt.Limits(retries=RETRIES), watch=say)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
