"""Kill drivers and workers at random moments of a short real study, again and again, and look at what became of it."""

import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

import welltempered as wt
from soak.driver import METHODS
from soak.processes import alive, children, descendants, kill, seconds_until_gone
from soak.training import experiment

_WORKERS = 2
_ORPHAN_SECONDS = 5.0
"""In which whatever a killed driver has started must be gone."""
_STUDY_SECONDS = 300.0
"""After which an undisturbed rest of a study is taken to hang."""
_EARLY_SHARE = 0.1
"""Of the kills, the share that does not wait for any event."""
_DRIVER_SHARE = 0.5
"""Of the kills, the share that hits the driver; the others hit a worker."""


@dataclass
class Found:
    """What all studies together have shown."""

    kills: dict[str, int] = field(default_factory=lambda: {"driver": 0, "worker": 0})
    studies: int = 0
    finished: int = 0
    acknowledged: int = 0
    lost: int = 0
    repeated: int = 0
    most_repeated_per_kill: float = 0.0
    compared: int = 0
    same: int = 0
    replayed: int = 0
    orphans: int = 0
    slowest_end: float = 0.0
    faults: list[str] = field(default_factory=list)

    @property
    def killed(self) -> int:
        """All kills."""
        return sum(self.kills.values())


def run(kills: int, seed: int) -> dict[str, Any]:
    """Disturb studies until so many processes have been killed; returns the record."""
    dice, found = random.Random(seed), Found()
    undisturbed: dict[int, Any] = {}
    with tempfile.TemporaryDirectory(prefix="welltempered-soak-") as folder:
        while found.killed < kills:
            number = found.studies
            method = "halving" if number % 5 == 4 else "hyperband"
            study_seed = number % 3
            if method == "hyperband" and study_seed not in undisturbed:
                undisturbed[study_seed] = _undisturbed(Path(folder) / f"whole{study_seed}", study_seed)
            path = Path(folder) / str(number)
            _disturb(path, method, study_seed, dice, found, kills)
            _look(path, undisturbed.get(study_seed) if method == "hyperband" else None, found)
            sys.stderr.write(f"\r{found.killed} of {kills} kills, {found.studies} studies, {len(found.faults)} faults")
    sys.stderr.write("\n")
    return {**msgspec.to_builtins(found), "seed": seed}


def _undisturbed(path: Path, seed: int) -> Any:
    """What a study comes to that nobody disturbs, in one go and in this process."""
    scheduler, budget = METHODS["hyperband"]
    found = experiment(scheduler, seed)
    with wt.Study.create(found, path) as study:
        study.run(found.train, budget=budget, workers=1)
        return _outcome(study)


def _outcome(study: wt.Study) -> Any:
    """All that must not depend on who was killed when: params, leases, and every reported bit."""
    leases = sorted({(e.trial, e.until) for e in study.history.events if isinstance(e, wt.Started | wt.Resumed)})
    trials = [(trial.params, trial.state, [report.metrics for report in trial.reports]) for trial in study.trials]
    return leases, trials


def _disturb(path: Path, method: str, seed: int, dice: random.Random, found: Found, kills: int) -> None:
    """Run a study to its end, however often it has to be started anew."""
    before, spoken = found.killed, []
    while True:
        driver = _Driver(path, method, seed)
        try:
            for victim in _victims(driver, dice, found, kills):
                _strike(driver, victim, found)
            driver.process.wait(_STUDY_SECONDS)
        except subprocess.TimeoutExpired:
            found.faults.append(f"study {path.name} hangs")
            driver.process.kill()
            break
        finally:
            spoken += driver.close()
            _check_acknowledged(path, spoken, found)
        if driver.process.returncode == 0:
            found.finished += 1
            break
        if driver.process.returncode != -9:
            found.faults.append(f"study {path.name}: exit {driver.process.returncode}: {driver.error[-500:]}")
            break
    found.studies += 1
    found.acknowledged += len(spoken)
    _count_repeated(path, found.killed - before, found)


class _Driver:
    """The process of a study, and a thread that hears what it acknowledges."""

    def __init__(self, path: Path, method: str, seed: int) -> None:
        command = [sys.executable, "-m", "soak.driver", str(path), method, str(seed), str(_WORKERS)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.error = ""
        self._lines: list[str] = []
        self._ears = [threading.Thread(target=self._hear), threading.Thread(target=self._hear_errors)]
        for ear in self._ears:
            ear.start()

    def wait_for(self, events: int) -> None:
        """Wait until it has acknowledged so many more events, or ends."""
        goal, deadline = len(self._lines) + events, time.monotonic() + _STUDY_SECONDS
        while len(self._lines) < goal and alive(self.process.pid) and time.monotonic() < deadline:
            time.sleep(0.005)

    def close(self) -> list[str]:
        """What it has acknowledged before its end."""
        for ear in self._ears:
            ear.join()
        return [line for line in self._lines if line.endswith("\n")]

    def _hear(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.append(line)

    def _hear_errors(self) -> None:
        assert self.process.stderr is not None
        self.error = self.process.stderr.read()


def _victims(driver: _Driver, dice: random.Random, found: Found, kills: int) -> Iterator[str]:
    """Who is killed next and when; ends with the driver, its own end, or enough kills.

    Nine times of ten some events are waited for, so that training is hit, else a moment: workers that are just
    starting.
    """
    while found.killed < kills:
        if dice.random() < _EARLY_SHARE:
            time.sleep(dice.uniform(0, 2))
        else:
            driver.wait_for(dice.randint(1, 12))
            time.sleep(dice.uniform(0, 0.1))
        if not alive(driver.process.pid):
            return
        victim = "driver" if dice.random() < _DRIVER_SHARE else "worker"
        yield victim
        if victim == "driver":
            return


def _strike(driver: _Driver, victim: str, found: Found) -> None:
    started = descendants(driver.process.pid)
    if victim == "worker":
        workers = children(driver.process.pid)
        found.kills["worker"] += bool(workers) and kill(random.choice(workers))
        return
    found.kills["driver"] += kill(driver.process.pid)
    driver.process.wait()
    seconds = seconds_until_gone(started, _ORPHAN_SECONDS)
    if seconds is None:
        orphans = [pid for pid in started if alive(pid)]
        found.orphans += len(orphans)
        found.faults.append(f"orphans {orphans} after {_ORPHAN_SECONDS} s")
    else:
        found.slowest_end = max(found.slowest_end, round(seconds, 3))


def _check_acknowledged(path: Path, spoken: list[str], found: Found) -> None:
    """Every event that was said to be written must be there, in its place among the others."""
    if not (path / "study.db").exists():
        if spoken:
            found.faults.append(f"study {path.name} is gone")
        return
    with wt.Study.open(path, readonly=True) as study:
        events = iter(msgspec.json.encode(event).decode() + "\n" for event in study.history.events)
        lost = [line for line in spoken if line not in events]  # consumes: order counts
    if lost:
        found.lost += len(lost)
        found.faults.append(f"study {path.name} has lost {lost[0]}")


def _count_repeated(path: Path, kills: int, found: Found) -> None:
    """Epochs that were reported and then trained again."""
    with wt.Study.open(path, readonly=True) as study:
        repeated = study.history.spent - sum(trial.epoch for trial in study.trials)
    found.repeated += repeated
    if kills:
        found.most_repeated_per_kill = max(found.most_repeated_per_kill, round(repeated / kills, 3))


def _look(path: Path, whole: Any, found: Found) -> None:
    """The study must be replayed without a difference, and Hyperband's end as if nothing had happened."""
    with wt.Study.open(path, readonly=True) as study:
        differences = study.replay(verify=True).differences
        found.replayed += not differences
        if differences:
            found.faults.append(f"study {path.name}: {differences[0]}")
        if whole is not None:
            found.compared += 1
            same = _outcome(study) == whole
            found.same += same
            if not same:
                found.faults.append(f"study {path.name} ends otherwise than undisturbed")
    _remove(path)


def _remove(path: Path) -> None:
    import shutil

    shutil.rmtree(path, ignore_errors=True)


def failed(record: dict[str, Any]) -> bool:
    """Whether a promise was broken."""
    return bool(record["faults"]) or record["most_repeated_per_kill"] > 1 or record["finished"] < record["studies"]
