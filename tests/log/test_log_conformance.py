"""What every log promises, whatever it is made of."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import welltempered as wt
from event_strategies import events, headers


def memory(folder):
    return wt.Memory()


def sql(folder):
    return wt.Sql(folder / "study.db")


@pytest.fixture(params=[memory, sql], ids=["memory", "sql"])
def log(request, tmp_path):
    log = request.param(tmp_path)
    yield log
    log.close()


def report(number):
    return wt.Reported(0, number, {"loss": number / 7})


def test_a_new_log_is_empty(log):
    assert list(log.read()) == []


def test_what_was_appended_is_read_in_its_order(log):
    log.append(0, [report(0)])
    log.append(1, [report(1), report(2)])
    log.append(3, [report(3)])
    assert list(log.read()) == [report(number) for number in range(4)]


def test_reading_begins_where_it_is_told_and_stops_where_it_is_told(log):
    log.append(0, [report(number) for number in range(5)])
    assert list(log.read(2)) == [report(2), report(3), report(4)]
    assert list(log.read(1, 2)) == [report(1), report(2)]
    assert list(log.read(3, 99)) == [report(3), report(4)]
    assert list(log.read(0, 0)) == []
    assert list(log.read(5)) == list(log.read(99)) == []


def test_a_number_that_is_taken_is_a_conflict_and_nothing_is_written(log):
    log.append(0, [report(0), report(1)])
    for seq in (0, 1):
        with pytest.raises(
            wt.Conflict, match=f"record {seq} of the log is taken: another process writes to this study"
        ):
            log.append(seq, [report(7), report(8), report(9)])
    assert list(log.read()) == [report(0), report(1)]
    log.append(2, [report(2)])
    assert list(log.read(2)) == [report(2)]


def test_records_read_are_no_door_into_the_log(log):
    log.append(0, [report(0), report(1)])
    read = list(log.read())
    read.clear()
    assert len(log.read()) == 2


@settings(max_examples=40)
@given(st.lists(headers | events, max_size=8))
def test_every_record_comes_back_as_it_was(tmp_path_factory, records):
    for log in (wt.Memory(), wt.Sql(tmp_path_factory.mktemp("log") / "study.db")):
        if records:
            log.append(0, records[:1])
        if records[1:]:
            log.append(1, records[1:])
        assert list(log.read()) == records
        log.close()
