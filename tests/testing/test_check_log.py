"""The check of logs finds those that break a promise, and says which."""

import time

import msgspec
import pytest

import welltempered as wt
from welltempered.testing import ConformanceError, check_log


class Base:
    """A log that keeps its promises, in a list that may be shared; each broken one changes a method."""

    def __init__(self, records=None):
        self.records = [] if records is None else records

    def append(self, seq, records):
        if seq != len(self.records):
            raise wt.Conflict(seq)
        self.records.extend(records)

    def read(self, since=0, most=None):
        return self.records[since : None if most is None else since + most]

    def close(self):
        pass


class Backwards(Base):
    def read(self, since=0, most=None):
        return super().read(since, most)[::-1]


class Endless(Base):
    def read(self, since=0, most=None):
        return super().read(since)


class Overwriting(Base):
    def append(self, seq, records):
        self.records[seq:] = records


class Complaining(Base):
    def append(self, seq, records):
        if seq < len(self.records):
            raise KeyError(seq)
        super().append(seq, records)


class Halfway(Base):
    """Notices a conflict when it is too late."""

    def append(self, seq, records):
        taken = seq < len(self.records)
        self.records.extend(records)
        if taken:
            raise wt.Conflict(seq)


class Torn(Base):
    def append(self, seq, records):
        for number, record in enumerate(records):
            super().append(seq + number, [msgspec.json.decode(msgspec.json.encode(record), type=wt.Header | wt.Event)])


class Taking(Base):
    def append(self, seq, records):
        if self.records:
            super().append(seq, records)
        else:
            self.records = records


class Leaking(Base):
    def read(self, since=0, most=None):
        return self.records if since == 0 and most is None else super().read(since, most)


class Rounding(Base):
    def append(self, seq, records):
        super().append(seq, [self.rounded(record) for record in records])

    def rounded(self, record):
        return msgspec.structs.replace(record, at=round(record.at, 6)) if hasattr(record, "at") else record


class Racing(Base):
    """Looks, and writes a little later."""

    def append(self, seq, records):
        if seq != len(self.records):
            raise wt.Conflict(seq)
        time.sleep(0.001)
        self.records.extend(records)


def by_name(kind):
    """Return what opens logs of a kind by their names."""
    stored = {}
    return lambda name: kind(stored.setdefault(name, []))


def test_an_honest_log_passes():
    check_log(lambda name: Base(), persistent=False)


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        (Backwards, r"Backwards must hold what was appended, in its order, got 3 records, .* from read\(0, None\)"),
        (
            Endless,
            r"must read 2 from number 1 on, got 4 records.* from read\(1, 2\) \(log 'order'\); 2 records, .* right",
        ),
        (
            Overwriting,
            r"must raise Conflict for a number that is taken, got no error \(log 'conflict', record 0 of 2\)",
        ),
        (Complaining, r"must raise Conflict for a number that is taken, got KeyError\(0\)"),
        (Halfway, "must write nothing when it raises Conflict, got 5 records"),
        (Torn, r"must write all records or none, got 2 records.* \(log 'whole'\)"),
        (Taking, "must keep what it was given, whatever becomes of the list, got 0 records"),
        (Leaking, "must stay as it is, whatever becomes of a list that was read, got 0 records"),
        (Rounding, r"must give back every record as it was, got .*log 'records', record 1, Started"),
    ],
)
def test_a_log_that_breaks_a_promise_is_told_which(kind, sentence):
    with pytest.raises(ConformanceError, match=sentence):
        check_log(lambda name: kind(), persistent=False)


def test_a_log_that_is_gone_when_it_is_closed_does_not_persist():
    with pytest.raises(ConformanceError, match="must show all readers what was appended, got 0 records"):
        check_log(lambda name: wt.Memory())


def test_a_log_in_which_all_names_are_one_does_not_pass():
    records = []
    with pytest.raises(ConformanceError, match=r"must be empty when it is new, got 5 records.*\(log 'conflict'\)"):
        check_log(lambda name: Base(records))


def test_a_log_that_looks_and_writes_in_two_steps_loses_the_race():
    with pytest.raises(ConformanceError, match="must write each number for exactly one of two racing writers, got"):
        check_log(by_name(Racing))
