"""The GPUs of this machine, found without loading a framework."""

import os
from collections.abc import Sequence
from pathlib import Path

VISIBLE = "CUDA_VISIBLE_DEVICES"
"""The environment variable by which CUDA, and so torch, JAX and TensorFlow, know which GPUs they may use."""
_DRIVER = Path("/proc/driver/nvidia/gpus")
"""A folder per GPU, where NVIDIA's driver is loaded (Linux)."""


def gpus() -> tuple[str, ...]:
    """The NVIDIA GPUs that this process may use, named as in `CUDA_VISIBLE_DEVICES`; empty without any."""
    visible = os.environ.get(VISIBLE)
    if visible is not None:
        names = (name.strip() for name in visible.split(","))
        return tuple(name for name in names if name and name != "-1")
    return tuple(map(str, range(len(list(_DRIVER.glob("*"))))))


def device_of(slot: int, devices: Sequence[str]) -> str:
    """The device of a slot: GPUs are dealt out in turn, so with more slots than GPUs several share one."""
    return f"gpu {devices[slot % len(devices)]}" if devices else "cpu"
