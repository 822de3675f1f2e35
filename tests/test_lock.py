"""A lock says who holds it to those who only look, and never more than is true."""

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

import welltempered as wt
from trainings import end, environment, eventually, program
from welltempered import lock
from welltempered.lock import Lock, Note, read

HOLDER = """
    import sys
    import time
    from pathlib import Path
    from welltempered.lock import Lock

    lock = Lock(Path("lock"), "it")
    print("held", flush=True)
    sys.stdin.readline()
    lock.release(finished=True)
    print("released", flush=True)
    sys.stdin.readline()
"""


def note(**more):
    settings = {
        "pid": os.getpid(),
        "host": os.uname().nodename,
        "since": datetime.now(UTC),
        "folder": "/",
        "command": None,
    }
    return Note(**settings | more)


def test_a_note_says_who_holds_the_lock_and_how_to_do_the_same_again(tmp_path):
    process = program(tmp_path, HOLDER, "one two", "--three")
    assert process.stdout.readline() == "held\n"
    said = read(tmp_path / "lock")
    assert (said.pid, said.host, said.folder) == (process.pid, os.uname().nodename, str(tmp_path))
    assert said.command == f"{sys.executable} {tmp_path / 'program.py'} 'one two' --three"
    assert abs(datetime.now(UTC) - said.since) < timedelta(minutes=1)
    assert said.holds
    process.stdin.write("\n")
    process.stdin.flush()
    assert process.stdout.readline() == "released\n"
    assert process.poll() is None
    said = read(tmp_path / "lock")
    assert not said.holds, "though its process lives"
    assert said.finished
    end(process)


def test_a_killed_process_holds_nothing_even_before_its_parent_has_noticed(tmp_path):
    process = program(tmp_path, HOLDER)
    assert process.stdout.readline() == "held\n"
    process.send_signal(signal.SIGKILL)
    eventually(lambda: not read(tmp_path / "lock").holds)  # it is a zombie
    process.wait()
    assert not read(tmp_path / "lock").holds
    end(process)


def test_a_process_that_is_younger_than_the_note_is_another_one():
    assert note().holds
    assert not note(since=datetime.now(UTC) - timedelta(days=1)).holds
    assert not note(pid=2**22 + 1).holds


def test_what_another_machine_said_last_is_believed():
    assert note(host="elsewhere", pid=2**22 + 1).holds
    assert not note(host="elsewhere", released=True).holds


def test_a_reader_never_takes_the_lock(tmp_path):
    script = "import sys; from pathlib import Path; from welltempered.lock import read\nwhile True: read(Path('lock'))"
    with subprocess.Popen([sys.executable, "-c", script], cwd=tmp_path, env=environment()) as reader:
        deadline = time.monotonic() + 1
        while time.monotonic() < deadline:
            Lock(tmp_path / "lock", "it").release()
        reader.kill()


def test_a_note_is_read_whole_while_it_is_written_again_and_again(tmp_path):
    script = """
        from pathlib import Path
        from welltempered.lock import Lock

        lock = Lock(Path("lock"), "it")
        print("held", flush=True)
        while True:
            lock.say(budget={"epochs": 3.0}, workers=2)
    """
    process = program(tmp_path, script)
    assert process.stdout.readline() == "held\n"
    assert all(read(tmp_path / "lock").holds for _ in range(300))
    end(process)


@pytest.mark.parametrize("text", ["", "123", "{", '{"pid": 3}', "\x00" * 30])
def test_what_is_no_note_is_none(tmp_path, text):
    (tmp_path / "lock").write_text(text)
    assert read(tmp_path / "lock") is None
    assert read(tmp_path / "nowhere") is None


def test_a_note_cannot_be_written_on_a_full_disk_but_the_lock_locks(tmp_path, monkeypatch):
    def full(*_):
        raise OSError

    monkeypatch.setattr(os, "pwrite", full)
    held = Lock(tmp_path / "lock", "it")
    with pytest.raises(wt.StudyBusy, match="it is being run by process unknown"):
        Lock(tmp_path / "lock", "it")
    held.release()
    Lock(tmp_path / "lock", "it").release()


@pytest.mark.parametrize(
    ("argv", "file", "expected"),
    [
        (["script.py", "a b"], "script.py", "python script.py 'a b'"),
        (
            ["/usr/local/bin/welltempered", "show", "x"],
            "/usr/local/bin/welltempered",
            "/usr/local/bin/welltempered show x",
        ),
        (["welltempered", "tune"], None, "welltempered tune"),
        (["-c", "more"], None, None),
        (["caf\udce9.py"], "caf\udce9.py", "python 'caf\\udce9.py'"),
    ],
)
def test_the_command_is_what_was_typed(monkeypatch, argv, file, expected):
    monkeypatch.setattr(sys, "argv", argv)
    monkeypatch.setattr(sys, "orig_argv", ["python", *argv])
    monkeypatch.setattr(sys.modules["__main__"], "__file__", file, raising=False)
    assert lock.command() == expected


def test_a_note_is_json_that_later_versions_may_extend(tmp_path):
    data = msgspec.json.decode(msgspec.json.encode(note())) | {"more": 1}
    (tmp_path / "lock").write_bytes(msgspec.json.encode(data))
    assert read(tmp_path / "lock").holds
