"""`rollcall discover --watch`: every change, once, whatever happens to etcd
and to whoever reads it."""
import concurrent.futures
import itertools
import json
import os
import random
import signal
import threading
import time

import pytest

from support.discoverer import (  # noqa: F401 (fixtures)
    DIRECTORY, LOGIN1, LOGIN2, ONE, TWO, etcd, own_etcd, shared_etcd, two,
    watching)
from support.registrar import Registrar
from support.rollcall import SLOW
from support.wait import await_true, stays_true



# --- watching ---


def test_changes(two, watching):
    """Each kind, and each is there half a second after etcd told it."""
    watched = watching([two.url()])
    assert watched.await_changes(2) == [
        ("present", "0001-0001", LOGIN1), ("present", "0001-0002", LOGIN2)]
    acts = [
        (lambda: two.put(DIRECTORY + "/n", "v1", 600),
         [("registered", "n", "v1")]),
        (lambda: two.put(DIRECTORY + "/n", "v2", 600),
         [("changed", "n", "v2")]),
        (lambda: two.delete(ONE), [("deregistered", "0001-0001", LOGIN1)]),
        (lambda: two.put(DIRECTORY + "/g/a", "1"),
         [("registered", "g/a", "1")]),
        (lambda: two.put(DIRECTORY + "/g/b", "2"),
         [("registered", "g/b", "2")]),
        (lambda: two.delete(DIRECTORY + "/g", True),
         [("deregistered", "g/a", "1"), ("deregistered", "g/b", "2")]),
        (lambda: two.make_directory(DIRECTORY + "/i", 600),
         [("registered", "i", "")]),
        (lambda: two.put(DIRECTORY + "/i/host", "x"), []),
        (lambda: two.put("/other/x", "x"), []),
        (lambda: two.put(DIRECTORY + "/_hidden", "x"), []),
        (lambda: two.delete(DIRECTORY, True),
         [("deregistered", "0001-0002", LOGIN2),
          ("deregistered", "i", ""), ("deregistered", "n", "v2")]),
    ]
    expected = watched.changes()
    for act, lines in acts:
        act()
        done = time.monotonic()
        expected += lines
        at, _ = watched.await_lines(len(expected))[-1]
        assert watched.changes() == expected
        assert not lines or at - done < 0.5 * SLOW


def test_expiry(etcd, watching):
    watched = watching([etcd.url()])
    etcd.put(ONE, LOGIN1, 1)
    etcd.make_directory("/group/sub", 1)
    grouped = watching([etcd.url()], name="grouped",
                       directories=("/group/sub",))
    etcd.put("/group/sub/x", "1")
    kinds = [c for c, _, _ in watched.await_changes(2)]
    assert kinds in (["registered", "expired"], ["present", "expired"])
    assert [c[0] for c in grouped.await_changes(2)] in (
        ["registered", "expired"], ["present", "expired"])


def test_heartbeats_are_no_changes(two, watching):
    """Neither of the two kinds; what comes behind them does."""
    two.put(DIRECTORY + "/short", "x", 1)
    watched = watching([two.url()], "--resync=1s")
    watched.await_lines(3)
    for _ in range(8):          # more than its TTL, and a resync
        two.put(ONE, LOGIN1, 600)
        assert two.refresh(TWO, 600)
        assert two.refresh(DIRECTORY + "/short", 1)
        time.sleep(0.2)
    two.put(DIRECTORY + "/short", "x", 600)
    two.put(ONE, "other", 600)
    assert watched.await_changes(4)[3] == ("changed", "0001-0001", "other")
    line = json.loads(watched.text()[3])
    assert 590 <= line["ttl_seconds"] <= 600


def test_a_resync_jumps_over_nothing(two, own_etcd, watching):
    """Changes that piled up meanwhile are told one by one, and what ran out
    during an outage is told as that."""
    watched = watching([two.url()], "--resync=1s")
    outage = watching([own_etcd.url()], "--resync=1s", name="outage")
    watched.await_lines(2)
    outage.await_lines(2)
    own_etcd.put(ONE, LOGIN1, ttl=2)
    own_etcd.kill()
    watched.pause()
    values = ["10.0.0.7:%d" % n for n in range(50)]
    for value in values:
        two.put(ONE, value)
    stays_true(watched.alive, 1.5)              # a listing is due
    watched.resume()
    watched.await_lines(52)
    own_etcd.start()
    assert watched.changes()[2:] == [
        ("changed", "0001-0001", value) for value in values]
    assert outage.await_changes(3)[2:] == [("expired", "0001-0001", LOGIN1)]


def test_lines_for_people(two, watching):
    watched = watching([two.url()], "--format=table")
    watched.await_lines(4)
    two.put(DIRECTORY + "/0001-0003", "x", 600)
    two.delete(ONE)
    lines = [text for _, text in watched.await_lines(6)]
    assert lines[:3] == [
        "SERVICE        INSTANCE   ADDRESS        TTL   VALUE",
        "login_servers  0001-0001  10.0.0.7:8008  600s  " + LOGIN1,
        "login_servers  0001-0002  10.0.0.8:8008  600s  " + LOGIN2]
    assert lines[3] == ""
    assert [line[23:] for line in lines[4:]] == [
        "  +  login_servers  0001-0003  -              registered",
        "  -  login_servers  0001-0001  10.0.0.7:8008  deregistered"]


def test_whole_lists(two, watching):
    """A format without words for changes: the list anew, an empty line."""
    watched = watching([two.url()], "--format=hosts")
    watched.await_lines(3)
    two.delete(ONE)
    watched.await_lines(5)
    two.delete(TWO)
    assert [text for _, text in watched.await_lines(6)] == [
        "10.0.0.7\t0001-0001.login-servers",
        "10.0.0.8\t0001-0002.login-servers", "",
        "10.0.0.8\t0001-0002.login-servers", "", ""]


def test_nothing_before_all_is_known(two, watching):
    """Half a list looks like a whole one."""
    two.put("/slow", "a key where a directory should be")
    watched = watching([two.url()], directories=(DIRECTORY, "/slow"))
    watched.await_log(msg="cannot follow; trying until it can be listed",
                      directory="/slow")
    assert watched.text() == []
    two.delete("/slow")
    two.put("/slow/x", "1")
    assert watched.await_changes(3) == [
        ("present", "0001-0001", LOGIN1), ("present", "0001-0002", LOGIN2),
        ("present", "x", "1")]


# --- standard output ---


def test_reader_that_goes(two, watching):
    """It ends with a word, though there is nothing to write."""
    watched = watching([two.url()], start=False)
    reader, watched.stdout = os.pipe()
    watched.start()
    os.close(watched.stdout)
    assert b"present" in os.read(reader, 65536)
    os.close(reader)
    assert watched.wait(5 * SLOW) == 1
    line, = watched.log_lines(msg="ending")
    assert "standard output was closed" in line["err"]


def test_reader_that_stands_still(two, watching):
    """Neither following nor stopping waits for it."""
    watched = watching([two.url()], start=False)
    reader, watched.stdout = os.pipe()
    watched.start()
    os.close(watched.stdout)
    await_true(lambda: os.read(reader, 1), 10 * SLOW)
    for i in range(8):
        two.put(ONE, "%d" % i * 20000)
    time.sleep(0.3)             # for the pipe to be full
    watched.stop(2)
    os.close(reader)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_signals_end_it(two, watching, number):
    watched = watching([two.url()])
    watched.await_lines(2)
    watched.signal(number)
    assert watched.wait(1 * SLOW) == 0


# --- etcd that fails ---


def test_etcd_restarts(own_etcd, watching):
    """Nobody is gone because etcd is silent."""
    watched = watching([own_etcd.url()])
    watched.await_lines(2)
    own_etcd.kill()
    line = watched.await_log(msg="cannot follow; keeping the last list")
    assert line["endpoint"] == own_etcd.url()
    stays_true(lambda: len(watched.lines) == 2, 0.5, "the list")
    own_etcd.start()
    watched.await_log(msg="following again")
    own_etcd.delete(ONE)
    assert watched.await_changes(3)[2:] == [
        ("deregistered", "0001-0001", LOGIN1)]
    assert len(watched.log_lines(level="warn")) == 1
    assert len(watched.log_lines(msg="following again")) == 1


def test_started_before_etcd(own_etcd, watching):
    own_etcd.kill()
    watched = watching([own_etcd.url()])
    watched.await_log(msg="cannot follow; trying until it can be listed")
    own_etcd.start()
    assert [c[0] for c in watched.await_changes(2)] == ["present"] * 2


def test_member_dies(etcd_cluster, watching):
    """What happens meanwhile at another member comes, once."""
    etcd_cluster.put(ONE, LOGIN1)
    leader = etcd_cluster.leader()
    first = next(m for m in etcd_cluster.members if m is not leader)
    watched = watching([first.url()] + [
        m.url() for m in etcd_cluster.members if m is not first])
    watched.await_lines(1)
    first.kill()
    for i in range(20):
        etcd_cluster.put(ONE, str(i))
    etcd_cluster.delete(ONE)
    assert watched.await_changes(22)[1:] == [
        ("changed", "0001-0001", str(i)) for i in range(20)] + [
        ("deregistered", "0001-0001", "19")]
    first.start()
    etcd_cluster.put(ONE, "again")
    assert watched.await_changes(23)[22:] == [
        ("registered", "0001-0001", "again")]


def test_member_hangs(etcd_cluster, watching):
    etcd_cluster.put(ONE, LOGIN1)
    first = etcd_cluster.members[0]
    watched = watching(etcd_cluster.urls())
    watched.await_lines(1)
    first.pause()
    etcd_cluster.leader(among=etcd_cluster.members[1:])
    etcd_cluster.members[1].put(ONE, "other")
    assert watched.await_changes(2, 15)[1] == ("changed", "0001-0001",
                                               "other")
    first.resume()


def test_history_that_is_gone(two, watching):
    """More than etcd remembers happened elsewhere: comparing tells."""
    two.put(DIRECTORY + "/same", "x", 600)
    watched = watching([two.url()])
    watched.await_lines(3)
    watched.pause()
    two.put(DIRECTORY + "/same", "y", 600)      # ends the poll
    two.delete(ONE)
    two.put(TWO, "other", 600)
    two.put(DIRECTORY + "/new", "z", 600)
    two.put_many(("/elsewhere/%d" % i, "", None) for i in range(1100))
    watched.resume()
    assert sorted(watched.await_changes(7)[3:]) == [
        ("changed", "0001-0002", "other"), ("changed", "same", "y"),
        ("lost", "0001-0001", LOGIN1), ("registered", "new", "z")]
    two.put(DIRECTORY + "/same", "z", 600)
    assert watched.await_changes(8)[7:] == [("changed", "same", "z")]


class Writer:
    """Writes to a cluster whose members die, each thing exactly once: every
    request has a condition, and what became of one that failed is read."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.index = {}         # key -> modifiedIndex; absent: not there
        self.story = {}         # instance_id -> [(change, value)]
        self.value = {}

    def _attempt(self, method, key, params):
        member = random.choice([m for m in self.cluster.members
                                if m.alive()])
        form = params if method == "PUT" else None
        return member.call(method, key, None if form else params, form,
                           timeout=4)

    def _read(self, key):
        """The node as a quorum knows it, None if there is none."""
        def asked():
            answer = self._attempt("GET", key, {"quorum": "true"})
            return [answer] if answer.status in (200, 404) else None
        answer = await_true(asked, 30)[0]
        return answer.json()["node"] if answer.status == 200 else None

    def _until_done(self, method, key, params, done):
        while True:
            try:
                answer = self._attempt(method, key, params())
                if answer.status in (200, 201):
                    return answer.json()["node"]
            except Exception:
                pass
            node = self._read(key)
            if done(node):
                return node
            self.index.pop(key, None)
            if node:
                self.index[key] = node["modifiedIndex"]

    def _condition(self, key):
        if key in self.index:
            return {"prevIndex": self.index[key]}
        return {"prevExist": "false"}

    def put(self, key, value):
        was = self.value.get(key)
        node = self._until_done(
            "PUT", key, lambda: {"value": value, "ttl": 600,
                                 **self._condition(key)},
            lambda n: n and n.get("value") == value)
        self.index[key] = node["modifiedIndex"]
        self.value[key] = value
        self._tell(key, "registered" if was is None else "changed", value)

    def delete(self, key):
        self._until_done("DELETE", key, lambda: self._condition(key),
                         lambda n: n is None)
        self.index.pop(key)
        self._tell(key, "deregistered", self.value.pop(key))

    def _tell(self, key, change, value):
        self.story.setdefault(key.split("/")[-1], []).append((change, value))


def change(writer, number):
    key = "%s/%02d" % (DIRECTORY, random.randrange(10))
    if key in writer.value and random.random() < 0.3:
        writer.delete(key)
    else:
        writer.put(key, "10.0.0.1:%d" % number)


def restart_in_turn(cluster, rounds, ended):
    """Says that it is over, even if a member does not return."""
    try:
        for member in cluster.members * rounds:
            member.kill()
            time.sleep(0.3)
            member.start()
    finally:
        ended.set()


def roll(cluster, writer, changes, rounds):
    """So many changes at least, one after the other, while members die and
    return in turn."""
    ended, failure = threading.Event(), []

    def write():
        try:
            for i in itertools.count():
                change(writer, i)
                if ended.wait(0.02) and i >= changes:
                    break
        except BaseException as e:
            failure.append(e)
    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    restart_in_turn(cluster, rounds, ended)
    thread.join(60)
    assert not thread.is_alive()
    if failure:
        raise failure[0]


def check_roll(cluster, watching, changes, rounds):
    writer = Writer(cluster)
    writer.put(DIRECTORY + "/first", "1")
    watched = watching(cluster.urls())
    watched.await_lines(1)
    roll(cluster, writer, changes, rounds)
    total = sum(map(len, writer.story.values()))
    watched.await_lines(total, 20)
    writer.story["first"] = [("present", "1")]
    assert watched.story() == writer.story
    assert len(watched.lines) == total
    assert "lost" not in {c[0] for c in watched.changes()}


def test_members_restart_in_turn(etcd_cluster, watching):
    """Every change comes exactly once and in order, whoever dies."""
    check_roll(etcd_cluster, watching, 200, 1)


@pytest.mark.long
def test_members_restart_in_turn_for_long(etcd_cluster, watching):
    check_roll(etcd_cluster, watching, 2000, 12)


def test_registrations_while_members_restart(etcd_cluster, watching, started,
                                             tmp_path):
    """`rollcall register` at the other end: who comes, goes and stays is seen
    so, exactly once."""
    stays = started(Registrar(
        tmp_path / "stays", "--key=%s/stays" % DIRECTORY, "--value=0",
        "--ttl=5s", etcd=etcd_cluster.urls()))
    stays.await_registered()
    watched = watching(etcd_cluster.urls())
    watched.await_lines(1)
    ended, told = threading.Event(), {}

    def come_and_go(name):
        for i in itertools.count():
            one = Registrar(
                tmp_path / name / str(i), "--key=%s/%s" % (DIRECTORY, name),
                "--value=%d" % i, "--ttl=5s", etcd=etcd_cluster.urls())
            one.start()
            try:
                one.await_registered(30)
                one.stop(10)
            finally:
                one.kill()
            told[name] = i
            if ended.is_set():
                break
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        threads = [pool.submit(come_and_go, "n%d" % n) for n in range(4)]
        restart_in_turn(etcd_cluster, 2, ended)
        for thread in threads:
            thread.result()
    total = sum(2 * (last + 1) for last in told.values())
    watched.await_lines(1 + total, 20)
    story = watched.story()
    assert story.pop("stays") == [("present", "0")]
    for name, last in told.items():
        ends = [(c, v) for c, v in story[name] if c != "registered"]
        assert [e[1] for e in ends] == [str(i) for i in range(last + 1)]
        # One that could not say goodbye is left to run out.
        assert {e[0] for e in ends} <= {"deregistered", "expired"}
        assert story[name] == [x for _, v in ends for x in (
            ("registered", v), next(e for e in ends if e[1] == v))]
    assert sum(e[0] == "deregistered" for name in told
               for e in story[name]) > total / 4


@pytest.mark.long
def test_a_new_store(own_etcd, watching):
    """etcd loses its data: that is no silence, it says that nobody is
    there."""
    etcd = own_etcd
    for i in range(18):
        etcd.put("%s/%02d" % (DIRECTORY, i), str(i))
    watched = watching([etcd.url()])
    watched.await_lines(20)
    etcd.wipe()
    etcd.start()
    etcd.put(DIRECTORY + "/00", "0")
    assert {c[0] for c in watched.await_changes(39, 30)[20:]} == {"lost"}
    etcd.put(DIRECTORY + "/01", "1")
    assert watched.await_changes(40)[39] == ("registered", "01", "1")
