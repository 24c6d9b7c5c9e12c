"""`rollcall db` beside a daemon that writes on a real etcd, and without it."""
import os
import signal
import subprocess

import pytest

from support.rollcall import BINARY, SLOW, command_line
from support.servers import TOP
from support.wait import await_true

SERVICES = {"path": "/services", "pattern": "{service_name}/{instance_id}"}
HISTORY = os.path.join(TOP, "tests/golden/cli/history.json")


def run(*arguments, fails=False):
    done = command_line("db", *arguments)
    assert (done.returncode != 0) == fails, done.stderr + done.stdout
    return done.stderr if fails else done.stdout


def test_beside_a_daemon_and_after_it(etcd, rollcall, tmp_path):
    for i in range(20):
        etcd.put("/services/chat/%04d" % i, "127.0.0.1:%d" % i, 600)
    watched = rollcall([etcd.url()], [SERVICES])
    watched.await_events(lambda es: len(es) == 20)
    database = ("--storage.path", watched.storage)
    copy, text = str(tmp_path / "copy.db"), str(tmp_path / "text")

    assert "20 instances, 20 stays" in run("check", *database)
    run("backup", copy, *database)
    assert "all is well" in run("check", "--storage.path", copy)
    assert "is there already" in run("backup", copy, *database, fails=True)
    run("backup", copy, "--force", *database)
    run("export", text, *database)
    pid = str(watched.process.pid)
    for refused in (("vacuum", *database), ("import", text, *database)):
        assert pid in run(*refused, fails=True)

    watched.stop()
    assert " before, " in run("vacuum", *database)
    new = str(tmp_path / "new.db")
    run("import", text, "--storage.path", new)
    again = run("export", "--storage.path", new)
    with open(text, encoding="utf-8") as whole:
        assert again == whole.read()
    done = command_line("events", "--storage.path", new, "--format=csv")
    assert len(done.stdout.splitlines()) == 21
    watched.start()
    await_true(lambda: "all is well" in run("check", *database), 10)
    assert not [n for n in os.listdir(tmp_path) if ".part-" in n]


def rows_of_meta(n):
    """An export, but for its end."""
    with open(HISTORY, encoding="utf-8") as export:
        heads = [line for line in export if '"table"' in line]
    heads.sort(key=lambda line: '"meta"' in line)
    return '{"rollcall_export":1,"schema":2}\n' + "".join(heads) + "".join('["%06d",%d]\n' % (i, i) for i in range(n))


def test_interrupted(tmp_path):
    """Ctrl-C and the like leave nothing behind, and say who ended it."""
    new, temporary = str(tmp_path / "new.db"), tmp_path / "temporary"
    temporary.mkdir()

    def start(*arguments):
        return subprocess.Popen(
            [BINARY, "db", *arguments, "--storage.path", new],
            env={**os.environ, "TMPDIR": str(temporary)}, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)

    def ended_by(process, signo, says):
        process.send_signal(signo)
        _, errors = process.communicate(timeout=20 * SLOW)
        assert process.returncode == -signo, errors
        assert errors == says

    importing = start("import", "-")
    importing.stdin.write(rows_of_meta(10))
    importing.stdin.flush()
    await_true(lambda: os.path.exists(new), 10)
    ended_by(importing, signal.SIGTERM, "rollcall db import: interrupted\n")
    assert not [n for n in os.listdir(tmp_path) if n in (
        "new.db", "new.db-wal", "new.db-shm")]

    text = rows_of_meta(20000) + '{"end":true,"rows":20000}\n'
    done = command_line("db", "import", "-", "--storage.path", new,
                        input=text)
    assert done.returncode == 0, done.stderr
    # Nobody reads what it writes.
    exporting = start("export")
    await_true(lambda: os.listdir(temporary), 10)
    ended_by(exporting, signal.SIGINT, "rollcall db export: interrupted\n")
    exporting = start("export")
    exporting.stdout.readline()
    exporting.stdout.close()
    exporting.stdin.close()
    assert exporting.wait(20 * SLOW) == -signal.SIGPIPE
    assert exporting.stderr.read() == ""
    assert os.listdir(temporary) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes files of others")
def test_what_root_imports_is_the_folders_owners(tmp_path):
    """The daemon has a user of its own, who has to open it."""
    place = tmp_path / "state"
    place.mkdir()
    os.chown(place, 65534, 65534)
    path = str(place / "rollcall.db")
    with open(HISTORY) as history:
        done = command_line("db", "import", "-", "--storage.path", path,
                            stdin=history)
    assert done.returncode == 0, done.stderr
    os.unlink(path + ".lock")
    assert command_line("db", "vacuum", "--storage.path",
                        path).returncode == 0
    assert {n: os.stat(place / n).st_uid for n in os.listdir(place)} == {
        "rollcall.db": 65534, "rollcall.db.lock": 65534}
