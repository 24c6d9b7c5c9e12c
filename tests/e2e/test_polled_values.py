"""What is polled of a cluster of three agrees with what curl gets: for a
counter, curl before <= ours <= curl after."""
import datetime
import json
import re
import subprocess
import threading
import time

import pytest

from support.wait import await_true

LOGIN = {"path": "/login_servers", "service_name": "login_server"}
OPERATIONS = {"get": "gets", "set": "sets", "create": "create",
              "update": "update", "delete": "delete",
              "compare_and_swap": "compareAndSwap",
              "compare_and_delete": "compareAndDelete"}


def curl(member, path):
    done = subprocess.run(["curl", "-s", "-m", "5", member.url() + path],
                          capture_output=True, text=True)
    return json.loads(done.stdout) if done.stdout else None


def curl_all(cluster):
    """{member: {endpoint: JSON}} by curl; stats/self is asked again while
    its body is empty, as it sometimes is."""
    def ask(member, endpoint):
        return await_true(lambda: curl(member, endpoint))
    return {m: {e: ask(m, e) for e in (
        "/version", "/v2/members/leader", "/v2/stats/self",
        "/v2/stats/leader", "/v2/stats/store")} for m in cluster.members}


def seconds(text):
    """A date as etcd writes it, of up to nine digits and any offset."""
    m = re.match(r"(.*?)(\.\d+)?(Z|[+-]\d\d:\d\d)$", text)
    whole = datetime.datetime.fromisoformat(
        m.group(1) + ("+00:00" if m.group(3) == "Z" else m.group(3)))
    return whole.timestamp() + float(m.group(2) or 0)


class Traffic:
    """Writes of every kind, until stopped."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def start(self):
        self.thread.start()

    def stop(self):
        self.ended.set()
        self.thread.join(10)

    def _run(self):
        n = 0
        while not self.ended.wait(0.02):
            n += 1
            key = "/traffic/%d" % (n % 7)
            for form in ({"value": "a"}, {"value": "b", "prevValue": "a"},
                         {"value": "c", "prevExist": "true"},
                         {"value": "c", "prevValue": "x"}):
                self.cluster.call("PUT", key, form=form)
            self.cluster.call("DELETE", key, {"prevValue": "c"})
            self.cluster.call("PUT", key, form={
                "value": "", "prevExist": "false", "ttl": "1"})
            self.cluster.call("DELETE", "/traffic/none")


@pytest.fixture
def polled(etcd_cluster, beats, rollcall, started):
    """(cluster, rollcall, curl before, our metrics, curl after), where every
    poll of ours was made after `before`."""
    services = beats(etcd_cluster)
    services.register("/login_servers/0001-0001", "127.0.0.1:1", 5)
    watched = rollcall(etcd_cluster.urls(), [LOGIN])
    watched.await_looking()
    started(Traffic(etcd_cluster))
    time.sleep(1)       # so that rates are rates
    before, asked = curl_all(etcd_cluster), time.time()

    def polled_since():
        metrics = watched.metrics()
        last = [v for (n, _), v in metrics.items() if n ==
                "rollcall_etcd_endpoint_last_success_timestamp_seconds"]
        return metrics if len(last) >= 24 and min(last) > asked else None
    metrics = await_true(polled_since, 15, "every endpoint polled again")
    return etcd_cluster, watched, before, metrics, curl_all(etcd_cluster)


class Ours:
    """The samples of one member."""

    def __init__(self, metrics, member):
        self.metrics = metrics
        self.label = ("member", "127.0.0.1:%d" % member.port)

    def all(self, name, **labels):
        wanted = {self.label, *labels.items()}
        return [(dict(have), v) for (n, have), v in self.metrics.items()
                if n == "rollcall_etcd_" + name and wanted <= have]

    def one(self, name, **labels):
        found = self.all(name, **labels)
        assert len(found) == 1, (name, labels, found)
        return found[0][1]


def between(before, ours, after, what):
    assert before <= ours <= after, "%s: %r <= %r <= %r" % (
        what, before, ours, after)


@pytest.mark.valgrind
def test_values_agree_with_curl(polled):
    cluster, watched, before, metrics, after = polled
    labels = {b["/v2/stats/self"]["id"]: "127.0.0.1:%d" % m.port
              for m, b in before.items()}
    for member in cluster.members:
        ours, b, a = Ours(metrics, member), before[member], after[member]
        check_identity(ours, b, member)
        check_self(ours, b["/v2/stats/self"], a["/v2/stats/self"])
        check_store(ours, b["/v2/stats/store"], a["/v2/stats/store"])
        check_leader(ours, b["/v2/stats/leader"], a["/v2/stats/leader"],
                     labels)


def check_identity(ours, b, member):
    leads = b["/v2/members/leader"]["name"] == member.member
    assert ours.one("member_up") == 1
    assert ours.one("member_healthy") == 1
    assert ours.one("member_has_leader") == 1
    assert ours.one("member_is_leader") == leads
    (info, _), = ours.all("member_info")
    assert info["member_name"] == member.member
    assert info["member_id"] == b["/v2/stats/self"]["id"]
    assert info["server_version"] == b["/version"]["etcdserver"]
    assert info["cluster_version"] == b["/version"]["etcdcluster"]
    assert {s["endpoint"] for s, v in ours.all("endpoint_up") if v == 1} == {
        "health", "version", "members", "leader", "keys", "stats_leader",
        "stats_self", "stats_store"}


def check_self(ours, b, a):
    between(b["recvAppendRequestCnt"], ours.one(
        "append_requests_received_total"), a["recvAppendRequestCnt"],
        "appends received")
    between(b["sendAppendRequestCnt"], ours.one("append_requests_sent_total"),
            a["sendAppendRequestCnt"], "appends sent")
    start, led = seconds(b["startTime"]), seconds(
        b["leaderInfo"]["startTime"])
    assert abs(ours.one("start_timestamp_seconds") - start) < 0.002
    assert abs(ours.one("leader_start_timestamp_seconds") - led) < 0.002
    for name in ("receive_requests", "receive_bytes", "send_requests",
                 "send_bytes"):
        assert ours.one(name + "_per_second") >= 0
    direction = "send" if b["state"] == "StateLeader" else "receive"
    assert ours.one(direction + "_bytes_per_second") > 0


def check_store(ours, b, a):
    for operation, key in OPERATIONS.items():
        for end, name in (("Success", "successes"), ("Fail", "failures")):
            between(b[key + end], ours.one(
                "store_operation_%s_total" % name, operation=operation),
                a[key + end], key + end)
    between(b["expireCount"], ours.one("store_expirations_total"),
            a["expireCount"], "expirations")
    assert 0 <= ours.one("store_watchers") <= 3


def check_leader(ours, b, a, labels):
    """labels: {member id: what the follower is called}"""
    if "followers" not in b:
        assert b["message"] == "not current leader"
        assert not ours.all("follower_successes_total")
        return
    assert {s["follower"] for s, _ in ours.all("follower_successes_total")} \
        == {labels[f] for f in b["followers"]}
    assert len(b["followers"]) == 2
    for member_id, low in b["followers"].items():
        check_follower(ours, labels[member_id], low,
                       a["followers"][member_id])


def check_follower(ours, label, b, a):
    """The extremes of the latency hardly move and are never the same for two
    followers: they tell whose values these are."""
    for kind, name in (("success", "successes"), ("fail", "failures")):
        between(b["counts"][kind], ours.one(
            "follower_%s_total" % name, follower=label), a["counts"][kind],
            "follower " + kind)
    low, mean, high = (ours.one("follower_latency_%s_seconds" % n,
                                follower=label)
                       for n in ("min", "average", "max"))
    assert 0 < low <= mean <= high < 10
    b, a, tiny = b["latency"], a["latency"], 1e-9
    between(a["minimum"] / 1000 - tiny, low, b["minimum"] / 1000 + tiny,
            "least latency of " + label)
    between(b["maximum"] / 1000 - tiny, high, a["maximum"] / 1000 + tiny,
            "greatest latency of " + label)
    assert ours.one("follower_latency_seconds", follower=label) > 0
    assert ours.one("follower_latency_stddev_seconds", follower=label) > 0


def test_index_and_term_follow_the_cluster(polled):
    cluster, watched, _, _, _ = polled
    before = cluster.index()
    for member in cluster.members:
        watched.await_metric("rollcall_etcd_index", lambda v: v >= before,
                             member="127.0.0.1:%d" % member.port)
    assert watched.metric("rollcall_etcd_raft_index") > 0
    assert watched.metric("rollcall_etcd_raft_term") > 0


def test_a_new_leader_is_shown_within_3_seconds(etcd_cluster, rollcall):
    watched = rollcall(etcd_cluster.urls(), [LOGIN],
                       cluster={"poll_interval": "15s"})
    watched.await_looking()
    old = etcd_cluster.leader()
    watched.await_metric("rollcall_etcd_member_is_leader", 1,
                         member="127.0.0.1:%d" % old.port)
    old.kill()
    new = etcd_cluster.leader()
    elected = time.monotonic()
    watched.await_metric("rollcall_etcd_member_is_leader", 1,
                         member="127.0.0.1:%d" % new.port)
    shown = time.monotonic() - elected
    assert shown < 3, "shown after %.1f s" % shown
    watched.await_metric("rollcall_etcd_leader_changes_total", 1, 3)
    assert watched.metric("rollcall_etcd_member_is_leader",
                          member="127.0.0.1:%d" % old.port) in (0, None)
