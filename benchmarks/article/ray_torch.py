"""The example in Ray Tune: ASHA around a plain PyTorch loop, a trial per core; runs in Ray's environment.

Data travel once (`with_parameters`) and actors are used again, both as its pages advise. Ray gives each one thread.
"""

import os
from typing import Any

os.environ["TUNE_DISABLE_AUTO_CALLBACK_LOGGERS"] = "1"  # files for TensorBoard, which nobody reads here

import ray
import torch
from ray import tune
from ray.tune.schedulers import ASHAScheduler
from ray.tune.search.basic_variant import BasicVariantGenerator

from benchmarks.article.task import EPOCHS, FACTOR, RATES, UNITS, Given, Meter, load, serve
from benchmarks.article.torch_net import tensors, train


def trainable(config: dict[str, Any], arrays: Any = None, seed: int = 0) -> None:
    """Train a trial, and report each epoch."""
    number = int(tune.get_context().get_trial_id().rpartition("_")[2])
    for epoch, accuracy, seconds in train(config, tensors([array.copy() for array in arrays]), 1_000 * seed + number):
        tune.report(
            {
                "accuracy": accuracy,
                "epoch": epoch,
                "train": seconds,
                "number": number,
                "threads": torch.get_num_threads(),
            }
        )


class Watch(tune.Callback):
    """Tells of each epoch as soon as the driver knows."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    def on_trial_result(self, iteration: int, trials: Any, trial: Any, result: dict[str, Any], **info: Any) -> None:
        """An epoch."""
        self._meter.epoch(result["number"], result["epoch"], result["accuracy"], result["train"])


class Stop(tune.Stopper):
    """Ends the search when the epochs are used up."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """No single trial is ended."""
        return False

    def stop_all(self) -> bool:
        """Whether all are."""
        return self._meter.full


def search(given: Given, meter: Meter) -> dict[str, Any]:
    """Start Ray and run."""
    ray.init(num_cpus=given.cores, include_dashboard=False, log_to_driver=False, configure_logging=False)
    meter.mark("ray started")
    arrays = load(given.data)
    meter.mark("loaded")
    low, high, step = UNITS
    tuner = tune.Tuner(
        tune.with_parameters(trainable, arrays=arrays, seed=given.seed),
        param_space={"units": tune.qrandint(low, high, step), "lr": tune.loguniform(*RATES)},
        tune_config=tune.TuneConfig(
            metric="accuracy",
            mode="max",
            num_samples=-1,
            reuse_actors=True,
            search_alg=BasicVariantGenerator(random_state=given.seed, max_concurrent=given.cores),
            scheduler=ASHAScheduler(max_t=EPOCHS, grace_period=1, reduction_factor=FACTOR),
        ),
        run_config=tune.RunConfig(
            storage_path=str(given.folder), stop=Stop(meter), callbacks=[Watch(meter)], verbose=0
        ),
    )
    best = tuner.fit().get_best_result(scope="all")
    return {"threads": best.metrics["threads"], "best": best.metrics["accuracy"], "params": best.config}


if __name__ == "__main__":
    serve(search)
