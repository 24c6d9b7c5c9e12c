"""Every operation of etcd's v2 API, made by the client of etcd/ on a real
etcd, in each way there is of calling it."""
import collections
import datetime
import json
import os
import random
import signal
import socket
import threading
import time
import urllib.parse

import pytest

from support import fake_etcd as ways
from support import http
from support.etcd import Etcd, EtcdCluster, EtcdWithoutV2
from support.etcd_driver import (  # noqa: F401 (fixtures)
    driver, freeze, new_driver)
from support.process import free_port
from support.rollcall import SLOW
from support.wait import await_true

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
def etcd(tmp_path_factory):
    server = Etcd(tmp_path_factory.mktemp("etcd")).start()
    yield server
    server.kill()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Members may be changed at once; etcd else waits 5 s after a start."""
    servers = EtcdCluster(tmp_path_factory.mktemp("cluster"), arguments=[
        "--strict-reconfig-check=false"]).start()
    yield servers
    servers.stop()


@pytest.fixture(scope="module")
def client(etcd, new_driver):
    return new_driver(etcd.url())


@pytest.fixture(scope="module")
def watcher(etcd, new_driver):
    """Another one, to wait while something happens."""
    return new_driver(etcd.url())


_numbers = iter(range(1, 1 << 30))


@pytest.fixture
def place():
    """A directory of the test's own, not made yet."""
    return "/place%d" % next(_numbers)


def await_watcher(etcd, count=1):
    await_true(lambda: etcd.status("/v2/stats/store")["watchers"] == count,
               what="a watcher")


def milliseconds(text):
    """Of an RFC 3339 time with any number of fraction digits."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    t = datetime.datetime.fromisoformat(whole + "+00:00")
    return int(t.timestamp()) * 1000 + int((fraction + "000")[:3])


def check_node(ours, raw):
    """A node of ours against etcd's own words."""
    assert ours["key"] == raw.get("key", "/")
    assert ours["value"] == raw.get("value", "")
    assert ours["dir"] == raw.get("dir", False)
    # Rounded up at two moments.
    assert abs(ours["ttl"] - raw.get("ttl", 0)) <= 1
    assert ours["created_index"] == raw.get("createdIndex", 0)
    assert ours["modified_index"] == raw.get("modifiedIndex", 0)
    assert ours["key_has_nul"] == ("\0" in ours["key"])
    assert ours["value_has_nul"] == ("\0" in ours["value"])
    if "expiration" in raw:
        assert ours["expiration_ms"] == milliseconds(raw["expiration"])
        assert milliseconds(ours["expiration"]) == ours["expiration_ms"]
    else:
        assert ours["expiration"] is None


# --- the members: what they say of themselves ---

def test_version(driver, etcd):
    told = driver.ok("version")
    raw = http.get(etcd.url() + "/version").json()
    assert (told["server"], told["cluster"]) == (
        raw["etcdserver"], raw["etcdcluster"])
    assert told["endpoint"] == etcd.url()
    assert told["status"] == 200 and told["duration_us"] > 0


def test_health(driver):
    assert driver.ok("health")["healthy"] is True


def test_list_of_members(driver, etcd):
    told = driver.ok("members")
    raw, = etcd.status("/v2/members")["members"]
    assert told["members"] == [{
        "id": raw["id"], "name": "m1", "client_url": etcd.url(),
        "peer_url": etcd.peer_url()}]
    assert told["bad"] == 0
    assert told["meta"]["cluster_id"]


def test_leader(driver, etcd):
    raw = etcd.status("/v2/members/leader")
    assert driver.ok("leader")["leader"] == {
        "id": raw["id"], "name": "m1", "client_url": etcd.url(),
        "peer_url": etcd.peer_url()}


def test_statistics_of_a_member(driver, etcd):
    told, raw = driver.ok("stats_self"), etcd.status("/v2/stats/self")
    assert told["id"] == raw["id"] == told["leader"]
    assert told["name"] == "m1" and told["state"] == "StateLeader"
    assert told["recv_appends"] == raw["recvAppendRequestCnt"] == 0
    assert told["start_ms"] <= told["leader_start_ms"] <= time.time() * 1000
    assert told["leader_uptime_ms"] > 0
    info = datetime.datetime.fromisoformat(
        raw["startTime"][:19] + "+00:00").timestamp()
    assert abs(told["start_ms"] / 1000 - info) <= 1


def test_statistics_of_the_store(driver, etcd, place):
    before = driver.ok("stats_store")
    driver.ok("set", place, "v")
    driver.fails(100, "delete", place + "none")
    driver.ok("compare_and_swap", place, "w", prev_value="v")
    after = driver.ok("stats_store")
    grown = {k: after[k] - before[k] for k in (
        "set_success", "delete_fail", "cas_success", "cas_fail",
        "expire_count")}
    assert grown == {"set_success": 1, "delete_fail": 1, "cas_success": 1,
                     "cas_fail": 0, "expire_count": 0}
    raw = etcd.status("/v2/stats/store")
    assert after["create_success"] == raw["createSuccess"]
    assert after["watchers"] == raw["watchers"]


def test_statistics_of_the_leader(cluster, new_driver):
    leader = cluster.leader()
    cluster.put("/stats", "x")
    drivers = {m: new_driver(m.url()) for m in cluster.members}
    told = drivers[leader].ok("stats_leader")
    ids = {m["name"]: m["id"] for m in drivers[leader].ok(
        "members")["members"]}
    assert told["leader"] == ids[leader.member]
    assert set(told["followers"]) == set(ids.values()) - {told["leader"]}
    for follower in told["followers"].values():
        assert follower["success"] > 0 and follower["sampled"]
        assert 0 <= follower["minimum"] <= follower["maximum"] < 5
    for member, driver in drivers.items():
        assert driver.ok("leader")["leader"]["name"] == leader.member
        if member is not leader:
            refused = driver.do("stats_leader")
            assert refused["outcome"] == "refused"
            assert refused["status"] == 403


def test_index_term_and_cluster_on_every_answer_about_keys(driver, etcd,
                                                           place):
    raw = etcd.call("GET", "/").headers
    meta = driver.ok("index")["meta"]
    assert meta["etcd_index"] == int(raw["X-Etcd-Index"])
    assert meta["raft_index"] >= int(raw["X-Raft-Index"])
    assert meta["raft_term"] == int(raw["X-Raft-Term"])
    assert meta["cluster_id"] == raw["X-Etcd-Cluster-Id"]
    assert abs(meta["date_ms"] / 1000 - time.time()) < 5
    written = driver.ok("set", place, "v")
    assert written["meta"]["etcd_index"] == written["node"][
        "modified_index"] == meta["etcd_index"] + 1
    assert written["meta"]["raft_index"] > meta["raft_index"]
    assert written["meta"]["cluster_id"] == meta["cluster_id"]
    refused = driver.fails(100, "get", place + "none")
    assert refused["meta"]["etcd_index"] == meta["etcd_index"] + 1
    assert refused["meta"]["raft_index"] == 0


def test_index_below_a_directory(driver, place):
    meta = driver.ok("index", place)["meta"]
    assert meta["etcd_index"] > 0 and meta["raft_index"] == 0


# --- keys ---

def test_a_key_is_created_read_set_updated_and_deleted(driver, etcd, place):
    key = place + "/k"
    made = driver.ok("create", key, "1")
    assert (made["action"], made["status"]) == ("create", 201)
    assert "prev" not in made
    check_node(made["node"], etcd.get(key))
    read = driver.ok("get", key)
    assert read["action"] == "get" and read["node"] == made["node"]
    there = driver.ok("set", key, "2")
    assert (there["action"], there["status"]) == ("set", 200)
    assert there["prev"] == made["node"]
    changed = driver.ok("update", key, "3")
    assert changed["action"] == "update"
    assert changed["prev"] == there["node"]
    check_node(changed["node"], etcd.get(key))
    gone = driver.ok("delete", key)
    assert gone["action"] == "delete"
    assert gone["prev"] == changed["node"]
    assert gone["node"]["value"] == ""
    assert etcd.get(key) is None
    assert driver.ok("set", key, "4")["status"] == 201


def test_a_key_with_a_ttl(driver, etcd, place):
    began = int(time.time() * 1000)
    node = driver.ok("set", place, "v", ttl=100)["node"]
    assert 0 <= node["expiration_ms"] - began - 100000 < 5000
    assert node["ttl"] == 100
    raw = etcd.get(place)
    assert node["expiration_ms"] == milliseconds(raw["expiration"])
    check_node(driver.ok("get", place)["node"], etcd.get(place))


@pytest.mark.parametrize("op", ["set", "update"])
def test_a_write_without_ttl_removes_it(driver, place, op):
    driver.ok("set", place, "v", ttl=100)
    node = driver.ok(op, place, "v")["node"]
    assert node["ttl"] == 0 and node["expiration"] is None
    assert driver.ok("get", place)["node"] == node


def test_expirations_are_read_to_the_millisecond(client, etcd, place):
    for n in range(30):
        node = client.ok("set", "%s/%d" % (place, n), "", ttl=100 + n)["node"]
        assert node["expiration_ms"] == milliseconds(
            etcd.get(node["key"])["expiration"])
    told = {n["key"]: n for n in client.ok("list", place)["nodes"]}
    assert len(told) == 30
    for key, raw in etcd.listing(place).items():
        check_node(told[key], raw)


def test_a_key_expires(client, watcher, etcd, place):
    node = client.ok("set", place, "v", ttl=1)["node"]
    watcher.begin("watch", key=place, wait_index=node["modified_index"] + 1)
    event = watcher.end()
    assert event["action"] == "expire"
    assert event["prev"]["expiration_ms"] == node["expiration_ms"]
    assert event["prev"]["value"] == "v"
    assert event["node"]["created_index"] == node["created_index"]
    client.fails(100, "get", place)


def test_a_heartbeat_keeps_value_and_birth_and_wakes_nobody(
        client, watcher, etcd, place):
    born = client.ok("set", place, "v", ttl=50)["node"]
    watcher.begin("watch", key=place, wait_index=born["modified_index"] + 1)
    await_watcher(etcd)
    beat = client.ok("refresh", place, ttl=500)
    assert beat["action"] == "update"
    node = beat["node"]
    assert node["value"] == "v" and node["ttl"] == 500
    assert node["created_index"] == born["created_index"]
    assert node["modified_index"] > born["modified_index"]
    assert beat["prev"]["ttl"] == 50
    check_node(node, etcd.get(place))
    client.ok("update", place, "w", ttl=500)
    event = watcher.end()
    assert event["action"] == "update" and event["node"]["value"] == "w"
    assert event["prev"] == node
    # Nor does history tell of it.
    late = client.ok("watch", place, wait_index=born["modified_index"] + 1)
    assert late["node"] == event["node"]


def test_a_heartbeat_of_what_is_gone(driver, place):
    driver.fails(100, "refresh", place, ttl=5)


def test_a_heartbeat_with_a_condition(driver, place):
    driver.ok("set", place, "v", ttl=50)
    beat = driver.ok("refresh", place, ttl=60, prev_value="v")
    assert beat["action"] == "compareAndSwap"
    assert beat["node"]["value"] == "v" and beat["node"]["ttl"] == 60
    driver.fails(101, "refresh", place, ttl=70, prev_value="w")


def test_keys_made_in_order(driver, place):
    made = [driver.ok("create_in_order", place, str(n)) for n in range(12)]
    keys = [m["node"]["key"] for m in made]
    assert keys == sorted(keys) and len(set(keys)) == 12
    for n, m in enumerate(made):
        assert m["action"] == "create" and m["status"] == 201
        assert int(m["node"]["key"].rsplit("/")[-1]) == m["node"][
            "created_index"]
    listed = driver.ok("list", place, sorted=True)["nodes"]
    assert [(n["key"], n["value"]) for n in listed] == [
        (key, str(n)) for n, key in enumerate(keys)]
    short = driver.ok("create_in_order", place, "x", ttl=100)["node"]
    assert short["ttl"] == 100


def test_hidden_keys_are_not_listed_and_can_be_had(driver, place):
    driver.ok("set", place + "/shown", "1")
    driver.ok("set", place + "/_hidden", "2")
    driver.ok("set", place + "/_dir/inside", "3")
    nodes = driver.ok("list", place, recursive=True)["nodes"]
    assert [n["key"] for n in nodes] == [place + "/shown"]
    assert driver.value(place + "/_hidden") == "2"
    inside, = driver.ok("list", place + "/_dir")["nodes"]
    assert inside["value"] == "3"


def test_reads_through_the_quorum(driver, place):
    driver.ok("set", place + "/k", "v")
    before = driver.ok("index")["meta"]["raft_index"]
    read = driver.ok("get", place + "/k", quorum=True)
    assert read["node"]["value"] == "v"
    assert read["meta"]["raft_index"] > before, "it went through the log"
    again = driver.ok("list", place, quorum=True)
    assert again["nodes"] == [read["node"]]
    assert again["meta"]["raft_index"] > read["meta"]["raft_index"]
    assert driver.ok("list", place + "none", quorum=True)["missing"]


def test_an_answer_without_values(driver, etcd, place):
    for op, fields, action in (
            ("set", {}, "set"), ("update", {}, "update"),
            ("compare_and_swap", {"prev_value": "v"}, "compareAndSwap"),
            ("refresh", {"ttl": 100}, "update")):
        value = None if op == "refresh" else "v"
        told = driver.ok(op, place, value, no_value=True, **fields)
        assert told["action"] == action
        assert told["node"]["key"] == "" == told["node"]["value"]
        assert "prev" not in told
        assert told["meta"]["etcd_index"] > 0
    assert etcd.get(place)["value"] == "v"


# --- directories ---

def keys_of(result):
    return [n["key"] for n in result["nodes"]]


def test_a_directory_is_made_listed_and_deleted(driver, etcd, place):
    made = driver.ok("mkdir", place)
    assert (made["action"], made["status"]) == ("set", 201)
    assert made["node"]["dir"] is True
    assert driver.ok("list", place)["nodes"] == []
    driver.ok("set", place + "/a", "1")
    driver.ok("set", place + "/b/c", "2")
    driver.ok("set", place + "/b/d/e", "3")
    one = driver.ok("list", place, sorted=True)
    assert keys_of(one) == [place + "/a", place + "/b"]
    assert [n["dir"] for n in one["nodes"]] == [False, True]
    everything = driver.ok("list", place, recursive=True, sorted=True)
    assert keys_of(everything) == [place + end for end in (
        "/a", "/b", "/b/c", "/b/d", "/b/d/e")]
    assert not everything["missing"] and everything["bad"] == 0
    assert set(keys_of(driver.ok("list", place, recursive=True))) == set(
        keys_of(everything))
    alone = driver.ok("get", place)["node"]
    check_node(alone, etcd.get(place))
    driver.fails(108, "rmdir", place)
    driver.fails(102, "delete", place)
    gone = driver.ok("rmdir", place, recursive=True)
    assert gone["action"] == "delete" and gone["node"]["dir"]
    assert gone["prev"]["dir"]
    assert driver.ok("list", place)["missing"]


def test_an_empty_directory_is_deleted(driver, place):
    driver.ok("mkdir", place)
    assert driver.ok("rmdir", place)["prev"]["dir"]
    driver.fails(100, "rmdir", place)


def test_a_directory_is_made_once(driver, place):
    driver.ok("mkdir", place, prev_exist="false")
    driver.fails(105, "mkdir", place, prev_exist="false")
    driver.fails(102, "mkdir", place)


def test_a_directory_that_is_a_key_cannot_be_listed(driver, place):
    driver.ok("set", place, "v")
    told = driver.do("list", key=place)
    assert told["outcome"] == "bad"
    assert told["text"] == "/v2/keys%s: %s is a key, not a directory" % (
        place, place)


def test_the_ttl_of_a_directory(driver, etcd, place):
    made = driver.ok("mkdir", place, ttl=100)["node"]
    assert made["ttl"] == 100 and made["dir"]
    driver.ok("set", place + "/k", "v")
    longer = driver.ok("update_dir", place, ttl=200)
    assert longer["action"] == "update" and longer["node"]["ttl"] == 200
    beat = driver.ok("refresh", place, ttl=300, dir=True)
    assert beat["node"]["ttl"] == 300 and beat["node"]["dir"]
    assert beat["node"]["created_index"] == made["created_index"]
    # Later answers have the modifiedIndex of its birth again.
    check_node(driver.ok("get", place)["node"], etcd.get(place))
    assert etcd.get(place)["modifiedIndex"] == made["modified_index"]
    forever = driver.ok("update_dir", place)
    assert forever["node"]["ttl"] == 0
    assert forever["node"]["expiration"] is None
    assert "expiration" not in etcd.get(place)
    assert driver.value(place + "/k") == "v"
    driver.fails(100, "update_dir", place + "none", ttl=5)


def test_a_directory_expires_with_all_that_is_in_it(client, watcher, place):
    made = client.ok("mkdir", place, ttl=1)["node"]
    client.ok("set", place + "/k", "v")
    event = watcher.ok("watch", place,
                       wait_index=made["modified_index"] + 2, recursive=True)
    assert event["action"] == "expire" and event["node"]["dir"]
    assert event["node"]["key"] == place
    assert client.ok("list", place)["missing"]


def test_the_root(driver, etcd):
    node = driver.ok("get", "/")["node"]
    assert node["key"] == "/" and node["dir"]
    assert set(keys_of(driver.ok("list", "/"))) == {
        n["key"] for n in etcd.get("/")["nodes"]}


# --- conditions ---

# What is asked, and whether it holds of a key with the value "old".
CONDITIONS = [
    ({"value": True}, True), ({"value": False}, False),
    ({"index": True}, True), ({"index": False}, False),
    ({"value": True, "index": True}, True),
    ({"value": True, "index": False}, False),
    ({"value": False, "index": True}, False),
    ({"value": False, "index": False}, False),
]


def condition(asked, index):
    fields = {}
    if "value" in asked:
        fields["prev_value"] = "old" if asked["value"] else "other"
    if "index" in asked:
        fields["prev_index"] = index if asked["index"] else index + 1000
    return fields


@pytest.mark.parametrize("exist", [None, "true"])
@pytest.mark.parametrize("asked,holds", CONDITIONS, ids=str)
def test_compare_and_swap(driver, place, asked, holds, exist):
    old = driver.ok("set", place, "old", ttl=100)["node"]
    fields = condition(asked, old["modified_index"])
    if exist:
        fields["prev_exist"] = exist
    if holds:
        told = driver.ok("compare_and_swap", place, "new", ttl=50, **fields)
        assert told["action"] == "compareAndSwap"
        assert told["prev"] == old
        assert told["node"]["value"] == "new" and told["node"]["ttl"] == 50
    else:
        told = driver.fails(101, "compare_and_swap", place, "new", **fields)
        assert told["error"] == "compare_failed"
        assert ("old" in told["cause"]) == (asked.get("value") is False)
        assert driver.ok("get", place)["node"] == old


@pytest.mark.parametrize("asked,holds", CONDITIONS, ids=str)
def test_compare_and_delete(driver, place, asked, holds):
    old = driver.ok("set", place, "old")["node"]
    fields = condition(asked, old["modified_index"])
    if holds:
        told = driver.ok("compare_and_delete", place, **fields)
        assert told["action"] == "compareAndDelete"
        assert told["prev"] == old
        driver.fails(100, "get", place)
    else:
        driver.fails(101, "compare_and_delete", place, **fields)
        assert driver.ok("get", place)["node"] == old


def test_conditions_on_what_exists(driver, place):
    driver.fails(100, "compare_and_swap", place, "v", prev_value="x")
    driver.fails(100, "compare_and_delete", place, prev_index=1)
    driver.fails(100, "update", place, "v")
    driver.ok("create", place, "v")
    driver.fails(105, "create", place, "w")
    # prevExist=false counts before the others do.
    driver.fails(105, "compare_and_swap", place, "w", prev_value="v",
                 prev_exist="false")
    assert driver.ok("compare_and_swap", place, "w", prev_exist="true")[
        "action"] == "update"


# --- watching ---

def test_a_watch_tells_the_next_event(client, watcher, etcd, place):
    watcher.begin("watch", key=place)
    await_watcher(etcd)
    written = client.ok("set", place, "v")
    event = watcher.end()
    assert event["kind"] == "event" and event["action"] == "set"
    assert event["node"] == written["node"]
    # How far the store was when it began.
    assert event["meta"]["etcd_index"] == written["meta"]["etcd_index"] - 1


def test_a_watch_of_all_that_is_below(client, watcher, etcd, place):
    watcher.begin("watch", key=place, recursive=True)
    await_watcher(etcd)
    client.ok("set", place + "2", "outside")
    written = client.ok("set", place + "/a/b/c", "v")
    assert watcher.end()["node"] == written["node"]


def test_a_watch_of_one_key_alone(client, watcher, etcd, place):
    watcher.begin("watch", key=place)
    await_watcher(etcd)
    client.ok("set", place + "/below", "v")
    gone = client.ok("rmdir", place, recursive=True)
    assert watcher.end()["node"] == gone["node"]


def test_a_watch_from_an_index_in_history(driver, place):
    written = [driver.ok("set", place + "/k", str(n))["node"]
               for n in range(5)]
    for node in written:
        event = driver.ok("watch", place, recursive=True,
                          wait_index=node["modified_index"])
        assert event["node"] == node


def test_a_watch_from_a_future_index(client, watcher, etcd, place):
    index = client.ok("set", place, "0")["node"]["modified_index"]
    watcher.begin("watch", key=place, wait_index=index + 3)
    await_watcher(etcd)
    for n in range(1, 5):
        client.ok("set", place, str(n))
    event = watcher.end()
    assert event["node"]["modified_index"] == index + 3
    assert event["node"]["value"] == "3"


def test_a_watch_that_stays_quiet(etcd, new_driver, place):
    for way in "do", "send", "start":
        quiet = new_driver(etcd.url(), way=way, deadline_ms=300)
        told = quiet.do("watch", key=place)
        assert told["outcome"] == "failed"
        assert told["fetch_error"] == "timeout" and told["status"] == 200
        assert told["meta"]["etcd_index"] > 0


def test_a_watch_from_beyond_what_etcd_remembers(client, etcd, place):
    index = client.ok("set", place, "v")["node"]["modified_index"]
    etcd.put_many([("/elsewhere/%d" % (n % 10), "", None)
                   for n in range(1000)])
    told = client.fails(401, "watch", place, wait_index=index)
    assert told["status"] == 400 and told["error"] == "index_cleared"
    assert told["meta"]["etcd_index"] >= index + 1000
    assert client.ok("watch", "/elsewhere", recursive=True,
                     wait_index=index + 1)["node"]["value"] == ""


# --- following, with somebody in between who cuts connections ---

class Proxy:
    """Passes bytes on, and cuts connections: when told to, when nothing went
    over them for idle_s, or, while `swallow` is set, as soon as there is an
    answer."""

    def __init__(self, upstream, idle_s=None):
        parts = urllib.parse.urlsplit(upstream)
        self.upstream = (parts.hostname, parts.port)
        self.idle_s = idle_s
        self.swallow = threading.Event()
        self.pairs = []
        self.cuts = 0
        self.listener = socket.create_server(("127.0.0.1", free_port()),
                                             backlog=64)
        threading.Thread(target=self._accept, daemon=True).start()

    def url(self):
        return "http://127.0.0.1:%d" % self.listener.getsockname()[1]

    def _accept(self):
        while True:
            try:
                ours = self.listener.accept()[0]
            except OSError:
                return
            theirs = socket.create_connection(self.upstream)
            for s in ours, theirs:
                s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.pairs.append((ours, theirs))
            for pair in (ours, theirs, False), (theirs, ours, True):
                threading.Thread(target=self._pass_on, args=pair,
                                 daemon=True).start()

    def _pass_on(self, source, target, answers):
        source.settimeout(self.idle_s if answers else None)
        try:
            while True:
                data = source.recv(65536)
                if not data or (answers and self.swallow.is_set()):
                    break
                target.sendall(data)
        except OSError:
            pass
        self.cuts += answers
        self._cut((source, target))

    @staticmethod
    def _cut(pair):
        for s in pair:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def cut(self):
        for pair in list(self.pairs):
            self._cut(pair)

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.cut()


@pytest.fixture
def proxy(started):
    return lambda *a, **k: started(Proxy(*a, **k), start=False)


class Follower:
    """Follows with a driver in the background up to the key /last."""

    def __init__(self, driver, place, **options):
        self.driver = driver
        self.news = []
        self.told = driver.follow(place, until=place + "/last",
                                  timeout_ms=20000 * SLOW, **options)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        self.await_(lambda: self.news, "a listing")

    def _run(self):
        for n in self.told:
            self.news.append(n)

    def await_(self, condition, what=None):
        await_true(condition, 10 * SLOW, what)

    def await_value(self, key, value):
        self.await_(lambda: any(
            (n.get("node") or {}).get("key") == key and
            n["node"]["value"] == value for n in self.news),
            "%s to be told" % key)

    def end(self):
        self.thread.join(20 * SLOW)
        assert not self.thread.is_alive()
        return collections.Counter(n["news"] for n in self.news)

    def check(self, written):
        """Listings and events together are what was written, in its order,
        each index once: no event lies at or before what was known."""
        known, told = 0, {}
        for n in self.news:
            if n["news"] == "listing":
                assert n["meta"]["etcd_index"] >= known
                known = n["meta"]["etcd_index"]
                told = {m["key"]: m["value"] for m in n["nodes"]}
            elif n["news"] == "event":
                assert n["node"]["modified_index"] > known
                known = n["node"]["modified_index"]
                told[n["node"]["key"]] = n["node"]["value"]
        assert told == written


@pytest.mark.parametrize("way", ["do", "send"])
def test_following_past_connections_that_are_cut(etcd, new_driver, proxy,
                                                 place, way):
    """Each cut costs a moment, and no event."""
    between = proxy(etcd.url())
    follower = Follower(new_driver(between.url(), way=way), place)
    written = {place + "/%d" % n: str(n) for n in range(300)}
    for n, (key, value) in enumerate(written.items()):
        etcd.put(key, value)
        if n % 50 == 49:
            between.cut()
            follower.await_value(key, value)
    etcd.put(place + "/last")
    kinds = follower.end()
    assert kinds["event"] == 301, "one for each write, %s" % kinds
    assert kinds["listing"] == 1
    assert kinds["trouble"] == kinds["well"] <= 6
    follower.check({**written, place + "/last": ""})


def test_following_past_a_proxy_that_cuts_what_is_idle(etcd, new_driver,
                                                       proxy, place):
    between = proxy(etcd.url(), idle_s=0.2)
    follower = Follower(new_driver(between.url()), place)
    await_true(lambda: between.cuts >= 3, 10 * SLOW, "idle polls to be cut")
    etcd.put(place + "/a", "1")
    follower.await_value(place + "/a", "1")
    etcd.put(place + "/last")
    kinds = follower.end()
    assert kinds["event"] == 2 and kinds["listing"] == 1
    follower.check({place + "/a": "1", place + "/last": ""})


def test_following_behind_what_etcd_remembers(etcd, new_driver, place):
    """Frozen while more than 1000 events pass: a listing tells the rest."""
    driver = new_driver(etcd.url())
    follower = Follower(driver, place)
    etcd.put(place + "/a", "1")
    follower.await_value(place + "/a", "1")
    freeze(driver)
    written = {place + "/%d" % n: str(n) for n in range(1200)}
    etcd.put_many([(k, v, None) for k, v in written.items()])
    driver.process.send_signal(signal.SIGCONT)
    follower.await_(lambda: [n for n in follower.news[1:]
                             if n["news"] == "listing"], "a listing")
    etcd.put(place + "/b", "2")
    follower.await_value(place + "/b", "2")
    etcd.put(place + "/last")
    kinds = follower.end()
    assert kinds["listing"] == 2 and not kinds["trouble"]
    follower.check({**written, place + "/a": "1", place + "/b": "2",
                    place + "/last": ""})


def test_following_a_burst(etcd, new_driver, place):
    """1500 keys as fast as they can be written."""
    follower = Follower(new_driver(etcd.url()), place)
    written = {place + "/%d" % n: str(n) for n in range(1500)}
    etcd.put_many([(k, v, None) for k, v in written.items()], threads=4)
    etcd.put(place + "/last")
    assert not follower.end()["trouble"]
    follower.check({**written, place + "/last": ""})


def test_following_from_one_member_to_the_next(etcd_cluster, new_driver):
    """The member that tells is killed: nothing is lost or told twice."""
    leader = etcd_cluster.leader()
    victim = next(m for m in etcd_cluster.members if m is not leader)
    follower = Follower(new_driver([victim.url(), leader.url()]), "/place")
    written = {"/place/%d" % n: str(n) for n in range(60)}
    for n, (key, value) in enumerate(written.items()):
        leader.put(key, value)
        if n % 10 == 9:
            follower.await_value(key, value)
        if n == 29:
            victim.kill()
    leader.put("/place/last")
    kinds = follower.end()
    assert kinds["listing"] == 1 and kinds["event"] == 61
    follower.check({**written, "/place/last": ""})
    assert follower.news[-1]["endpoint"] == leader.url()


def test_following_with_rests(etcd, new_driver, place):
    """A program that does something else between two of the news."""
    news = new_driver(etcd.url()).follow(place, 2, rest_ms=2300)
    assert next(news)["news"] == "listing"
    etcd.put(place + "/k", "v")
    told, = news
    assert told["news"] == "event" and told["node"]["value"] == "v"


@pytest.mark.parametrize("way", ["do", "send"])
def test_following_from_an_index(etcd, new_driver, place, way):
    driver = new_driver(etcd.url(), way=way)
    nodes = [driver.ok("set", place + "/k", str(n))["node"]
             for n in range(4)]
    told = driver.follow(place, 3, from_index=True,
                         index=nodes[1]["modified_index"])
    assert [n["node"] for n in told] == nodes[1:]


# --- what keys and values may be ---

TRICKY = [
    "服务-一", "Ключ", "\U0001f600", "with space", "per%cent%41", "a?b", "a;b",
    "a&b=c", "a+b", "'\"", "back\\slash", "line\nend\r\t", "<tag>&amp;",
    "\u2028\u2029", "#fragment", "\x01\x1f\x7f", "{\"json\":[1]}", "~-._",
    ".hidden", "...", "%00", "\ufffd", "e\u0301", "[1]:{}", "a,b",
    "@:!$*()|^`",
]


@pytest.mark.parametrize("text", TRICKY, ids=ascii)
def test_any_text_is_a_key_and_a_value(driver, etcd, place, text):
    key = "%s/%s" % (place, text)
    made = driver.ok("create", key, text)
    assert made["node"]["key"] == key and made["node"]["value"] == text
    raw = etcd.get(key)
    assert (raw["key"], raw["value"]) == (key, text)
    driver.ok("compare_and_swap", key, text + text, prev_value=text)
    listed, = driver.ok("list", place)["nodes"]
    assert (listed["key"], listed["value"]) == (key, text + text)
    etcd.put(key, text)
    assert driver.value(key) == text
    inside = driver.ok("set", "%s/in %s/k" % (place, text), text)["node"]
    assert etcd.get(inside["key"])["value"] == text
    driver.ok("compare_and_delete", key, prev_value=text)
    assert etcd.get(key) is None


def test_nul_in_key_and_value(driver, etcd, place):
    key, value = place + "/a\0b", "\0x\0\0"
    made = driver.ok("set", key, value)["node"]
    assert made["key"] == key and made["key_has_nul"]
    assert made["value"] == value and made["value_has_nul"]
    assert made["value_len"] == 4
    assert etcd.get(key)["value"] == value
    assert etcd.get(place + "/a") is None
    listed, = driver.ok("list", place)["nodes"]
    assert listed == made
    driver.fails(101, "compare_and_swap", key, "y", prev_value="\0x\0")
    driver.ok("compare_and_swap", key, "\0", prev_value=value)
    etcd.put(key, "\0\0")
    assert driver.value(key) == "\0\0"
    assert driver.ok("get", key)["node"]["value_len"] == 2
    driver.ok("delete", key)
    assert etcd.get(key) is None


def test_an_empty_value(driver, etcd, place):
    assert driver.ok("set", place, "")["node"]["value"] == ""
    assert etcd.get(place)["value"] == ""
    assert driver.ok("update", place, "")["prev"]["value"] == ""


def test_a_value_of_a_megabyte(driver, etcd, place):
    value = "".join(chr(0x4e00 + n % 20000) for n in range(350000))
    assert len(value.encode()) > 1 << 20
    made = driver.ok("set", place, value)
    assert made["node"]["value"] == value
    assert etcd.get(place)["value"] == value
    again = driver.ok("set", place, value, no_value=True)
    assert again["node"]["value"] == ""
    assert driver.value(place) == value
    driver.ok("delete", place)


def any_text(random_, longest):
    """Characters of all kinds; no surrogates, which UTF-8 has none of."""
    ranges = [(0, 0x20), (0x20, 0x7f), (0x20, 0x7f), (0x80, 0x800),
              (0x800, 0xd800), (0xe000, 0x10000), (0x10000, 0x110000)]
    return "".join(chr(random_.randrange(*random_.choice(ranges)))
                   for _ in range(random_.randrange(longest)))


def any_key(random_, place):
    names = []
    for _ in range(random_.randrange(1, 4)):
        name = any_text(random_, 20).replace("/", "")
        names.append(name if name not in ("", ".", "..") else "x")
    return place + "/" + "/".join(names)


def test_random_keys_and_values_either_way(client, etcd, place):
    seed = int(os.environ.get("SEED", random.SystemRandom().randrange(
        1 << 32)))
    print("SEED=%d" % seed)
    random_ = random.Random(seed)
    for n in range(150):
        key = any_key(random_, "%s/%d" % (place, n))
        value = any_text(random_, 60)
        if n % 2:
            client.ok("set", key, value)
            raw = etcd.get(key)
            assert (raw["key"], raw["value"]) == (key, value)
        else:
            etcd.put(key, value)
            check_node(client.ok("get", key)["node"], etcd.get(key))
            assert client.value(key) == value
        assert client.ok("get", key)["node"]["value_len"] == len(
            value.encode())


def longest_key(place, method="GET"):
    """One with which the first line of a request has 4096 bytes."""
    line = "%s /v2/keys%s/ HTTP/1.1\r\n" % (method, place)
    return place + "/" + "k" * (4096 - len(line))


def test_a_key_as_long_as_etcd_takes(driver, new_driver, etcd, place):
    key = longest_key(place, "DELETE")
    driver.ok("set", key, "v")
    # As the first request of a connection.
    new_driver(etcd.url(), way=driver.way).ok("delete", key)


def test_a_key_that_is_too_long_is_refused(driver, place):
    key = longest_key(place)
    driver.fails(100, "get", key)
    told = driver.do("get", key=key + "k")
    assert told["outcome"] == "invalid" and told["status"] == 0
    assert told["text"] == (
        "the request for %s... makes a line of 4097 bytes, and etcd takes "
        "4096: shorten the key" % key[:40])
    driver.fails(100, "get", key)


@pytest.mark.parametrize("key", ["/a//b", "/.", "/..", "/a/../b", "a/./b"])
def test_a_name_that_is_none_is_refused(driver, key):
    for op in "get", "set", "list", "watch", "delete":
        told = driver.do(op, key=key, value="v")
        assert told["outcome"] == "invalid" and told["status"] == 0
        assert told["text"] == (
            "\"%s\" is no key: a name in it is empty, \".\" or \"..\"" % (
                "/" + key.lstrip("/")))
    assert driver.ok("version")["server"]


def test_slashes_at_both_ends_do_not_count(driver, place):
    driver.ok("set", place.lstrip("/") + "/k/", "v")
    assert driver.value("//" + place.lstrip("/") + "/k") == "v"


def test_what_people_read_is_one_line(etcd, new_driver, proxy):
    between = proxy(etcd.url())
    between.swallow.set()
    driver = new_driver(between.url())
    told = driver.do("get", key="/a\nb\0c\u670d")
    assert told["outcome"] == "failed"
    assert told["text"].startswith("/v2/keys/a b??c\u670d: connection to ")
    assert "\n" not in driver.do("get", key="/a\n/..")["text"]


# --- deadlines and members that fail ---

def test_a_member_that_hangs(started, tmp_path, new_driver):
    etcd = started(Etcd(tmp_path / "etcd"))
    driver = new_driver(etcd.url(), deadline_ms=400)
    driver.ok("set", "/a", "v")
    freeze(etcd)
    for op in "get", "set", "list", "health":
        began = time.monotonic()
        told = driver.do(op, key="/a", value="w")
        assert 0.35 < time.monotonic() - began < 2 * SLOW
        assert told["fetch_error"] == "timeout" and told["status"] == 0
        assert "no answer" in told["text"] and "400 ms" in told["text"]
    etcd.resume()
    driver.ok("set", "/a", "x")


def test_a_member_that_sends_byte_by_byte(started, fake_etcd, new_driver):
    """The deadline is that of the whole answer."""
    fake = fake_etcd({"/version": ways.slowly(0.02)})
    driver = new_driver(fake.url(), deadline_ms=400)
    began = time.monotonic()
    told = driver.do("version")
    assert 0.35 < time.monotonic() - began < 2 * SLOW
    assert told["outcome"] == "failed" and told["fetch_error"] == "timeout"


@pytest.mark.parametrize("way", ["do", "send"])
def test_a_dead_member_first_in_the_list(etcd, new_driver, place, way):
    dead = "http://127.0.0.1:%d" % free_port()
    driver = new_driver([dead, etcd.url()], way=way)
    for op in "create", "get", "compare_and_delete":
        told = driver.ok(op, place, "v" if op == "create" else None,
                         prev_value="v" if "compare" in op else None)
        assert told["endpoint"] == etcd.url()
    alone = new_driver(dead, way=way).do("get", key=place)
    assert alone["fetch_error"] == "connect" and alone["endpoint"] == dead
    assert "cannot connect to" in alone["text"]


def test_a_hung_member_first_in_the_list(cluster, new_driver, place):
    hung, well = cluster.members[0], cluster.members[1]
    if cluster.leader() is hung:
        hung, well = well, hung
    driver = new_driver([hung.url(), well.url()], deadline_ms=20000 * SLOW,
                        attempt_ms=1000 * SLOW)
    assert driver.ok("set", place, "v")["endpoint"] == hung.url()
    freeze(hung)
    try:
        began = time.monotonic()
        assert driver.ok("get", place)["endpoint"] == well.url()
        assert time.monotonic() - began > 0.9 * SLOW
        began = time.monotonic()
        assert driver.ok("set", place, "w")["endpoint"] == well.url()
        assert time.monotonic() - began < 0.9 * SLOW, "he is asked first now"
    finally:
        hung.resume()


def test_what_must_not_be_done_twice_is_not(etcd, new_driver, proxy, place):
    """The answer is lost on the way, on a connection kept from before: it was
    done, and nobody knows."""
    between = proxy(etcd.url())
    driver = new_driver([between.url(), etcd.url()])
    old = driver.ok("set", place + "/k", "old")["node"]
    for op, fields in (("compare_and_swap", {"prev_value": "old"}),
                       ("create_in_order", {}),
                       ("compare_and_delete", {"prev_value": "new"})):
        between.swallow.clear()
        assert driver.ok("get", place + "/k")["endpoint"] == between.url()
        between.swallow.set()
        told = driver.do(op, key=place + (
            "/queue" if "order" in op else "/k"), value="new", **fields)
        assert told["outcome"] == "failed", told
        assert told["fetch_error"] == "broken"
        assert told["endpoint"] == between.url()
        # Whose answer is lost is not asked first the next time.
        driver.ok("get", "/")
        assert driver.do("get", key="/")["endpoint"] == etcd.url()
        driver = new_driver([between.url(), etcd.url()])
    assert len(etcd.get(place + "/queue")["nodes"]) == 1
    assert etcd.get(place + "/k") is None
    events = [driver.ok("watch", place, recursive=True,
                        wait_index=old["modified_index"] + n)["action"]
              for n in range(4)]
    assert events == ["set", "compareAndSwap", "create", "compareAndDelete"]


def test_what_may_be_done_twice_is_asked_of_the_next(etcd, new_driver, proxy,
                                                     place):
    between = proxy(etcd.url())
    for op, fields in (("get", {}), ("list", {}), ("set", {}),
                       ("refresh", {"ttl": 100}), ("update", {}),
                       ("members", {})):
        driver = new_driver([between.url(), etcd.url()])
        between.swallow.clear()
        driver.ok("set", place + "/k", "v")
        between.swallow.set()
        key = place if op == "list" else place + "/k"
        told = driver.ok(op, key, "v" if op in ("set", "update") else None,
                         **fields)
        assert told["endpoint"] == etcd.url()


# --- changing the members ---

def test_members_are_added_updated_and_removed(cluster, new_driver):
    for way in "do", "send", "start":
        driver = new_driver(cluster.url(), way=way)
        first, second = ("http://127.0.0.1:%d" % free_port()
                         for _ in range(2))
        added = driver.ok("member_add", value=first)
        assert added["status"] == 201
        member = added["member"]
        assert member["name"] == "" == member["client_url"]
        assert member["peer_url"] == first
        driver.ok("member_update", member["id"], second)

        def known():
            return {m["id"]: m for m in driver.ok("members")["members"]}
        assert len(known()) == 4
        assert known()[member["id"]] == {**member, "peer_url": second}
        refused = driver.fails(0, "member_add", value=second)
        assert refused["status"] == 409
        assert refused["message"] == "membership: peerURL exists"
        assert refused["text"] == (
            "/v2/members: HTTP 409, membership: peerURL exists")
        refused = driver.fails(0, "member_update", member["id"],
                               cluster.members[0].peer_url())
        assert refused["status"] == 409
        assert driver.ok("member_remove", member["id"])["status"] == 204
        assert len(known()) == 3
        refused = driver.fails(0, "member_remove", member["id"])
        assert refused["status"] == 410
        assert refused["message"] == (
            "Member permanently removed: " + member["id"])


def test_changes_of_members_that_are_refused(cluster, new_driver):
    driver = new_driver(cluster.url())
    url = "http://127.0.0.1:%d" % free_port()
    for op in ("member_remove", "member_update"):
        refused = driver.fails(0, op, "1234", url)
        assert refused["status"] == 404
        assert refused["message"] == "No such member: 1234"
    refused = driver.fails(0, "member_add", value="nonsense")
    assert refused["status"] == 400 and "nonsense" in refused["message"]
    assert len(driver.ok("members")["members"]) == 3


# --- v2 switched off, no etcd at all ---

def test_an_etcd_without_v2(started, tmp_path, new_driver):
    etcd = started(EtcdWithoutV2(tmp_path / "etcd"))
    driver = new_driver(etcd.url())
    assert driver.ok("version")["server"]
    for op in "get", "set", "delete", "list", "watch", "members", "leader":
        told = driver.do(op, key="/a", value="v")
        assert told["outcome"] == "no_v2"
        assert told["text"].endswith(
            "v2 is switched off: start etcd with --enable-v2=true (etcd "
            "3.4 and 3.5; 3.6 has no v2)")


def test_a_server_that_is_no_etcd(fake_etcd, new_driver):
    fake = fake_etcd({"/": ways.says("<html>hello</html>")})
    driver = new_driver(fake.url())
    for op in "version", "get", "list", "index", "members":
        told = driver.do(op, key="/a" if op != "index" else None)
        assert told["outcome"] == "bad", told
    assert json.dumps(told)
