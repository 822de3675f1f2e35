"""Random search over learning rate, units and β of a small net on Fashion-MNIST, in Keras.

    python random_search_keras.py --data DIR    # the folder that holds fashion-mnist/; or set WELLTEMPERED_DATA
    python random_search_keras.py               # without: the small digits of scikit-learn

Run it again and the finished study is shown; raise --budget and it goes on.
"""

import argparse
import os
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")  # whole epochs are compiled; tensorflow and torch train by `fit`

import keras

import welltempered as wt
from welltempered.demo.data import load

parser = argparse.ArgumentParser()
parser.add_argument("--data", type=Path, default=os.environ.get("WELLTEMPERED_DATA"))
parser.add_argument("--budget", default="12 trials")
parser.add_argument("--workers", type=int, default=2)
parser.add_argument("--path", type=Path, default="random-search-keras")
options = parser.parse_args()

name = "fashion-mnist" if options.data else "digits"
space = wt.Space(
    wt.schedule("exponential"),  # how fast the learning rate decays
    learning_rate=wt.learning_rate(1e-4, 1e-1),  # each decade gets the same number of trials
    beta1=wt.beta1(0.5, 0.99),  # uniform in log(1 - β): from 0.9 to 0.99 is as far as from 0 to 0.9
    units=wt.Int(32, 512, step=32),
)


def images(part):
    return lambda: getattr(load(name, options.data), part)  # read once per worker, rather than sent to it


def build(run):
    data, params = load(name, options.data), run.params
    steps = -(-len(data.train.y) // 128)
    rate = wt.for_keras(wt.schedule_of(params), params["learning_rate"], epochs=run.horizon, steps=steps)
    model = keras.Sequential(
        [
            keras.Input((data.n_in,)),
            keras.layers.Dense(params["units"], activation="relu"),
            keras.layers.Dropout(0.2),
            keras.layers.Dense(data.classes),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(rate, params["beta1"]), loss, metrics=["accuracy"])
    return model


train = wt.keras.trainable(build, images("train"), validation=images("validation"), batch_size=128)
method = wt.Full(wt.Random())
goal = {"maximize": "val_accuracy", "epochs": 5, "budget": options.budget}
study = wt.tune(train, space, **goal, method=method, workers=options.workers, path=options.path)
print(study.best)
