"""Every log keeps the promises of logs, and any record whatever."""

from hypothesis import given, settings
from hypothesis import strategies as st

import welltempered as wt
from event_strategies import events, headers
from welltempered.testing import check_log


def test_memory_keeps_the_promises_of_logs():
    check_log(lambda name: wt.Memory(), persistent=False)


def test_sql_keeps_the_promises_of_logs(tmp_path):
    check_log(lambda name: wt.Sql(tmp_path / f"{name}.db"))


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
