"""Copies of all that a training may change, to compare before and after."""

import copy
import random

import numpy as np
import torch


def generators():
    return random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002 - what is looked at


def picture(model, optimizer):
    """Copies of everything that must not change."""
    return copy.deepcopy(
        {
            "weights": {name: p.detach() for name, p in model.named_parameters()},
            "grads": {name: p.grad for name, p in model.named_parameters()},
            "wanted": {name: p.requires_grad for name, p in model.named_parameters()},
            "buffers": dict(model.named_buffers()),
            "modes": {name: m.training for name, m in model.named_modules()},
            "calls": getattr(model, "calls", 0),
            "state": list(optimizer.state.values()),
            "groups": [{k: v for k, v in group.items() if k != "params"} for group in optimizer.param_groups],
            "generators": generators(),
        }
    )


def same(one, two):
    if isinstance(one, torch.Tensor):
        return isinstance(two, torch.Tensor) and one.dtype == two.dtype and torch.equal(one, two)
    if isinstance(one, dict):
        return list(one) == list(two) and all(same(one[key], two[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(two) and all(map(same, one, two))
    return np.array_equal(one, two) and type(one) is type(two)
