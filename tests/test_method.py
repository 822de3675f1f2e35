import json
from dataclasses import dataclass

import pytest

from simulated import SPACES, simulate, study_of
from welltempered.decide import Searcher, Start, Wait
from welltempered.errors import InvalidInput
from welltempered.method import describe, from_json, to_json
from welltempered.schedulers.full import Full
from welltempered.schedulers.halving import Halving
from welltempered.schedulers.hyperband import Hyperband
from welltempered.schedulers.rules import Percentile
from welltempered.searchers.grid import Grid
from welltempered.searchers.random import Random
from welltempered.searchers.sobol import Sobol
from welltempered.searchers.zoom import Zoom
from welltempered.space.given import Given

METHODS = [
    Full(Grid(points=3, limit=50)),
    Full(Random()),
    Halving(Sobol(), eta=2, first=3, brackets=2),
    Hyperband(Random()),
    Hyperband(Sobol(), eta=4, rounds=7),
]


@dataclass(frozen=True)
class Middle:
    """A searcher of a third party: the defaults, once."""

    def suggest(self, history):
        return None if history.trials else history.space.defaults()


@dataclass(frozen=True)
class Lazy:
    """A scheduler of a third party: one epoch for everybody."""

    searcher: Searcher

    def next(self, history, held):
        params = self.searcher.suggest(history)
        return Wait() if params is None else Start(params, 1)

    def keeps(self, history):
        return ()


@dataclass
class Changeable:
    def suggest(self, history):
        return None


class Plain(Changeable):
    def __init__(self):
        self.count = 0


@dataclass(frozen=True)
class Sized:
    """A searcher with a field that may be anything."""

    size: object

    def suggest(self, history):
        return None


@dataclass(frozen=True)
class NoMethod:
    size: int = 3


@pytest.mark.parametrize("method", METHODS, ids=repr)
def test_a_method_survives_its_way_through_json(method):
    assert from_json(json.loads(json.dumps(to_json(method)))) == method


def test_methods_go_by_their_public_names():
    assert to_json(Hyperband(Sobol(), eta=4)) == {
        "type": "welltempered:Hyperband",
        "searcher": {"type": "welltempered:Sobol"},
        "eta": 4,
        "rounds": None,
    }


def test_a_field_that_a_method_has_got_later_is_written_where_it_is_not_as_usual():
    method = Hyperband(Sobol(), brackets=(((4, 1), (2, 3)),))
    assert from_json(json.loads(json.dumps(to_json(method)))) == method


def test_a_field_that_is_missing_has_its_default():
    data = {"type": "welltempered:Halving", "searcher": {"type": "welltempered:Grid"}}
    assert from_json(data) == Halving(Grid())


def test_methods_of_third_parties_are_written_built_again_and_replayed():
    study = simulate(study_of(SPACES["continuous"], Lazy(Middle())))
    assert study.scheduler == Lazy(Middle())
    assert [trial.params for trial in study.trials] == [study.space.defaults()]
    assert study.replay(verify=True).differences == ()


@pytest.mark.parametrize("method", [*METHODS, Lazy(Middle())], ids=repr)
def test_a_method_is_described_as_one_would_write_it(method):
    known = {kind.__name__: kind for kind in (Full, Halving, Hyperband, Grid, Random, Sobol, Lazy, Middle)}
    assert eval(describe(to_json(method)), known) == method


def test_what_is_not_frozen_or_no_dataclass_is_refused():
    for method in (Full(Changeable()), Full(Plain()), Plain()):
        with pytest.raises(InvalidInput, match=r"^method must be a frozen dataclass, so that it can be replayed, got "):
            to_json(method)


def test_a_class_instead_of_a_method_is_refused():
    with pytest.raises(InvalidInput, match=r"^searcher must be one such as Sobol\(\) or Random\(\), got <class "):
        Full(Sobol)
    with pytest.raises(InvalidInput, match=r"^method must be a frozen dataclass"):
        to_json(Sobol)


@pytest.mark.parametrize("size", [[3, 4], {"width": 3}, b"big", (3, b"big")])
def test_a_field_that_json_cannot_hold_is_refused_by_name(size):
    with pytest.raises(InvalidInput, match=r"^Sized\.size must be a number, a text, a method or a tuple of them, got "):
        to_json(Full(Sized(size)))


@pytest.mark.parametrize("size", [(3, 4), (), ((1, "a"), (None,)), Given({"type": "os:system"}), (Given({}), Random())])
def test_tuples_and_params_come_back_as_they_were(size):
    method = Full(Sized(size))
    assert from_json(json.loads(json.dumps(to_json(method)))) == method
    assert hash(from_json(to_json(method))) == hash(method)


@pytest.mark.parametrize("size", [{}, {"params": {"lr": 1}, "more": 2}, [{"width": 3}]])
def test_an_object_that_is_neither_method_nor_params_is_refused(size):
    data = {**to_json(Full(Sized(3)))["searcher"], "size": size}
    with pytest.raises(InvalidInput):
        from_json({"type": "welltempered:Full", "searcher": data})


def test_a_searcher_alone_is_no_method_and_the_way_out_is_said():
    with pytest.raises(
        InvalidInput, match=r"must be a scheduler, got the searcher Sobol\(\); write Full\(Sobol\(\)\)$"
    ):
        from_json(to_json(Sobol()))


@pytest.mark.parametrize("path", ["nowhere:Method", "welltempered:Nothing", "welltempered", "", ":Full"])
def test_a_method_that_cannot_be_imported_is_named(path):
    with pytest.raises(InvalidInput, match=f"^method {path} of this study cannot be imported: .*; make it importable$"):
        from_json({"type": path})


@pytest.mark.parametrize("fields", [{"patience": 3}, {"searcher": None}])
def test_a_method_with_the_fields_of_another_version_is_named(fields):
    data = {"type": "welltempered:Halving", "searcher": {"type": "welltempered:Grid"}, **fields}
    data = {name: value for name, value in data.items() if value is not None}
    with pytest.raises(
        InvalidInput, match=r"^method welltempered:Halving of this study has other fields in this version"
    ):
        from_json(data)


@pytest.mark.parametrize("path", ["os:system", "subprocess:Popen", "welltempered:Study", f"{__name__}:NoMethod"])
def test_nothing_but_methods_is_ever_called(path):
    with pytest.raises(InvalidInput, match="must be a dataclass with `next` or `suggest`"):
        from_json({"type": path, "searcher": "echo"})


def test_a_description_leaves_out_what_is_as_usual():
    method = Percentile(Hyperband(Zoom(Sobol(), wide=3), eta=4))
    assert describe(to_json(method)) == "Percentile(Hyperband(Zoom(Sobol(), wide=3), eta=4))"
    assert describe({"type": "elsewhere:Method", "eta": 3}) == "Method(eta=3)"
    assert describe({"type": "welltempered:Gone", "eta": 3}) == "Gone(eta=3)"
