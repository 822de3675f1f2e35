"""A peer as small as it can be, without any package: random search that trains each trial in two parts.

Half of the trials, those with an even number, are first trained for two epochs and then, as `continues`, to the end.
"""

import json
import random
import sys


def value(parameter, rng):
    if parameter["kind"] == "choice":
        return rng.choice(parameter["values"])
    draw = rng.uniform if parameter["kind"] == "float" else rng.randint
    return draw(parameter["low"], parameter["high"])


def main():
    waiting, number, begun = [], 0, {}
    for line in sys.stdin:
        said = json.loads(line)
        if said["op"] == "end":
            return
        if said["op"] == "begin":
            begun = said
            rng = random.Random(said["seed"])
            answer = {"ok": said["method"] != "refuses"}
        elif said["op"] == "report":
            answer = {"go": True}
        elif begun["method"] == "dies":
            print("no more", file=sys.stderr)
            sys.exit(1)
        elif waiting:
            source, params = waiting.pop()
            answer = {"trial": number, "params": params, "until": begun["epochs"], "continues": source, "ms": 1.0}
            number += 1
        else:
            params = {one["name"]: value(one, rng) for one in begun["space"]}
            until = 2 if number % 2 == 0 else begun["epochs"]
            answer = {"trial": number, "params": params, "until": until, "continues": None, "ms": 3.0}
            if number % 2 == 0:
                waiting.append((number, params))
            number += 1
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
