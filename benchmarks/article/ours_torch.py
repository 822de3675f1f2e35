"""The example in PyTorch with `wt.batches` and `run.build_optimizer`.

In this process; or, with a word on the command line, in as many workers as there are cores.
"""

import sys
from typing import Any

import torch
from torch.nn import functional

import welltempered as wt
from benchmarks.article.ours import search
from benchmarks.article.task import BATCH, Given, Meter, load, serve
from benchmarks.article.torch_net import net, tensors, validate


class Train:
    """Training code; the data are read once in each process."""

    def __init__(self, given: Given) -> None:
        self._given = given
        self._parts: Any = None

    def __reduce__(self) -> tuple[Any, ...]:
        return Train, (self._given,)

    def __call__(self, run: wt.Run) -> None:
        """Train a trial."""
        if self._parts is None:
            self._parts = tensors(load(self._given.data))
        x, y, x_valid, y_valid = self._parts
        model = net(run.params["units"])
        batches = wt.batches(run, x, y, batch_size=BATCH)
        optimizer = run.build_optimizer(model, optimizer="adam")
        run.keep(model=model)
        for _ in run:
            model.train()
            for images, labels in batches:
                optimizer.zero_grad()
                functional.cross_entropy(model(images), labels).backward()
                optimizer.step()
            run.report(val_accuracy=validate(model, x_valid, y_valid))


def main(given: Given, meter: Meter) -> dict[str, Any]:
    """Search."""
    workers = given.cores if len(sys.argv) > 2 else 0
    return {"threads": torch.get_num_threads(), **search(Train(given), given, meter, workers=workers)}


if __name__ == "__main__":
    serve(main)
