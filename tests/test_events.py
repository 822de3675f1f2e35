import json
import math
import sqlite3

import msgspec
import pytest
from hypothesis import given

from event_strategies import events, headers
from simulated import SPACES, header_of
from welltempered.errors import CorruptLog
from welltempered.events import FORMAT, Cut, Ended, Event, Record, Reported, Resumed, Started, Undone
from welltempered.log.sql import Sql
from welltempered.schedulers.full import Full
from welltempered.searchers.random import Random
from welltempered.study import Study


def decoded(text, kind=Record):
    return msgspec.json.decode(text, type=kind)


@given(events)
def test_any_event_survives_its_way_through_json(event):
    text = msgspec.json.encode(event)
    assert decoded(text, Event) == event
    assert type(decoded(text)) is type(event)
    assert msgspec.json.encode(decoded(text)) == text


@given(headers)
def test_any_header_survives_its_way_through_json(header):
    assert decoded(msgspec.json.encode(header)) == header


@given(events)
def test_events_are_json_that_any_program_reads(event):
    data = json.loads(msgspec.json.encode(event))
    assert data["event"] == type(event).__name__.lower()
    assert set(data) <= {"event", *event.__struct_fields__}


def test_this_is_the_format_of_version_one():
    """These texts are in users' files: they may only ever gain fields that have a default."""
    texts = {
        '{"event":"started","trial":0,"params":{"lr":0.1},"until":3}': Started(0, {"lr": 0.1}, 3),
        '{"event":"started","trial":1,"params":{},"until":3,"bracket":2,"held":0,"at":1.5}': Started(
            1, {}, 3, 2, 0, 1.5
        ),
        '{"event":"resumed","trial":0,"until":9,"held":1,"at":2.0}': Resumed(0, 9, 1, 2.0),
        '{"event":"reported","trial":0,"epoch":1,"metrics":{"loss":null},"seconds":0.5,"at":1.0}': Reported(
            0, 1, {"loss": None}, 0.5, 1.0
        ),
        '{"event":"cut","trial":0,"epoch":2,"reason":"budget","at":3.0}': Cut(0, 2, "budget", 3.0),
        '{"event":"ended","trial":0,"reason":"failed","error":"no","at":4.0}': Ended(0, "failed", "no", 4.0),
        '{"event":"undone","zoom":1,"at":5.0}': Undone(1, 5.0),
        '{"event":"ended","trial":0,"reason":"stopped","error":"bad","at":4.0,"held":1}': Ended(
            0, "stopped", "bad", 4.0, held=1
        ),
    }
    for text, event in texts.items():
        assert decoded(text) == event
        assert msgspec.json.encode(event).decode() == text
    assert FORMAT == 1


def test_what_is_not_a_number_becomes_null():
    text = msgspec.json.encode(Reported(0, 1, {"loss": math.nan, "other": math.inf}))
    assert decoded(text) == Reported(0, 1, {"loss": None, "other": None})


def test_fields_of_later_versions_are_skipped():
    assert decoded('{"event":"cut","trial":0,"epoch":2,"reason":"budget","weather":"fine"}') == Cut(0, 2, "budget")


def test_records_cannot_be_changed():
    for record in (header_of(SPACES["continuous"], Full(Random())), Started(0, {}, 1), Cut(0, 1, "budget")):
        with pytest.raises(AttributeError, match="immutable"):
            record.at = 1.0


# ---------------------------------------------------------------------- logs that are not ours to read


@pytest.fixture
def folder(tmp_path):
    """Make a study with a header and one event on disk."""
    log = Sql(tmp_path / "study.db")
    log.append(0, [header_of(SPACES["finite"], Full(Random())), Started(0, {}, 1)])
    log.close()
    return tmp_path


def tamper(folder, seq, **changes):
    """Change fields of a record on disk behind our back."""
    with sqlite3.connect(folder / "study.db") as database:
        (text,) = database.execute("SELECT record FROM events WHERE seq = ?", (seq,)).fetchone()
        text = json.dumps(json.loads(text) | changes)
        database.execute("UPDATE events SET record = ? WHERE seq = ?", (text, seq))
    database.close()


def test_an_untouched_study_opens(folder):
    with Study.open(folder) as study:
        assert len(study.trials) == 1


def test_a_study_of_a_newer_format_is_refused_with_the_way_out(folder):
    tamper(folder, 0, format=FORMAT + 1, package="9.0")
    sentence = rf"study must have format {FORMAT} or older, got {FORMAT + 1}, made by welltempered 9\.0; upgrade"
    with pytest.raises(CorruptLog, match=sentence):
        Study.open(folder)


def test_an_unknown_kind_of_event_is_refused(folder):
    tamper(folder, 1, event="forked")
    with pytest.raises(CorruptLog, match=r"must hold records of a welltempered study, got: .*forked"):
        Study.open(folder)


def test_a_field_of_the_wrong_type_is_refused(folder):
    tamper(folder, 1, until="nine")
    with pytest.raises(CorruptLog, match="must hold records"):
        Study.open(folder)


def test_a_log_without_a_header_is_refused(folder):
    tamper(folder, 0, event="cut", trial=0, epoch=0, reason="")
    with pytest.raises(CorruptLog, match="must begin with its header"):
        Study.open(folder)


def test_a_second_header_is_refused(folder):
    log = Sql(folder / "study.db")
    log.append(2, log.read(0, 1))
    log.close()
    with pytest.raises(CorruptLog, match="one header"):
        Study.open(folder)


def test_an_event_that_cannot_follow_is_refused(folder):
    tamper(folder, 1, trial=5)
    with pytest.raises(CorruptLog, match="event 1 cannot follow the ones before: the next trial must be 0"):
        Study.open(folder)
