"""A program of the race that trains nothing, for its tests: three epochs, or epochs without end."""

import sys
import time

from benchmarks.article.task import Given, Meter, load, serve


def search(given: Given, meter: Meter) -> dict[str, float]:
    """Tell of epochs whose accuracy grows by a tenth; the first has compiled."""
    if given.seed == 13:
        raise RuntimeError("thirteen")
    x, *_ = load(given.data)
    meter.mark("loaded")
    number = 0
    while not meter.full:
        number += 1
        begin = time.perf_counter()
        time.sleep(0.001)
        if number == 1:
            meter.mark("compiled", seconds=0.0005)
        meter.epoch(0, number, min(0.9, 0.1 * number + given.seed / 100), time.perf_counter() - begin)
    return {"images": len(x), "arguments": len(sys.argv)}


if __name__ == "__main__":
    serve(search)
