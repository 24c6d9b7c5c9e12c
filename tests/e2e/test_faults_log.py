"""Whoever reads the log may stop reading it, or never have been there."""
import os
import sqlite3

import pytest

from support.delay import Detection
from support.wait import await_true

LOGIN = {"path": "/login_servers", "service_name": "login_server"}


@pytest.fixture
def stuck_pipe():
    """(write end, read end) of a full pipe."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    try:
        while True:
            os.write(writer, b"x" * 4096)
    except BlockingIOError:
        os.set_blocking(writer, True)
    yield writer, reader
    os.close(writer)
    os.close(reader)


def test_reader_of_the_log_has_stopped(etcd, rollcall, webhook, started,
                                       stuck_pipe):
    writer, reader = stuck_pipe
    watched = rollcall([etcd.url()], [LOGIN], webhook=webhook.url(),
                       arguments=["--log.level=debug"], start=False)
    watched.output = writer
    watched.start()
    watched.await_looking()
    detect = started(Detection(etcd, webhook), start=False)
    detect.expiry(watched)
    # Until the ring is full: each of these is a line.
    etcd.put_many([("/login_servers/%05d%s" % (n, "x" * 200), "h:1", 600)
                   for n in range(1500)])
    watched.await_metric("rollcall_log_dropped_total", lambda v: v > 0)
    detect.expiry(watched)
    # The reader goes on: what was dropped is said, before the next line.
    os.set_blocking(reader, False)
    text = b""

    def said():
        nonlocal text
        etcd.put("/login_servers/%d" % len(text), "h:1", ttl=600)
        while True:
            try:
                text += os.read(reader, 65536)
            except BlockingIOError:
                return b"log lines dropped" in text
    await_true(said, 10, "the log says that lines were dropped")
    watched.await_looking()


def test_stop_while_the_reader_of_the_log_has_stopped(etcd, rollcall,
                                                      stuck_pipe):
    watched = rollcall([etcd.url()], [LOGIN], start=False)
    watched.output = stuck_pipe[0]
    watched.start()
    watched.await_looking()
    watched.stop(timeout=5)


def test_nobody_reads_the_log_any_more(etcd, rollcall, webhook, started):
    reader, writer = os.pipe()
    watched = rollcall([etcd.url()], [LOGIN], webhook=webhook.url(),
                       start=False)
    watched.output = writer
    watched.start()
    os.close(writer)
    os.close(reader)
    watched.await_looking()
    started(Detection(etcd, webhook), start=False).expiry(watched)


@pytest.mark.parametrize("closed", ["2>&-", "<&- >&- 2>&-"])
def test_started_with_closed_descriptors(etcd, rollcall, webhook, started,
                                         closed):
    """What is opened first must not take the log's place: the database would
    be written into."""
    watched = rollcall([etcd.url()], [LOGIN], webhook=webhook.url(),
                       arguments=["--log.level=debug"], start=False)
    command = watched.command()
    watched.command = lambda: [
        "/bin/sh", "-c", 'exec "$@" ' + closed, "sh", *command]
    watched.start()
    watched.await_looking()
    started(Detection(etcd, webhook), start=False).expiry(watched)
    for number in (0, 1, 2):
        path = os.path.realpath("/proc/%d/fd/%d" % (watched.pid, number))
        assert path in ("/dev/null", watched.log_path), path
    watched.stop()
    with sqlite3.connect(watched.storage) as connection:
        assert connection.execute("pragma integrity_check").fetchall() == [
            ("ok",)]
