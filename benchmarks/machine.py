"""What a record must say of the machine and the programs it comes from."""

import os
import platform
import subprocess
import sys
import time
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = ("welltempered", "numpy", "scipy", "msgspec", "SQLAlchemy", "cloudpickle", "torch", "keras", "jax")


def circumstances(work: Path) -> dict[str, Any]:
    """Date, commit, machine and versions; `work` is the folder in which studies are measured."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _git("rev-parse", "HEAD"),
        # A record cannot hold the commit that it is part of, so records do not count.
        "modified": bool(_git("status", "--porcelain", "--", ":/", ":!/benchmarks/records", ":!/soak/records")),
        "machine": {
            "cpu": _cpu(),
            "cores": len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count(),
            "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
            "system": platform.platform(),
            "filesystem": _filesystem(work),
        },
        "python": platform.python_version(),
        "versions": {name: found for name in PACKAGES if (found := _version(name))},
    }


def noise() -> dict[str, float]:
    """How busy the machine is: its load average of the last minute, and the ms of a loop that always does the same.

    The loop is the better sign: a neighbour on the same hardware slows it down without any load of ours.
    """
    return {"load": round(os.getloadavg()[0], 2), "loop": round(1e3 * min(_loop() for _ in range(5)), 2)}


def _loop() -> float:
    begin = time.perf_counter()
    counts: dict[int, int] = {}
    for i in range(50_000):
        counts[i % 1_000] = counts.get(i % 1_000, 0) + i
    return time.perf_counter() - begin


def _cpu() -> str:
    if sys.platform == "darwin":
        return _output("sysctl", "-n", "machdep.cpu.brand_string") or platform.machine()
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _filesystem(folder: Path) -> str:
    """What a commit to disk costs depends on it; "unknown" where the system does not say."""
    mounts = Path("/proc/mounts")
    fields = [line.split() for line in mounts.read_text().splitlines()] if mounts.is_file() else []
    found = [(len(point), kind) for _, point, kind, *_ in fields if folder.resolve().is_relative_to(point)]
    return max(found)[1] if found else "unknown"


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _git(*arguments: str) -> str:
    return _output("git", "-C", str(Path(__file__).parent), *arguments)


def _output(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
