"""Random search over learning rate, units and β of a small net on Fashion-MNIST, in PyTorch.

    python random_search_pytorch.py --data DIR    # the folder that holds fashion-mnist/; or set WELLTEMPERED_DATA
    python random_search_pytorch.py               # without: the small digits of scikit-learn

Run it again and the finished study is shown; raise --budget and it goes on.
"""

import argparse
import os
from pathlib import Path

import torch
from torch import nn
from torch.nn.functional import cross_entropy

import welltempered as wt
from welltempered.demo.data import load

parser = argparse.ArgumentParser()
parser.add_argument("--data", type=Path, default=os.environ.get("WELLTEMPERED_DATA"))
parser.add_argument("--budget", default="12 trials")
parser.add_argument("--workers", type=int, default=2)
parser.add_argument("--path", type=Path, default="random-search-pytorch")
options = parser.parse_args()

name = "fashion-mnist" if options.data else "digits"
space = wt.Space(
    wt.schedule("exponential"),  # how fast the learning rate decays
    learning_rate=wt.learning_rate(1e-4, 1e-1),  # each decade gets the same number of trials
    beta1=wt.beta1(0.5, 0.99),  # uniform in log(1 - β): from 0.9 to 0.99 is as far as from 0 to 0.9
    units=wt.Int(32, 512, step=32),
)


def train(run):
    images = load(name, options.data)  # once per worker
    model = nn.Sequential(
        nn.Linear(images.n_in, run.params["units"]), nn.ReLU(), nn.Dropout(0.2), nn.Linear(run.params["units"], 10)
    ).to(run.device)
    batches = wt.batches(run, *images.train, batch_size=128)
    held_out = wt.batches(run, *images.validation, batch_size=1000, shuffle=False)
    optimizer = run.build_optimizer(model, optimizer="adam", steps=len(batches))
    run.keep(model=model)
    for _ in run:
        model.train()
        for x, y in batches:
            optimizer.zero_grad()
            cross_entropy(model(x), y).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            right = sum((model(x).argmax(1) == y).sum() for x, y in held_out)
        run.report(val_accuracy=right / len(images.validation.y))


method = wt.Full(wt.Random())
goal = {"maximize": "val_accuracy", "epochs": 5, "budget": options.budget}
study = wt.tune(train, space, **goal, method=method, workers=options.workers, path=options.path)
print(study.best)
