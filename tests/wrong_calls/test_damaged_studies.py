"""Studies that are none, or of another version: every command says so and leaves them as they are."""

import re
import shutil
import sqlite3

import pytest

import welltempered as wt
from telling import command, contents, sentence_of
from trainings import experiment, steady, tune

COPY = "restore it from a copy, or give another path"
RECORDS = "...study.db must hold records of a welltempered study, got: "
CANNOT = " cannot follow the ones before: "
SPACE = "the space of a study must be one that this version can read, got: "


def header(path, value):
    return f"UPDATE events SET record = json_set(record, '$.{path}', {value}) WHERE seq = 0"


def event(seq, path, value):
    return f"UPDATE events SET record = json_set(record, '$.{path}', {value}) WHERE seq = {seq}"


UNREADABLE = {
    "a newer format": (
        header("format", 99),
        "study must have format 1 or older, got 99, made by ...; upgrade with pip ...",
    ),
    "no format": (header("format", 0), "format of a study must be at least 1, found 0; restore it from a copy"),
    "a format in words": (
        header("format", "'one'"),
        f"{RECORDS}Expected `int`, got `str` - at `$.format` in record 0; {COPY}",
    ),
    "no epochs": (
        header("epochs", 0),
        "epochs of a study must be at least 1 and below 2**63, found 0; restore it from a copy",
    ),
    "a seed below zero": (
        header("seed", -5),
        "seed of a study must be at least 0 and below 2**63, found -5; restore ...",
    ),
    "an objective that is a number": (
        header("objective", 3),
        f"{RECORDS}Expected `object`, got `int` - at `$.objective` ...",
    ),
    "another metric": (header("objective.metric", "'other'"), f"event 2{CANNOT}it must report other, got ..."),
    "no space": (header("space", "json('{}')"), f"{SPACE}cannot read the space {{}}: KeyError('parameters'); ..."),
    "parameters in words": (header("space.parameters", "'x'"), f"{SPACE}cannot read the space ..."),
    "parameters that are a number": (header("space.parameters", 3), f"{SPACE}cannot read the space ..."),
    "an unknown kind of parameter": (
        header("space.parameters[0].kind", "'complex'"),
        f"{SPACE}unknown kind of parameter ...",
    ),
    "an unknown argument": (header("space.parameters[0].warp", 5), f"{SPACE}cannot read the parameter ..."),
    "bounds the wrong way round": (header("space.parameters[0].low", 5), f"{SPACE}low must be below high, got ..."),
    "a number as a name": (header("space.parameters[0].name", 3), f"{SPACE}names must be Python identifiers ..."),
    "a number as a condition": (
        header("space.parameters[0].condition", 3),
        f"{SPACE}a test of params must be a text, ...",
    ),
    "a number as a constraint": (
        header("space.constraints", "json('[3]')"),
        f"{SPACE}a test of params must be a text, ...",
    ),
    "constraints that are a number": (header("space.constraints", 3), f"{SPACE}cannot read the space ..."),
    "an unknown event": (
        event(2, "event", "'dreamt'"),
        f"{RECORDS}Invalid value 'dreamt' - at `$.event` in record 2; {COPY}",
    ),
    "no header": ("DELETE FROM events WHERE seq = 0", f"...without a gap, record 0 is missing; {COPY}"),
    "a header that moved": (
        "UPDATE events SET seq = -1 WHERE seq = 0",
        f"...without a gap, record 0 is missing; {COPY}",
    ),
    "no header but an event": (
        "UPDATE events SET record = (SELECT record FROM events WHERE seq = 1) WHERE seq = 0",
        "a study must begin with its header, found none",
    ),
    "two headers": (
        "UPDATE events SET record = (SELECT record FROM events WHERE seq = 0) WHERE seq = 3",
        "a study must have one header, found another one among its events",
    ),
    "a gap": ("DELETE FROM events WHERE seq = 3", f"...must hold records without a gap, record 3 is missing; {COPY}"),
    "a record far away": (
        "UPDATE events SET seq = 999 WHERE seq = 2",
        f"...without a gap, record 2 is missing; {COPY}",
    ),
    "garbage": ("UPDATE events SET record = 'party' WHERE seq = 3", f"{RECORDS}... in record 3; {COPY}"),
    "bytes": ("UPDATE events SET record = x'00ff' WHERE seq = 3", f"{RECORDS}no text but bytes in record 3; {COPY}"),
    "an empty record": ("UPDATE events SET record = '' WHERE seq = 3", f"{RECORDS}... in record 3; {COPY}"),
    "a list": (
        "UPDATE events SET record = '[]' WHERE seq = 3",
        f"{RECORDS}Expected `object`, got `array` in record 3; {COPY}",
    ),
    "two records in one": (
        "UPDATE events SET record = record || ',' || record WHERE seq = 3",
        f"{RECORDS}JSON is malformed: trailing characters ... in record 3; {COPY}",
    ),
    "an epoch too far": (event(2, "epoch", 7), f"event 2{CANNOT}its next epoch is 1, got ..."),
    "a trial that is not there": (event(2, "trial", 7), f"event 2{CANNOT}the trial has no lease, got ..."),
    "a trial below zero": (event(1, "trial", -1), f"event 1{CANNOT}the next trial must be 0, got ..."),
    "an unknown param": (event(1, "params.y", 5), f"event 1{CANNOT}its params must be of the space, x, got ..."),
    "a metric in words": (
        event(2, "metrics.loss", "'a'"),
        f"{RECORDS}Expected `float | null`, got `str` ... in record 2; {COPY}",
    ),
    "a lease beyond the end": (event(1, "until", 99), f"event 1{CANNOT}a lease must end in 1..9, got ..."),
    "a bracket below zero": (event(1, "bracket", -1), f"event 1{CANNOT}its bracket must be at least 0, got ..."),
    "a slot that holds nobody": (event(1, "held", 5), f"event 1{CANNOT}held must be one of the 0 trials, got ..."),
    "a time in words": (
        event(1, "at", "'noon'"),
        f"{RECORDS}Expected `float`, got `str` - at `$.at` in record 1; {COPY}",
    ),
    "other columns": (
        "DROP TABLE events; CREATE TABLE events (id INTEGER, name TEXT)",
        f"...study.db must be a study database, got: no such column: events...; {COPY}",
    ),
    "another table": (
        "ALTER TABLE events RENAME TO notes",
        f"...study.db must be a study database, got...; {COPY}",
    ),
}
"""What has happened to a study, and the sentence of every command that reads it."""
UNVERIFIABLE = {
    "a method that cannot be imported": (
        header("method.type", "'no_such:Method'"),
        "method no_such:Method of this study cannot be imported: No module named 'no_such'; make it importable",
    ),
    "a method that raises": (
        header("method.type", "'raising_when_imported:Method'"),
        "method raising_when_imported:Method of this study cannot be imported: division by zero; make it importable",
    ),
    "a method that is relative": (header("method.type", "'.x:Y'"), "method .x:Y of this study cannot be imported: ..."),
    "a method that is none": (
        header("method.type", "'os:system'"),
        "method os:system of this study must be a dataclass with `next` or `suggest`",
    ),
    "no method": (
        header("method", "json('{}')"),
        "method None of this study cannot be imported: ...; make it importable",
    ),
    "a method of more fields": (
        header("method.rate", 3),
        "method welltempered:Halving of this study has other fields in this version: ...",
    ),
    "a field that is wrong": (header("method.eta", 0), "eta must be a whole number of at least 2 ..., got eta=0"),
    "a searcher that is none": (
        header("method.searcher", 3),
        "searcher must be one such as Sobol() or Random(), got 3",
    ),
    "a bracket too many": (event(1, "bracket", 99), "brackets of this method must be in 0..0 here, got bracket=99"),
    "leases that end at no rung": (
        header("epochs", 11),
        "leases of this method must end at epoch 1, 4, 11, got 3 of trial 0",
    ),
}
"""The same where only the decisions cannot be derived again."""
READERS = ["show", "best", "replay", "replay --verify", "export", "export --format json", "export --format events"]


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """A study as it should be, closed in good order, and a module that raises beside it."""
    folder = tmp_path_factory.mktemp("sound")
    with tune(steady, path=folder / "study", method=wt.Halving(wt.Random()), budget="12 epochs"):
        pass
    return folder / "study"


@pytest.fixture
def damage(sound, tmp_path, monkeypatch):
    """Copy the study and do something to its database; then work in the folder above."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "raising_when_imported.py").write_text("1 / 0\n")
    (tmp_path / "tuning.py").write_text(
        "from trainings import experiment, steady\nimport welltempered as wt\n"
        "experiment = experiment(steady, method=wt.Halving(wt.Random()))\n"
    )

    def damage(statements):
        shutil.copytree(sound, tmp_path / "study")
        with sqlite3.connect(tmp_path / "study" / "study.db") as database:
            database.executescript(statements)
        database.close()

    return damage


def matches(sentence, text):
    return re.fullmatch(".*".join(map(re.escape, sentence.split("..."))), text)


@pytest.mark.parametrize("what", UNREADABLE)
def test_a_study_that_cannot_be_read_is_refused_by_every_command(damage, what, tmp_path, capsys, monkeypatch):
    statements, sentence = UNREADABLE[what]
    damage(statements)
    before = contents(tmp_path)
    for line in READERS:
        verb, *options = line.split()
        text = sentence_of(command([verb, "study", *options], capsys, monkeypatch))
        assert matches(sentence, text), text
    tuned = ["tune", "tuning.py", "--budget", "90 epochs", "--workers", "0", "--path", "study"]
    text = sentence_of(command(tuned, capsys, monkeypatch))
    assert matches(sentence, text) or text.startswith("study study was made with other settings:\n"), text
    assert contents(tmp_path) == before


@pytest.mark.parametrize("what", UNVERIFIABLE)
def test_a_study_that_cannot_be_derived_again_is_shown_and_not_verified(damage, what, tmp_path, capsys, monkeypatch):
    statements, sentence = UNVERIFIABLE[what]
    damage(statements)
    before = contents(tmp_path)
    text = sentence_of(command(["replay", "study", "--verify"], capsys, monkeypatch))
    assert matches(sentence, text), text
    for line in READERS:
        verb, *options = line.split()
        if "--verify" not in options:
            assert command([verb, "study", *options], capsys, monkeypatch).code == 0
    assert contents(tmp_path) == before


FILES = {
    "a file of text": (
        b"Dear diary, today I trained a net. " * 30,
        "...must be a study database, got: file is not a database; ...",
    ),
    "an empty file": (b"", f"...must be a study database, got: no such table: events; {COPY}"),
    "the first page": (4096, "...study.db must ...; ..."),
    "all but the last page": (-4096, "...study.db must ...; ..."),
    "fifty bytes": (50, f"...must be a study database, got: ...; {COPY}"),
}


@pytest.mark.parametrize("what", FILES)
def test_a_file_that_is_no_database_is_refused_by_every_command(damage, what, tmp_path, capsys, monkeypatch):
    data, sentence = FILES[what]
    damage("")
    file = tmp_path / "study" / "study.db"
    file.write_bytes(data if isinstance(data, bytes) else file.read_bytes()[:data])
    before = contents(tmp_path)
    for line in READERS:
        verb, *options = line.split()
        text = sentence_of(command([verb, "study", *options], capsys, monkeypatch))
        assert matches(sentence, text), text
    assert contents(tmp_path) == before


def test_the_database_of_somebody_else_is_not_made_a_study(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "theirs").mkdir()
    with sqlite3.connect(tmp_path / "theirs" / "study.db") as database:
        database.execute("CREATE TABLE pupils (name TEXT)")
    database.close()
    before = contents(tmp_path)
    sentence = f"theirs/study.db must be a study database, got one of pupils; {COPY}"
    for opening in (wt.Study.open, lambda path: wt.Study.create(experiment(), path)):
        with pytest.raises(wt.CorruptLog) as error:
            opening("theirs")
        assert str(error.value) == sentence
    assert matches("...no such table: events; ...", sentence_of(command(["show", "theirs"], capsys, monkeypatch)))
    assert contents(tmp_path) == before
