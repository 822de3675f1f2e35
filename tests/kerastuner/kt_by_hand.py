"""A tuner of something that is no net; a test kills it in its third trial."""

import sys
import time

import welltempered.kerastuner as kt


class Parabola(kt.RandomSearch):
    """Asks for its parameters only while it trains."""

    def run_trial(self, trial, *, patience=0.0):
        print(f"trial {trial.trial_id}", flush=True)
        time.sleep(patience if trial.trial_id == "2" else 0)
        hp = trial.hyperparameters
        return {"score": (hp.Float("x", -1, 1) - 0.3) ** 2 + hp.Int("n", 0, 3)}


def made(directory):
    """The tuner."""
    return Parabola(objective=kt.Objective("score", "min"), max_trials=6, directory=directory)


if __name__ == "__main__":
    made(sys.argv[1]).search(patience=60.0)
