"""Logs written once: they must be read, derived again and written again without a difference."""

import msgspec
import pytest
from make_golden import FOLDER, GOLDEN, text_of

from simulated import opened
from welltempered.events import Event, Record
from welltempered.log.memory import Memory
from welltempered.log.sql import Sql
from welltempered.study import Study

every_log = pytest.mark.parametrize("name", GOLDEN)


def lines_of(name):
    return (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()


def records_of(name):
    return [msgspec.json.decode(line, type=Record) for line in lines_of(name)]


@every_log
def test_every_decision_of_a_golden_log_is_derived_again(name):
    log = Memory()
    log.append(0, records_of(name))
    replay = opened(log).replay(verify=True)
    assert replay.decisions > 3
    assert replay.differences == ()


@every_log
def test_a_golden_log_is_written_again_byte_by_byte(name):
    assert text_of(GOLDEN[name]()).splitlines() == lines_of(name)
    assert [msgspec.json.encode(record).decode() for record in records_of(name)] == lines_of(name)


@every_log
def test_a_golden_log_opens_as_a_study(name, tmp_path):
    log = Sql(tmp_path / "study.db")
    log.append(0, records_of(name))
    log.close()
    with Study.open(tmp_path, readonly=True) as study:
        assert study.replay(verify=True).differences == ()
        assert study.best is not None


def test_golden_logs_hold_every_kind_of_event():
    kinds = {type(record) for name in GOLDEN for record in records_of(name)[1:]}
    assert kinds == set(Event.__args__)
    reasons = {record.reason for name in GOLDEN for record in records_of(name) if hasattr(record, "reason")}
    assert reasons >= {"budget", "driver lost", "worker lost", "failed", "stopped"}


def test_no_golden_log_is_left_without_its_study():
    assert {path.stem for path in FOLDER.glob("*.jsonl")} == set(GOLDEN)
