"""The watch keeps up with all that etcd takes, whatever lies in between: no
event lost, none told twice, and hardly more polls than events."""
import collections
import concurrent.futures
import random
import re

import pytest

from support import http
from support.bad_line import BadLine
from support.preload import SANITIZED
from support.wait import await_true
from support.writers import Writers, compare, told as told_by

S = {"path": "/s", "service_name": "s"}
LOSS = "history_cleared"


def polls_of(etcd):
    """Long polls that etcd has been asked for."""
    text = http.get(etcd.url() + "/metrics").text
    return float(re.search(
        r"^etcd_debugging_store_watch_requests_total (\S+)", text,
        re.M).group(1))


def events_of(watched):
    return watched.metric("rollcall_watch_events_total", directory="/s")


def resyncs_of(watched):
    return {labels["reason"]: v for labels, v in watched.samples(
        "rollcall_resyncs_total", directory="/s") if labels["reason"] !=
        "start" and v}


def watch(etcd, rollcall, name="rollcall", **options):
    watched = rollcall([etcd.url()], [S], name=name,
                       arguments=["--log.level=debug"], **options)
    watched.await_looking()
    return watched


def check_told(watched, written):
    """Each of them once and in order, index by index.  None if lines of the
    log, which says so, were dropped."""
    if watched.metric("rollcall_log_dropped_total"):
        return None
    await_true(lambda: len(told_by(watched.log())) >= len(written), 20,
               "the log to say so", interval=0.3)
    events = told_by(watched.log())
    lost, doubled = compare(written, events)
    assert not lost and not doubled, "lost: %s, doubled: %s" % (
        lost[:5], doubled[:5])
    assert events == sorted(events)
    return len(events)


def full_speed(etcd, watched, writers, pause_us):
    """One run; None if rollcall was held up for longer than etcd's history of
    1000 events lasts, or the log's writer for as long as its ring does."""
    before, polls = events_of(watched), polls_of(etcd)
    writes, _, log = writers.run(etcd, "/s", 2, pause_us=pause_us)
    if LOSS in resyncs_of(watched):
        return None
    await_true(lambda: events_of(watched) - before >= writes, 20,
               lambda: "%d events, there are %d" % (
                   writes, events_of(watched) - before))
    assert events_of(watched) - before == writes
    assert set(log.values()) <= {"/s/%06d" % n for n in range(1000)}
    assert polls_of(etcd) - polls <= 1.5 * writes + 2100
    return check_told(watched, log)


def test_64_writers_at_full_speed(etcd, rollcall, tmp_path):
    """Again where other tests held rollcall up; to a program with sanitizers
    the writers leave time."""
    writers, pause_us = Writers(tmp_path), 64000 if SANITIZED else 0
    for run in range(5):
        watched = watch(etcd, rollcall, "rollcall-%d" % run)
        if full_speed(etcd, watched, writers, pause_us):
            break
        watched.stop()
    else:
        pytest.fail("history was lost in each run")
    assert watched.log_lines(msg="events come fast: asking ahead")
    assert not resyncs_of(watched)
    watched.await_metric("rollcall_service_instances", 1000)
    assert watched.metric("rollcall_looking") == 1


def test_few_of_many_events_are_ours(etcd, rollcall, tmp_path):
    """Polls asked ahead find the same event again and again where others
    write in between: so there are few of them.  An event earns one more, four
    while far behind, and a poll in vain costs one."""
    writers = Writers(tmp_path)
    watched = watch(etcd, rollcall)
    before, polls = events_of(watched), polls_of(etcd)
    others = writers.start(etcd, "/elsewhere", 2, writers=24)
    writes, _, log = writers.run(etcd, "/s", 2, writers=4)
    others.communicate(timeout=60)
    await_true(lambda: events_of(watched) - before >= writes or
               resyncs_of(watched), 20, "all events, or history lost")
    ratio = (polls_of(etcd) - polls) / writes
    assert ratio < 5.5, "%.1f polls for each event" % ratio
    if LOSS not in resyncs_of(watched):
        assert events_of(watched) - before == writes
        check_told(watched, log)


class Services:
    """Keys that come and go, each from one thread; the truth of it."""

    def __init__(self, etcd, keys, changes):
        self.etcd = etcd
        self.keys = keys
        self.changes = changes
        self.truth = collections.defaultdict(list)

    def _live(self, name):
        for n in range(self.changes):
            key = "/s/" + name
            if n % 2 == 0:
                answer = self.etcd.put(key, "127.0.0.1:1", 600)
            else:
                answer = self.etcd.delete(key)
            self.truth[name].append((
                "registered" if n % 2 == 0 else "delete",
                answer["node"]["modifiedIndex"]))

    def run(self):
        names = ["k%02d" % n for n in range(self.keys)]
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            list(pool.map(self._live, names))
        return dict(self.truth)


def told(watched):
    found = collections.defaultdict(list)
    for e in watched.events("--limit", "0"):
        found[e["instance_id"]].append((e["cause"], e["etcd_index"]))
    return dict(found)


def test_2000_changes_over_a_line_that_is_cut(etcd, rollcall, started):
    """Each is told once and in order, through delays, pieces and cuts."""
    line = started(BadLine(etcd.port, random.SystemRandom().randrange(10**9)))
    watched = rollcall([line.url()], [S])
    watched.await_looking()
    truth = Services(etcd, 40, 50).run()
    assert sum(map(len, truth.values())) == 2000
    await_true(lambda: told(watched) == truth, 30, lambda: str({
        k: (v, told(watched).get(k)) for k, v in truth.items()
        if told(watched).get(k) != v})[:2000], interval=0.3)
    assert line.cuts > 5, "connections were cut"
    assert LOSS not in resyncs_of(watched)


def test_2000_changes_over_a_slow_line(etcd, rollcall, started):
    """Not cut: asked ahead, several on a connection."""
    line = started(BadLine(etcd.port, random.SystemRandom().randrange(10**9),
                           until_cut=None))
    watched = rollcall([line.url()], [S])
    watched.await_looking()
    before = resyncs_of(watched)
    truth = Services(etcd, 40, 50).run()
    await_true(lambda: told(watched) == truth, 30, lambda: str({
        k: (v, told(watched).get(k)) for k, v in truth.items()
        if told(watched).get(k) != v})[:2000], interval=0.3)
    assert line.most > 1, "polls were asked ahead"
    assert resyncs_of(watched) == before
