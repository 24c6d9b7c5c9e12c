"""`rollcall db` beside a daemon that writes on a real etcd, and without it."""
import os

from support.rollcall import command_line
from support.wait import await_true

SERVICES = {"path": "/services", "pattern": "{service_name}/{instance_id}"}


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
