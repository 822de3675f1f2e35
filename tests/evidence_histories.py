"""Hand-made histories, of which one knows what the evidence is."""

from simulated import header_of, history_of
from welltempered.events import Reported, Started
from welltempered.history import History
from welltempered.schedulers.full import Full
from welltempered.searchers.sobol import Sobol

EPOCHS = 3


def history_with(space, losses, *, epochs=EPOCHS):
    """Return a history of trials, given as pairs of params and loss, each trained to its end."""
    history = history_of(space, Full(Sobol()), epochs=epochs)
    for params, loss in losses:
        lived(history, params, loss, epochs)
    return history


def lived(history, params, loss, until):
    """Let a trial train until an epoch, with the same loss after each."""
    number = len(history.trials)
    history.apply(Started(number, params, until))
    for epoch in range(1, until + 1):
        history.apply(Reported(number, epoch, {"loss": loss}))
        if number not in history.running:
            return


def explored(space, loss, count=40, *, seed=0):
    """Return a history of Sobol' points with the losses of a function of their params, where `None` diverges."""
    empty = History(header_of(space, Full(Sobol()), epochs=EPOCHS, seed=seed), space)
    while len(empty.trials) < count and (params := Sobol().suggest(empty)) is not None:
        lived(empty, params, loss(params), EPOCHS)
    return empty
