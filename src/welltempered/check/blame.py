"""What went wrong, in sentences: a pure function of three trainings of the same trial."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from welltempered.check.leaves import HASHED, is_array
from welltempered.check.look import Look
from welltempered.check.things import ARRAY, GENERATOR, ITERATOR, MODE, PLAIN, STATEFUL, WORKERS, Thing

_SHARED, _OVERWRITTEN, _ABSENT = MODE + 1, MODE + 2, MODE + 3
"""Ranks of plain globals, of what the loop assigns before it reads it, and of what only one of two trainings has."""
_WIDTH = 60
"""Longest call of `run.keep` in one line."""
_FURTHER = 3
"""Most suspects that are named beside the first."""
_GPU = "on a GPU, say torch.use_deterministic_algorithms(True)"
_UNSTEADY = (
    "look for generators of your own without a seed (use run.seed), times and process numbers, the order of sets and "
    f"files, threads; {_GPU}"
)
_NOWHERE = (
    "nothing that the training loop holds explains it; look for generators of your own elsewhere (keep them, or use "
    "the global ones, which are seeded before each epoch), iterators made before the loop, files, caches, what other "
    f"modules hold; {_GPU}"
)
_NEVER_KEPT = "train never calls run.keep, so nothing is restored when a trial continues"
_WAYS_OUT = "for training that cannot continue, say resumable=False"


@dataclass(frozen=True)
class Seen:
    """What is known of one training of a trial.

    Attributes:
        reports: the metrics of each epoch.
        state: what was kept in the end, leaf by leaf.
        look: what the loop held when the epoch after the stop began, if it came that far.
        error: the traceback, if it failed.
    """

    reports: Sequence[Mapping[str, float | None]]
    state: Mapping[str, str]
    look: Look | None = None
    error: str | None = None


@dataclass(frozen=True)
class _Suspect:
    """Something that was not the same when training continued."""

    rank: int
    name: str
    thing: Thing
    how: str


def unsteady(one: Seen, two: Seen, metric: str) -> str | None:
    """How two trainings differ that should be equal in their objective and in the arrays they keep.

    What else differs, such as a duration that is reported or kept, says nothing against them.
    """
    arrays = (leaf for leaf in _changed(one.state, two.state) if is_array(one.state.get(leaf, "")))
    if (found := _report(one, two, [metric])) is not None:
        what, first, second = found
        what, amounts = f"{what} differs", f" ({first} / {second})"
    elif (leaf := next(arrays, None)) is not None:
        what, amounts = f"{leaf} differs after the last epoch", ""
    else:
        return None
    return f"training is not deterministic: {what} between two identical runs{amounts}\n{_UNSTEADY}"


def inexact(straight: Seen, again: Seen, resumed: Seen, metric: str, stop: int) -> str | None:
    """How a training that was stopped differs from one that was not, and why; `None` if it does not."""
    never = straight.look is not None and straight.look.kept is None
    if resumed.error is not None:
        head = [_NEVER_KEPT] if never else []
        return "\n".join([*head, f"training fails when it continues after epoch {stop}:", resumed.error.strip()])
    others = noise(straight, again)
    steady = [name for name in sorted(_metrics(straight), key=lambda name: name != metric) if name not in others]
    leaf = next((name for name in _changed(straight.state, resumed.state) if name not in others), None)
    if (found := _report(straight, resumed, steady)) is not None:
        effect = f"{found[0]} is {found[2]} instead of {found[1]}"
    elif leaf is not None:
        effect = f"{leaf} differs after the last epoch"
    else:
        return f"{_NEVER_KEPT}; where the epoch's number is all that counts, say run.keep()" if never else None
    lines = [_NEVER_KEPT] if never else []
    if straight.look is not None and again.look is not None and resumed.look is not None:
        lines += _reason(straight.look, again.look, resumed.look, stop + 1)
    else:
        lines.append(_NOWHERE)
    return "\n".join([*lines, f"first effect: {effect}", *([_WAYS_OUT] if never else [])])


def noise(straight: Seen, again: Seen) -> list[str]:
    """The metrics and parts of the state that differ between two identical runs, and so tell nothing."""
    metrics = [name for name in _metrics(straight) if _report(straight, again, [name]) is not None]
    return metrics + _changed(straight.state, again.state)


def _metrics(seen: Seen) -> list[str]:
    return list(dict.fromkeys(name for report in seen.reports for name in report))


def _report(one: Seen, two: Seen, metrics: Sequence[str]) -> tuple[str, str, str] | None:
    """The first number reported that is not the same, and both: `("loss of epoch 4", "0.53", "0.54")`."""
    for epoch, (first, second) in enumerate(zip(one.reports, two.reports, strict=False), 1):
        for name in metrics:
            if repr(first.get(name)) != repr(second.get(name)):
                return f"{name} of epoch {epoch}", *_numbers(first.get(name), second.get(name))
    if len(one.reports) != len(two.reports):
        return "the number of epochs trained", str(len(one.reports)), str(len(two.reports))
    return None


def _numbers(one: float | None, two: float | None) -> tuple[str, str]:
    """Two numbers with as many digits as it takes to see that they differ."""
    if one is None or two is None:
        return str(one), str(two)
    digits = next((digits for digits in range(4, 17) if f"{one:.{digits}g}" != f"{two:.{digits}g}"), 17)
    return f"{one:.{digits}g}", f"{two:.{digits}g}"


def _changed(one: Mapping[str, str], two: Mapping[str, str]) -> list[str]:
    """The leaves that are not the same or missing in the other; arrays first, as the rest often follows from them."""
    names = [name for name in dict.fromkeys([*one, *two]) if one.get(name) != two.get(name)]
    return sorted(names, key=lambda name: not is_array(one.get(name, two.get(name, ""))))


def _first(straight: Mapping[str, str], again: Mapping[str, str], resumed: Mapping[str, str]) -> str | None:
    """The first leaf that is equal in two identical runs, and another one in the third."""
    others = _changed(straight, again)
    return next((leaf for leaf in _changed(straight, resumed) if leaf not in others), None)


def _reason(straight: Look, again: Look, resumed: Look, epoch: int) -> list[str]:
    """What was forgotten, or was not restored."""
    when = f"when epoch {epoch} begins"
    if (broken := _kept_badly(straight, again, resumed.restored)) is not None:
        return [f"{broken} was kept, but came back differently: what restores it must take all that was saved"]
    suspects = sorted(_suspects(straight, again, resumed), key=lambda suspect: suspect.rank)
    forgotten = bool(suspects) and suspects[0].rank == STATEFUL
    if not forgotten and (late := _kept_badly(straight, again, resumed.kept or {})) is not None:
        return [f"{late} was restored, but has changed {when}: call run.keep after all else that changes it"]
    if not suspects:
        return [_NOWHERE]
    first, *others = suspects
    lines = [_sentence(first, when), *_code(straight, suspects)]
    further = [suspect.name for suspect in others if suspect.rank < MODE][:_FURTHER]
    return [*lines, *([f"also different then: {', '.join(further)}"] if further else [])]


def _kept_badly(straight: Look, again: Look, found: Mapping[str, Mapping[str, str]]) -> str | None:
    for name, leaves in found.items():
        before = (straight.kept or {}).get(name, {})
        leaf = _first(before, (again.kept or {}).get(name, {}), leaves)
        if leaf is not None:
            return f"{name} ({leaf})" if leaf not in ("", name) else name
    return None


def _suspects(straight: Look, again: Look, resumed: Look) -> Iterator[_Suspect]:
    for name, thing in straight.things.items():
        twin, other = again.things.get(name), resumed.things.get(name)
        if twin is None or (thing.kind == STATEFUL and thing.kept):
            continue
        if other is None:
            if not thing.overwritten and "[" not in name:  # of items, their container tells
                yield _Suspect(_ABSENT, name, thing, "exists only without the stop")
        elif thing.kind in (ITERATOR, WORKERS):
            yield _Suspect(_rank(thing), name, thing, "")
        else:
            leaf = _first(thing.leaves, twin.leaves, other.leaves)
            if leaf is not None:
                how = _difference(leaf, thing.leaves.get(leaf), other.leaves.get(leaf))
                yield _Suspect(_rank(thing), name, thing, how)


def _rank(thing: Thing) -> int:
    if thing.overwritten:
        return _OVERWRITTEN
    return _SHARED if thing.shared and thing.kind in (ARRAY, ITERATOR, PLAIN) else thing.kind


def _difference(leaf: str, expected: str | None, found: str | None) -> str:
    shown = [text for text in (found, expected) if text is not None and not text.startswith(HASHED)]
    amount = f" ({shown[0]} instead of {shown[1]})" if len(shown) == 2 else ""
    return f"{leaf} differs{amount}".strip()


def _sentence(suspect: _Suspect, when: str) -> str:
    name, kind = suspect.name, suspect.thing.kind
    if kind == ITERATOR:
        return (
            f"{name}: an iterator made before the loop begins anew when training continues; make it inside of the loop"
        )
    if kind == WORKERS:
        return (
            f"{name}: workers that persist from epoch to epoch begin anew when training continues, and so do their "
            "generators; say persistent_workers=False"
        )
    if kind == MODE:
        return f"{name} {suspect.how} {when}: call model.train() at the beginning of each epoch"
    joint = ":" if kind in (STATEFUL, GENERATOR) else ""
    where = " (a global)" if suspect.thing.shared else ""
    return f"{name}{where}{joint} {suspect.how} {when}; did you pass it to run.keep?"


def _code(straight: Look, suspects: Sequence[_Suspect]) -> list[str]:
    """The call of `run.keep` that would have kept what was forgotten."""
    first = suspects[0]
    if first.thing.kind in (ITERATOR, WORKERS, MODE):
        return []
    if first.thing.kind == PLAIN and not first.thing.way:
        name = first.name if first.name.isidentifier() else "value"
        return [
            f'    state = {{"{name}": {name}}}  # and use state["{name}"] from then on',
            "    run.keep(..., state=(lambda: dict(state), state.update))",
        ]
    names = {thing.kept: name for name, thing in straight.things.items() if thing.kept}
    known = [f"{name}={names.get(name, '(...)')}" for name in straight.kept or {} if name not in straight.built]
    alike = [s for s in suspects if s.rank == first.rank and s.rank in (STATEFUL, GENERATOR, ARRAY)] or [first]
    lines = _call([*known, *(suspect.thing.way for suspect in alike)])
    if first.thing.kind == GENERATOR:
        lines.append("or use the global generators, which are seeded before each epoch")
    return lines


def _call(arguments: list[str]) -> list[str]:
    """A call of `run.keep` with these arguments, in one line if it fits."""
    line = f"    run.keep({', '.join(arguments)})"
    if len(line) <= _WIDTH:
        return [line]
    return ["    run.keep(", *(f"        {argument}," for argument in arguments), "    )"]
