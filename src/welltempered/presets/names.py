"""The names that hyperparameters have in most people's code."""

import re

_KNOWN = {
    "learning_rate": "learning_rate lr lrate init_lr initial_lr base_lr",
    "momentum": "momentum mom",
    "batch_size": "batch_size batchsize batch bs minibatch_size",
    "units": "units n_units num_units hidden hidden_units hidden_size hidden_dim neurons width filters channels",
    "depth": "depth layers n_layers num_layers hidden_layers num_hidden_layers",
    "optimizer": "optimizer optimiser opt optim",
    "schedule": "schedule lr_schedule lr_scheduler",
    "warmup": "warmup warm_up warmup_share warmup_ratio",
    "decay_rate": "decay_rate lr_decay learning_rate_decay",
    "weight_decay": "weight_decay weightdecay wd l2 lambda_",
    "dropout": "dropout drop dropout_rate drop_rate p_drop",
    "label_smoothing": "label_smoothing",
    "clip_norm": "clip_norm clipnorm grad_clip max_grad_norm",
    "beta1": "beta1 beta_1",
    "beta2": "beta2 beta_2",
    "rho": "rho",
    "epsilon": "epsilon eps",
}
_WORDS = {alias: word for word, aliases in _KNOWN.items() for alias in aliases.split()}
_BY_LENGTH = sorted(_WORDS, key=len, reverse=True)  # a name that ends in lr_decay is no decay of something else


def guessed(name: str) -> str | None:
    """Which hyperparameter has such a name in most people's code; `None` if none has.

    >>> guessed("beta_1"), guessed("units_2"), guessed("adam_lr"), guessed("colour")
    ('beta1', 'units', 'learning_rate', None)
    """
    lower = name.lower()
    for text in (lower, re.sub(r"_?\d+$", "", lower)):
        for alias in _BY_LENGTH:
            if text == alias or text.endswith(f"_{alias}"):
                return _WORDS[alias]
    return None
