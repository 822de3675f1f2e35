"""Keeps a PyTorch training as it is, so that any number of trial steps leave nothing behind."""

import copy
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor, nn, optim

Undo = Callable[[], None]
"""Puts something back as it was when it was taken; may be called any number of times."""


@contextmanager
def kept(model: "nn.Module", optimizer: "optim.Optimizer") -> Iterator[Undo]:
    """Put everything back at the end, also after an exception or Ctrl-C; yields what does so in between.

    Kept bit for bit: weights, buffers (those outside of `state_dict`, too), gradients, train or eval mode of every
    module, `extra_state`, the optimizer's state and groups, and the generators of `random`, NumPy and torch on all
    devices. `load_state_dict` would do less: it leaves gradients, modes and unsaved buffers as they are, casts the
    state, and replaces the optimizer's groups, which others (schedules) may hold.
    """
    undos = [*_modules(model), _parameters(model, optimizer), _optimizer(optimizer), _generators()]

    def undo() -> None:
        for each in undos:
            each()

    try:
        yield undo
    finally:
        undo()


def _tensor(tensor: "Tensor") -> Undo:
    """The values of a tensor; it remains the same object, since others hold it."""
    values = tensor.detach().clone()

    def undo() -> None:
        tensor.data.copy_(values)  # `data`, since autograd minds changes of what a graph holds; here they are undone

    return undo


def _modules(model: "nn.Module") -> Iterator[Undo]:
    for module in model.modules():
        yield _module(module)


def _module(module: "nn.Module") -> Undo:
    """The mode, buffers and extra state of one module, without those inside of it."""
    from torch import nn

    training, buffers = module.training, dict(module._buffers)
    values = [_tensor(buffer) for buffer in buffers.values() if buffer is not None]
    has_extra = type(module).get_extra_state is not nn.Module.get_extra_state
    extra = copy.deepcopy(module.get_extra_state()) if has_extra else None

    def undo() -> None:
        module.training = training
        module._buffers.clear()
        module._buffers.update(buffers)
        for each in values:
            each()
        if has_extra:
            module.set_extra_state(copy.deepcopy(extra))

    return undo


def _parameters(model: "nn.Module", optimizer: "optim.Optimizer") -> Undo:
    """Weights and gradients, also of parameters that only the optimizer knows."""
    found = {id(p): p for p in model.parameters()}
    found |= {id(p): p for group in optimizer.param_groups for p in group["params"]}
    values = [_tensor(p) for p in found.values()]
    gradients = [(p, p.grad, None if p.grad is None else _tensor(p.grad), p.requires_grad) for p in found.values()]

    def undo() -> None:
        for each in values:
            each()
        for p, gradient, values_of, wanted in gradients:
            p.grad = gradient
            p.requires_grad_(wanted)
            if values_of is not None:
                values_of()

    return undo


def _optimizer(optimizer: "optim.Optimizer") -> Undo:
    """The state and the groups; the dicts of the groups remain the same objects."""
    groups = [(group, {k: _copied(v) for k, v in group.items() if k != "params"}) for group in optimizer.param_groups]
    state = {p: copy.deepcopy(values) for p, values in optimizer.state.items()}

    def undo() -> None:
        for group, values in groups:
            for key in group.keys() - values.keys() - {"params"}:
                del group[key]
            group.update({key: put() for key, put in values.items()})
        optimizer.state.clear()
        optimizer.state.update({p: copy.deepcopy(values) for p, values in state.items()})

    return undo


def _copied(value: Any) -> Callable[[], Any]:
    """An option of a group; a learning rate may be a tensor, which then remains the same one."""
    import torch

    if not isinstance(value, torch.Tensor):
        kept_value = copy.deepcopy(value)
        return lambda: copy.deepcopy(kept_value)
    put = _tensor(value)

    def undo() -> "Tensor":
        put()
        return value

    return undo


def _generators() -> Undo:
    """The global generators. torch has one per device."""
    import torch

    python, cpu = random.getstate(), torch.get_rng_state()
    legacy = np.random.get_state()  # noqa: NPY002 - training code uses the global generator, so we keep it
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    mps = torch.mps.get_rng_state() if torch.backends.mps.is_available() else None

    def undo() -> None:
        random.setstate(python)
        np.random.set_state(legacy)  # noqa: NPY002 - as above
        torch.set_rng_state(cpu)
        if cuda:
            torch.cuda.set_rng_state_all(cuda)
        if mps is not None:
            torch.mps.set_rng_state(mps)

    return undo
