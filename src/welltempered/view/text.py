"""Values in a few characters."""

import math
from collections.abc import Sequence
from typing import Any

_BLOCKS = "▁▂▃▄▅▆▇█"


def number(value: Any) -> str:
    """A value with as many digits as people read.

    >>> number(0.12345678), number(7), number(None)
    ('0.12346', '7', '–')
    """
    if value is None:
        return "–"
    return f"{value:.5g}" if isinstance(value, float) else one_line(str(value))


def one_line(text: str) -> str:
    r"""Text in a single line, without what would move the cursor.

    >>> one_line("a\n  b\x1b[2J")
    'a b [2J'
    """
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def last_line(error: str | None) -> str:
    """What a traceback ends with."""
    lines = [line for line in (error or "").splitlines() if line.strip()]
    return one_line(lines[-1]) if lines else ""


def counts(items: dict[str, int]) -> str:
    """What there is how often, the most frequent first.

    >>> counts({"failed": 1, "diverged": 3})
    '3 diverged, 1 failed'
    """
    return ", ".join(f"{count} {name}" for name, count in sorted(items.items(), key=lambda item: -item[1]))


def percent(share: float) -> str:
    """A share, rounded down, so that 100 % is all.

    >>> percent(0.999), percent(1)
    ('99 %', '100 %')
    """
    return f"{math.floor(100 * share + 1e-9)} %"


def bar(share: float, width: int) -> str:
    """A share as a bar.

    >>> bar(0.4, 10)
    '████░░░░░░'
    """
    full = math.floor(share * width + 1e-9)
    return "█" * full + "░" * (width - full)


def sparkline(values: Sequence[float | None], width: int) -> str:
    """A curve from its lowest to its highest value, at most so wide; what is not finite is crossed out.

    >>> sparkline([3.0, 1.0, None, 0.5, 0.0], 8)
    '█▃×▂▁'
    """
    if width <= 0:
        return ""
    if len(values) > width:  # the last one stays
        values = [values[(step + 1) * len(values) // width - 1] for step in range(width)]
    finite = [value for value in values if value is not None and math.isfinite(value)]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    return "".join(_block(value, low, high) for value in values)


def _block(value: float | None, low: float, high: float) -> str:
    if value is None or not math.isfinite(value):
        return "×"
    if low == high:
        return _BLOCKS[3]
    height = (value / 2 - low / 2) / (high / 2 - low / 2)  # halves, since the whole may be beyond the largest float
    return _BLOCKS[min(7, int(8 * height))]
