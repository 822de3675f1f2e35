"""Peers are found in the adapters' table, and known by what plays them."""

import sys
from types import ModuleType, SimpleNamespace

import pytest

from benchmarks.tables import live
from benchmarks.tables.live import peers


@pytest.fixture
def adapters(tmp_path, monkeypatch):
    """A table of two methods, and the folder of their adapters and environment."""
    table = ModuleType("methods")
    table.METHODS = {
        name: SimpleNamespace(environment="env", module=name, resumes=name == "first") for name in ("first", "second")
    }
    monkeypatch.setitem(sys.modules, "benchmarks.adapters.methods", table)
    monkeypatch.setattr(live, "_FOLDER", tmp_path)
    monkeypatch.setattr(live, "python_of", lambda name: tmp_path / name / "bin" / "python")
    (tmp_path / "env").mkdir()
    (tmp_path / "env" / "env.txt").write_text("package==1")
    for name in ("first", "second"):
        (tmp_path / f"{name}.py").write_text('if __name__ == "__main__": pass')
    (tmp_path / "shared.py").write_text("shared = 1")
    return tmp_path


def versions():
    return [peer.version for peer in peers(["all"])]


def test_peers_come_in_the_order_of_the_table(adapters):
    assert [(peer.name, peer.resumes) for peer in peers(["second", "first"])] == [("first", True), ("second", False)]
    assert peers(["second"])[0].command[1:] == ("-m", "benchmarks.adapters.second")
    assert peers([]) == []


def test_a_peer_that_is_not_there_is_refused_with_those_that_are(adapters):
    with pytest.raises(SystemExit, match="no third; there are all, first, second"):
        peers(["first", "third"])


@pytest.mark.parametrize("path", ["shared.py", "env/env.txt"])
def test_what_all_share_is_part_of_each_peers_version(adapters, path):
    before = versions()
    (adapters / path).write_text("changed")
    assert all(old != new for old, new in zip(before, versions(), strict=True))


def test_an_adapter_is_part_of_its_own_version_alone(adapters):
    first, second = versions()
    (adapters / "second.py").write_text('if __name__ == "__main__": print()')
    assert versions()[0] == first
    assert versions()[1] != second
