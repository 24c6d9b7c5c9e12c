"""`rollcall discover --watch` with --output and --on-change: a file that is
whole at every moment, and a command that hears of it."""
import array
import fcntl
import json
import os
import signal
import subprocess
import sys
import termios
import threading
import time

from support.discoverer import (  # noqa: F401 (fixtures)
    DIRECTORY, Discoverer, ONE, TWO, etcd, shared_etcd, two, watching)
from support.process import GUARD
from support.rollcall import BINARY, SLOW
from support.wait import await_true


# --- the file ---


def test_output_is_always_whole(two, watching, tmp_path):
    path = tmp_path / "targets.json"
    watched = watching([two.url()], "--format=prometheus",
                       "--output=%s" % path)
    await_true(path.exists, 10 * SLOW)
    seen, faults, ended = set(), [], threading.Event()

    def read():
        while not ended.is_set():
            try:
                targets = json.loads(path.read_text())
                seen.add(targets[0]["targets"][0])
            except Exception as e:
                faults.append(repr(e))
    reader = threading.Thread(target=read)
    reader.start()
    try:
        for i in range(200):
            two.put(ONE, "10.0.0.7:%d" % i)
        await_true(lambda: "10.0.0.7:199" in seen, 10 * SLOW)
    finally:
        ended.set()
        reader.join(20 * SLOW)
    assert not reader.is_alive()
    assert not faults
    assert len(seen) > 5
    assert os.listdir(tmp_path).count("targets.json") == 1
    assert not [n for n in os.listdir(tmp_path) if n.startswith(".targets")]
    assert watched.text() == []


def test_list_that_nobody_reads(etcd, tmp_path):
    """A signal ends it, though it waits for its reader."""
    etcd.put_many([("%s/%04d" % (DIRECTORY, n), "10.0.0.7:%d" % n, 600)
                   for n in range(2000)])
    process = subprocess.Popen(
        GUARD + [BINARY, "discover", "--etcd.endpoint=" + etcd.url(),
                 "--directory=" + DIRECTORY], stdout=subprocess.PIPE)
    size = fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, 4096)
    waiting = array.array("i", [0])

    def full():
        fcntl.ioctl(process.stdout, termios.FIONREAD, waiting)
        return waiting[0] >= size
    try:
        await_true(full, 10 * SLOW)
        process.send_signal(signal.SIGTERM)
        assert process.wait(5 * SLOW) == -signal.SIGTERM
    finally:
        process.kill()
        process.stdout.close()


def test_output_that_fails(two, watching, tmp_path):
    path = tmp_path / "later" / "list"
    watched = watching([two.url()], "--format=hosts", "--output=%s" % path)
    line = watched.await_log(msg="cannot write the list; trying again")
    assert line["output"] == str(path) and str(path) in line["err"]
    path.parent.mkdir()
    await_true(path.exists, 10 * SLOW)      # without a change
    assert path.read_text().count("\n") == 2
    watched.await_log(msg="the list is written again")
    two.delete(ONE)
    await_true(lambda: path.read_text().count("\n") == 1, 10 * SLOW)


def test_output_keeps_its_mode(two, watching, tmp_path):
    path = tmp_path / "list"
    path.write_text("old")
    path.chmod(0o640)
    watching([two.url()], "--format=hosts", "--output=%s" % path)
    await_true(lambda: path.read_text().count("\n") == 2, 10 * SLOW)
    assert path.stat().st_mode & 0o777 == 0o640


# --- the command ---


def runs(path):
    """What each run of the command wrote: a list of lists of lines."""
    if not path.exists():
        return []
    return [run.splitlines() for run in path.read_text().split("begin\n")[1:]]


def test_command(two, watching, tmp_path):
    """Once at the start, once for many changes, with the list."""
    said = tmp_path / "said"
    watched = watching(
        [two.url()], "--format=hosts",
        "--on-change=(echo begin; cat; echo \"(${ROLLCALL_OUTPUT-none})\")"
        " >>%s; echo and more" % said)
    await_true(lambda: len(runs(said)) == 1 and len(runs(said)[0]) == 3,
               10 * SLOW)
    assert runs(said)[0] == ["10.0.0.7\t0001-0001.login-servers",
                             "10.0.0.8\t0001-0002.login-servers", "(none)"]
    for i in range(30):
        two.put(ONE, "10.0.1.%d:80" % i)
    await_true(lambda: "10.0.1.29\t0001-0001.login-servers" in runs(said)[-1],
               10 * SLOW)
    assert len(runs(said)) <= 3
    # Its output is not among the lists.
    assert "and more" not in watched.text()
    assert "and more" in watched.log()


def test_commands_do_not_overlap(two, watching, tmp_path):
    said = tmp_path / "said"
    watched = watching(
        [two.url()], "--format=hosts", "--debounce=10ms",
        "--on-change=(echo begin; sleep 0.1; cat; echo end) >>%s" % said)
    for i in range(40):
        two.put(ONE, "10.0.1.%d:80" % i)
        time.sleep(0.02)
    two.put(ONE, "10.0.2.2:80")
    await_true(lambda: "10.0.2.2\t0001-0001.login-servers" in runs(said)[-1]
               and runs(said)[-1][-1] == "end", 10 * SLOW)
    assert all(run[-1] == "end" and len(run) == 3 for run in runs(said))
    assert 3 <= len(runs(said)) <= 30
    assert not watched.log_lines(level="warn")


def test_command_for_a_file(two, watching, tmp_path):
    """Runs when the file holds the first list, which nobody may have been told
    of, and when it is another one, and only then."""
    path, said = tmp_path / "list", tmp_path / "said"
    arguments = ("--format=hosts", "--output=%s" % path, "--debounce=10ms",
                 "--on-change=(echo begin; cat; cmp - $ROLLCALL_OUTPUT"
                 " </dev/null; cat $ROLLCALL_OUTPUT) >>%s 2>/dev/null" % said)
    watched = watching([two.url()], *arguments)
    hosts = ["10.0.0.7\t0001-0001.login-servers",
             "10.0.0.8\t0001-0002.login-servers"]
    await_true(lambda: runs(said) == [hosts + hosts], 10 * SLOW)
    two.put(ONE, "10.0.0.7:1")      # of which the format says nothing
    two.delete(TWO)
    await_true(lambda: runs(said)[1:] == [hosts[:1] * 2], 10 * SLOW)
    watched.stop()
    watched.start()
    await_true(lambda: runs(said)[2:] == [hosts[:1] * 2], 10 * SLOW)
    two.delete(ONE)
    await_true(lambda: runs(said)[3:], 10 * SLOW)
    assert runs(said)[3:] == [[]]


def test_command_gets_no_descriptors_of_ours(two, watching, tmp_path):
    said = tmp_path / "said"
    # Neither a pipe nor a redirection for one command: the shell has
    # descriptors of its own for those.
    watching([two.url()], "--on-change=exec >%s.new; ls /proc/$$/fd;"
             " mv %s.new %s" % (said, said, said))
    await_true(said.exists, 10 * SLOW)
    assert set(said.read_text().split()) <= {"0", "1", "2"}


class ChildrenIgnored(Discoverer):
    """Started by somebody who ignores SIGCHLD, which is inherited."""

    def command(self):
        return [sys.executable, "-c", "import os, signal, sys;"
                "signal.signal(signal.SIGCHLD, signal.SIG_IGN);"
                "os.execv(sys.argv[1], sys.argv[1:])", *super().command()]


def test_command_runs_again_where_children_were_ignored(two, started,
                                                        tmp_path):
    said = tmp_path / "said"
    started(ChildrenIgnored(
        tmp_path / "discover", [two.url()],
        ["--debounce=0", "--on-change=echo begin >>%s" % said]))
    for count in 1, 2, 3:
        await_true(lambda: len(runs(said)) == count, 10 * SLOW)
        two.put(ONE, "10.0.0.7:%d" % count)


def test_command_that_fails(two, watching):
    watched = watching([two.url()], "--on-change=exit 3", "--debounce=0")
    line = watched.await_log(msg="the command failed")
    assert line["exit_code"] == "3"
    two.delete(ONE)
    watched.await_log(msg="the command failed", count=2)


def test_stopping_leaves_the_command_alone(two, watching, tmp_path):
    said = tmp_path / "said"
    watched = watching([two.url()], "--debounce=0",
                       "--on-change=echo begin >%s; sleep 1.5; echo end >>%s"
                       % (said, said))
    await_true(said.exists, 10 * SLOW)
    watched.stop()
    assert said.read_text() == "begin\n"
    await_true(lambda: said.read_text() == "begin\nend\n", 10)


# --- others who read it ---


def test_prometheus_reads_the_file(two, watching, prometheus, tmp_path):
    path = tmp_path / "targets.json"
    watching([two.url()], "--format=prometheus", "--output=%s" % path)
    await_true(path.exists, 10 * SLOW)
    prometheus.config["scrape_configs"] = [{
        "job_name": "im", "file_sd_configs": [
            {"files": [str(path)], "refresh_interval": "1s"}],
        "relabel_configs": [{"source_labels": ["__meta_rollcall_key"],
                             "target_label": "key"}]}]
    prometheus.start()

    def targets():
        return sorted((t["labels"]["instance"], t["labels"]["service_name"],
                       t["labels"]["instance_id"], t["labels"]["key"])
                      for t in prometheus.targets())
    await_true(lambda: targets() == [
        ("10.0.0.7:8008", "login_servers", "0001-0001", ONE),
        ("10.0.0.8:8008", "login_servers", "0001-0002", TWO)], 15)
