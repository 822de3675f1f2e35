"""Minibatches of data that lie on the device as a whole: what a `DataLoader` over tensors does, without its price."""

import math
import weakref
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from welltempered.checks import flag, shown, whole
from welltempered.errors import InvalidInput

if TYPE_CHECKING:
    from torch import Tensor

    from welltempered.run import Run

__all__ = ["Batches", "batches"]

_SIZE = 32
"""As Keras has it; small batches generalise well (Masters & Luschi, "Revisiting small batch training", 2018)."""

_moved: "dict[tuple[int, str], Tensor]" = {}
"""Copies on a device, by the identity of what was copied; gone when that is gone."""


def batches(run: "Run", /, *data: Any, batch_size: int | None = None, shuffle: bool = True) -> "Batches":
    """Minibatches of tensors that are moved to `run.device` once per process, in an order that continues exactly.

    ```python
    train, held_out = wt.batches(run, x, y), wt.batches(run, x_val, y_val, batch_size=1000, shuffle=False)
    for _ in run:
        for images, labels in train:
            ...
    ```

    Made before the loop and iterated in each epoch. The order is a function of (`run.seed`, epoch) alone: equal when a
    trial continues, and drawn from no global generator. All examples come up, the last batch may be smaller.

    The data stay on the device for all trials of a worker, as long as what they were copied from exists: make them
    outside of the training code, and change them no more. They keep their type, so images of whole bytes take a quarter
    of the memory that floats take: convert them batch by batch, `images.float() / 255`.

    Args:
        run: the trial.
        data: tensors or NumPy arrays of equal length, the first axis being the examples.
        batch_size: default `run.params["batch_size"]` if there is one, else 32.
        shuffle: whether each epoch has an order of its own. Default True; False is for evaluation.

    Returns:
        What yields tuples with a tensor for each of the data; its `len` is the number of batches, which is what
        `run.build_optimizer` wants as `steps`.

    Raises:
        InvalidInput: if there are no data, they are of another kind, or their lengths differ.
    """
    if not callable(getattr(run, "keep", None)):
        raise InvalidInput(f"run must be the run that training code is given, got {shown(run)}")
    size = run.params.get("batch_size", _SIZE) if batch_size is None else batch_size
    tensors = tuple(_on_device(one, run.device) for one in data)
    lengths = [len(tensor) for tensor in tensors]
    if not lengths or min(lengths) == 0 or len(set(lengths)) > 1:
        found = f"lengths {', '.join(map(str, lengths))}" if lengths else "none"
        raise InvalidInput(f"data must be tensors of one length, with an example at least, got {found}")
    flag("shuffle", shuffle)
    return Batches(run, tensors, whole("batch_size", size, "a whole number of at least 1", 1), shuffle=shuffle)


class Batches:
    """What `batches` returns.

    Args:
        run: gives seed and epoch.
        tensors: on the device.
        size: of a batch.
        shuffle: whether to.
    """

    def __init__(self, run: "Run", tensors: "tuple[Tensor, ...]", size: int, *, shuffle: bool) -> None:
        self._run, self._tensors, self._size, self._shuffle = run, tensors, size, shuffle

    def __len__(self) -> int:
        return math.ceil(len(self._tensors[0]) / self._size)

    def __iter__(self) -> "Iterator[tuple[Tensor, ...]]":
        import torch

        if not self._shuffle:
            yield from zip(
                *(torch.split(tensor, self._size) for tensor in self._tensors), strict=True
            )  # views, no copies
            return
        rng = np.random.default_rng([self._run.seed, self._run.epoch + 1])
        order = torch.from_numpy(rng.permutation(len(self._tensors[0]))).to(self._tensors[0].device)
        for rows in torch.split(order, self._size):
            yield tuple(tensor.index_select(0, rows) for tensor in self._tensors)


def _on_device(data: Any, device: str) -> "Tensor":
    """The same as a tensor there; whatever must be copied for it is copied once."""
    import torch

    if not isinstance(data, torch.Tensor | np.ndarray) or data.ndim == 0:
        raise InvalidInput(f"data must be tensors or NumPy arrays whose first axis are examples, got {shown(data)}")
    if isinstance(data, torch.Tensor) and data.device == torch.device(device):
        return data
    if isinstance(data, np.ndarray) and device == "cpu" and data.flags.writeable:
        return torch.from_numpy(data)
    key = id(data), device
    if key not in _moved:
        _moved[key] = torch.as_tensor(data if isinstance(data, torch.Tensor) else np.array(data), device=device)
        weakref.finalize(data, _moved.pop, key, None)
    return _moved[key]
