"""A million rows: what it costs to open, to attach and to show them, in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from fal_notebook.many.journal import Journal
from fal_notebook.many.stored import Header

STATEMENTS = (
    """CREATE TEMP VIEW numbers AS WITH RECURSIVE n(i) AS
        (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 999999) SELECT i FROM n""",
    """INSERT INTO rows SELECT i, randomblob(16), randomblob(16), NULL, i, '{}',
        json_object('prompt', 'some text of a row that has a number ' || i) FROM numbers""",
    """INSERT INTO states (number, state, engine, ended, cost) SELECT i,
        CASE WHEN i < 300000 THEN 'done' WHEN i < 300100 THEN 'intent' ELSE 'new' END, 'queue',
        CASE WHEN i < 300000 THEN i END, CASE WHEN i < 300000 THEN 0.001 END FROM numbers""",
    """INSERT INTO answers SELECT i, 0, 200, '{"content-type": "application/json"}',
        CAST('{"output": "an answer of some length to row ' || i || '"}' AS BLOB), 0 FROM numbers WHERE i < 300000""",
)
OPENS = """
import json, sys, time
from fal_notebook.many.journal import Journal
from fal_notebook.many.summary import summary_bundle
began = time.process_time()  # of one core: a machine may be busy with other things
with Journal.drive(sys.argv[1]) as journal:
    words = summary_bundle(journal)["text/plain"]
    first = journal.arguments(journal.in_state("new", 100))
    last = journal.row(len(journal) - 1).state
seconds = time.process_time() - began
most = int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0])  # ru_maxrss counts the parent's, too
print(json.dumps([seconds, most / 1024, words, len(first), last]))
"""


@pytest.mark.quiet
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere, the memory of a process is counted otherwise")
def test_a_million_rows_are_opened_and_shown_in_seconds_and_without_much_memory(tmp_path: Path) -> None:
    path = tmp_path / "many.fal"
    with Journal.drive(path, Header("a/b")) as journal, journal.transaction():
        for statement in STATEMENTS:
            journal._connection.execute(statement)
    done = subprocess.run([sys.executable, "-c", OPENS, str(path)], capture_output=True, check=True, timeout=100)
    seconds, most, words, first, last = json.loads(done.stdout)
    assert "300,000 of 1,000,000 done · 100 unknown · 699,900 waiting · $300 spent" in words
    assert (first, last) == (100, "new")
    assert seconds < 5
    assert most < 300
