"""The log in SQLite: with many processes, after a crash, in folders that may not be written, and when it is none."""

import random
import shutil
import sqlite3
import tempfile
import time
from pathlib import Path

import msgspec
import pytest

import welltempered as wt
from trainings import end, eventually, experiment, output, program, tune
from welltempered.events import FORMAT


@pytest.fixture
def finished(tmp_path):
    """A study that has trained nine epochs and was closed."""
    with tune(path=tmp_path / "study"):
        pass
    return tmp_path / "study"


def read(folder):
    log = wt.Sql(folder / "study.db", readonly=True)
    try:
        return list(log.read())
    finally:
        log.close()


def execute(folder, *statements):
    with sqlite3.connect(folder / "study.db") as database:
        for statement in statements:
            database.execute(*statement)
    database.close()


# -------------------------------------------------------------------- many processes

RACER = """
    import sys
    from pathlib import Path
    import welltempered as wt

    me, rounds = int(sys.argv[2]), int(sys.argv[3])
    log = wt.Sql(Path(sys.argv[1]))
    print("ready", flush=True)
    sys.stdin.readline()
    conflicts = 0
    for turn in range(1, rounds + 1):
        while True:
            seq = len(log.read())
            try:
                log.append(seq, [wt.Reported(me, turn, {}), wt.Cut(me, turn, "")])
                break
            except wt.Conflict:
                conflicts += 1
        print(seq, turn, flush=True)
    print(conflicts)
"""


def test_two_racing_writers_write_every_record_exactly_once(tmp_path):
    rounds = 100
    racers = [program(tmp_path, RACER, tmp_path / "study.db", me, rounds, name=f"{me}.py") for me in (1, 2)]
    for racer in racers:
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        racer.stdin.write("\n")
        racer.stdin.flush()
    printed = [output(racer).split("\n") for racer in racers]
    expected = {}
    for me, lines in zip((1, 2), printed, strict=True):
        for line in lines[:rounds]:
            seq, turn = map(int, line.split())
            assert seq not in expected, "a number was given twice"
            expected[seq] = wt.Reported(me, turn, {})
            expected[seq + 1] = wt.Cut(me, turn, "")
    assert read(tmp_path) == [expected[seq] for seq in range(4 * rounds)]
    assert sum(int(lines[rounds]) for lines in printed) > 0, "they never met"


WRITER = """
    import sys
    from pathlib import Path
    import welltempered as wt

    log = wt.Sql(Path(sys.argv[1]))
    seq = len(log.read())
    while True:
        log.append(seq, [wt.Reported(seq, 1, {"loss": seq / 7}, at=float(seq))])
        print(seq, flush=True)
        seq += 1
"""


def test_a_killed_writer_has_written_all_that_it_was_told_is_written(tmp_path):
    dice = random.Random(0)
    for _ in range(5):
        writer = program(tmp_path, WRITER, tmp_path / "study.db")
        writer.stdout.readline()
        time.sleep(dice.uniform(0, 0.2))
        writer.kill()
        printed = [int(line) for line in writer.stdout.read().split("\n")[:-1] if line]
        end(writer)
        records = read(tmp_path)
        assert not printed or len(records) > printed[-1]
        assert records == [wt.Reported(seq, 1, {"loss": seq / 7}, at=float(seq)) for seq in range(len(records))]
    assert len(records) > 100


READER = """
    import sys
    import time
    import welltempered as wt

    seen = rounds = 0
    until = time.monotonic() + float(sys.argv[2])
    while time.monotonic() < until:
        with wt.Study.open(sys.argv[1], readonly=True) as study:
            assert len(study.history.events) >= seen, "events have gone"
            seen = len(study.history.events)
            seen += study.refresh()
            study.rows()
            rounds += 1
    print(rounds, seen)
"""
STUDY = """
    import sys
    from trainings import tune
    import welltempered as wt

    with tune(method=wt.Halving(wt.Random()), budget=f"{sys.argv[2]} s", path=sys.argv[1]) as study:
        print(study.history.spent)
"""


def test_readers_and_a_fast_study_leave_each_other_alone(tmp_path):
    folder = tmp_path / "study"
    writer = program(tmp_path, STUDY, folder, 4)
    eventually((folder / "study.db").exists)
    readers = [program(tmp_path, READER, folder, 5, name=f"reader{number}.py") for number in (1, 2)]
    spent = int(output(writer))
    for reader in readers:
        rounds, seen = map(int, output(reader).split())
        assert rounds > 5
        assert seen > spent
    with wt.Study.open(folder, readonly=True) as study:
        assert study.history.spent == spent > 100
        assert not study.history.running
        assert study.replay(verify=True).differences == ()


def test_a_reader_sees_a_study_that_is_being_made_or_a_sentence(tmp_path):
    folder = tmp_path / "study"
    text = """
        import sys
        from pathlib import Path
        import welltempered as wt

        seen, sentences = 0, ("found no study.db", "no such table: events", "must begin with its header", "is locked")
        print("ready", flush=True)
        while not seen:
            try:
                with wt.Study.open(sys.argv[1], readonly=True) as study:
                    seen = 1 + len(study.history.events)
            except wt.WelltemperedError as error:
                assert any(sentence in str(error) for sentence in sentences), error
    """
    reader = program(tmp_path, text, folder)
    reader.stdout.readline()
    with wt.Study.create(experiment(), folder):
        output(reader)


# -------------------------------------------------------------------- folders


@pytest.mark.parametrize(
    "name", ["with space", "what?now", "a#b", "100%", "%41", "é·×", "file:x", "a&mode=memory", "..."]
)
def test_a_study_may_have_any_path(tmp_path, name):
    folder = tmp_path / name
    with tune(path=folder) as study:
        assert study.path == folder
    assert sorted(path.name for path in tmp_path.iterdir()) == [name]
    assert (folder / "study.db").stat().st_size > 0
    with wt.Study.open(folder, readonly=True) as study:
        assert len(study.trials) == 1


LOOK = """
    import os
    import sys
    import sqlalchemy.dialects.sqlite
    import sqlite3
    import welltempered as wt
    import welltempered.schedulers.full

    if os.geteuid() == 0:
        os.seteuid(65534)  # permissions say nothing to root
    try:
        open(os.path.join(sys.argv[1], "new"), "w")
        sys.exit("the folder can be written after all")
    except PermissionError:
        pass
    with wt.Study.open(sys.argv[1], readonly=True) as study:
        print(len(study.history.events), study.best.epoch)
"""


@pytest.mark.parametrize("beside", [(), ("study.db-wal", "study.db-shm")], ids=["closed", "just read"])
def test_a_study_in_a_folder_that_may_not_be_written_can_be_looked_at(finished, tmp_path, beside):
    with tempfile.TemporaryDirectory() as outside:  # the folders of pytest are for their owner alone
        folder = Path(outside) / "study"
        shutil.copytree(finished, folder)
        for path in folder.glob("study.db-*"):
            path.unlink()
        if beside:
            read(folder)
            assert all((folder / name).exists() for name in beside)
        Path(outside).chmod(0o755)
        for path in (*folder.iterdir(), folder):
            path.chmod(0o555)
        assert output(program(tmp_path, LOOK, folder)) == "10 9\n"
        folder.chmod(0o755)


def test_a_readonly_log_is_not_written_at_all(finished):
    before = (finished / "study.db").read_bytes()
    with wt.Study.open(finished, readonly=True) as study:
        study.replay(verify=True)
    assert (finished / "study.db").read_bytes() == before


def test_the_file_is_in_wal_mode_and_synced_as_documented(tmp_path):
    log = wt.Sql(tmp_path / "study.db")
    connection = log._connection
    assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 1
    log.close()


def test_other_programs_can_read_the_table(finished):
    with sqlite3.connect(finished / "study.db") as database:
        rows = database.execute("SELECT seq, json_extract(record, '$.event') FROM events ORDER BY seq").fetchall()
    database.close()
    assert rows[:3] == [(0, "header"), (1, "started"), (2, "reported")]


# -------------------------------------------------------------------- what is no log


def both_ways(folder):
    """Open a study to look and to continue, and return the two sentences."""
    sentences = []
    for opening in (
        lambda: wt.Study.open(folder, readonly=True),
        lambda: wt.Study.open(folder),
        lambda: wt.Study.create(experiment(), folder),
    ):
        with pytest.raises(wt.CorruptLog) as error:
            opening()
        sentences.append(str(error.value))
    return sentences


def test_a_file_that_is_no_database_is_refused(tmp_path):
    (tmp_path / "study.db").write_text("Dear diary, today I trained a net. " * 30)
    for sentence in both_ways(tmp_path):
        assert sentence == (
            f"{tmp_path}/study.db must be a study database, got: file is not a database; "
            "restore it from a copy, or give another path"
        )


def test_a_database_with_another_table_of_that_name_is_refused(tmp_path):
    execute(tmp_path, ("CREATE TABLE events (id INTEGER, name TEXT)",), ("INSERT INTO events VALUES (1, 'party')",))
    for sentence in both_ways(tmp_path):
        assert sentence.startswith(f"{tmp_path}/study.db must be a study database, got: no such column: events.")


def test_a_file_cut_short_is_refused_wherever_it_ends(finished):
    database = finished / "study.db"
    for path in finished.glob("study.db-*"):
        path.unlink()
    whole = database.read_bytes()
    for length in (50, 100, 1000, 4096, 5000, len(whole) - 4096, len(whole) - 1):
        database.write_bytes(whole[:length])
        for sentence in both_ways(finished):
            assert sentence.startswith(f"{database} must ")
            assert "\n" not in sentence
        for path in finished.glob("study.db-*"):
            path.unlink()


def test_a_damaged_page_is_refused_or_was_not_needed(finished):
    database = finished / "study.db"
    with wt.Study.open(finished, readonly=True) as study:
        events = list(study.history.events)
    whole = database.read_bytes()
    dice = random.Random(0)
    refused = 0
    for _ in range(40):
        at = dice.randrange(len(whole))
        database.write_bytes(whole[:at] + dice.randbytes(64) + whole[at + 64 :])
        try:
            with wt.Study.open(finished, readonly=True) as study:
                assert len(study.history.events) <= len(events)
        except wt.WelltemperedError:
            refused += 1
    assert refused > 0


def test_a_study_of_a_newer_format_is_refused_with_the_way_out(finished):
    newer = msgspec.structs.replace(read(finished)[0], format=FORMAT + 1, package="7.0")
    execute(finished, ("UPDATE events SET record = ? WHERE seq = 0", (msgspec.json.encode(newer).decode(),)))
    execute(finished, ("""UPDATE events SET record = '{"event": "dreamt"}' WHERE seq = 3""",))
    for sentence in both_ways(finished):
        assert sentence == (
            f"study must have format {FORMAT} or older, got {FORMAT + 1}, made by welltempered 7.0; "
            "upgrade with pip install -U welltempered"
        )


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("DELETE FROM events", "a study must begin with its header, found none"),
        ("DELETE FROM events WHERE seq = 0", "must hold records without a gap, record 0 is missing; restore it"),
        ("DELETE FROM events WHERE seq = 4", "must hold records without a gap, record 4 is missing; restore it"),
        ("UPDATE events SET record = 'party' WHERE seq = 4", "must hold records of a welltempered study, got: "),
        ("UPDATE events SET record = x'00ff' WHERE seq = 4", "must hold records of a welltempered study, got: "),
        ("""UPDATE events SET record = '{"event": "dreamt"}' WHERE seq = 4""", "Invalid value 'dreamt'"),
        (
            "UPDATE events SET record = (SELECT record FROM events WHERE seq = 0) WHERE seq = 4",
            "a study must have one header, found another one among its events",
        ),
    ],
)
def test_records_that_make_no_study_are_refused(finished, statement, sentence):
    execute(finished, (statement,))
    with pytest.raises(wt.CorruptLog) as error:
        wt.Study.open(finished, readonly=True)
    assert sentence in str(error.value)


def test_a_database_of_others_is_left_as_it_is(tmp_path):
    execute(tmp_path, ("CREATE TABLE notes (text TEXT)",))
    with pytest.raises(wt.CorruptLog, match="no such table: events"):
        wt.Study.open(tmp_path, readonly=True)
    with sqlite3.connect(tmp_path / "study.db") as database:
        assert database.execute("SELECT name FROM sqlite_master").fetchall() == [("notes",)]
    database.close()


def test_no_file_stays_open_once_a_log_was_refused(tmp_path):
    (tmp_path / "study.db").write_text("Dear diary")
    text = """
        import os
        import sys
        import welltempered as wt
        from trainings import experiment

        def files():
            return len(os.listdir("/dev/fd"))

        def refuse():
            for opening in (wt.Study.open, lambda path: wt.Study.create(experiment(), path)):
                try:
                    opening(sys.argv[1])
                except wt.CorruptLog:
                    pass

        refuse()
        before = files()
        for _ in range(20):
            refuse()
        assert files() == before
    """
    output(program(tmp_path, text, tmp_path))
