"""A member that misbehaves costs its own polls and nothing else: those of the
others, the watch, and what is told when a TTL runs out go on."""
import time

import pytest

from support import fake_etcd as ways
from support.delay import Detection
from support.preload import slow_names, without_sanitizers
from support.process import free_port
from support.rollcall import SLOW
from support.wait import await_true

LOGIN = {"path": "/login_servers", "service_name": "login_server"}
ENDPOINTS = {"health", "version", "members", "leader", "keys", "stats_leader",
             "stats_self", "stats_store"}
FAILURES = "rollcall_poll_request_failures_total"
MIB = 1 << 20


def member_of(url):
    return url.split("://")[1]


def per_endpoint(watched, metric, url):
    """{endpoint: value} of one member"""
    return {labels["endpoint"]: value for labels, value in
            watched.samples(metric, member=member_of(url))}


def await_failures(watched, url, timeout=15):
    """Every endpoint has failed twice; /health, asked seldom, once."""
    def all_fail():
        counts = per_endpoint(watched, FAILURES, url)
        return set(counts) == ENDPOINTS and all(
            n >= (1 if e == "health" else 2) for e, n in counts.items())
    await_true(all_fail, timeout, lambda: "failures of every endpoint, "
               "there are %s" % per_endpoint(watched, FAILURES, url))


def check_good(watched, urls):
    """No poll of these members has failed, and each is still being made."""
    last = "rollcall_etcd_endpoint_last_success_timestamp_seconds"
    for url in urls:
        before = per_endpoint(watched, last, url)
        assert set(before) == ENDPOINTS

        def polled_again():
            now = per_endpoint(watched, last, url)
            return all(now[e] > before[e] for e in ENDPOINTS - {"health"})
        await_true(polled_again, 10, "%s polled again" % url)
        assert set(per_endpoint(
            watched, "rollcall_etcd_endpoint_up", url).values()) == {1}
        assert set(per_endpoint(watched, FAILURES, url).values()) == {0}


def check_bad(watched, url):
    """Every endpoint fails, and the log has heard of each at most once."""
    assert set(per_endpoint(
        watched, "rollcall_etcd_endpoint_up", url).values()) == {0}
    told = [line["endpoint"] for line in watched.log_lines(
        msg="etcd endpoint fails", member=member_of(url))]
    assert told and len(told) == len(set(told)), told


def most_memory(watched):
    """The largest resident set it ever had, in bytes."""
    with open("/proc/%d/status" % watched.pid) as f:
        line = next(x for x in f if x.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def rubbish_html(member, connection, request):
    connection.sendall(ways.answer(
        "<html>Welcome to nginx!</html>", content_type="text/html"))


def huge_unannounced(member, connection, request):
    """100 MB of which the head says nothing."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json"
                       b"\r\n\r\n")
    block = b"[" * (1 << 16)
    for _ in range((100 << 20) // len(block)):
        connection.sendall(block)
        member.bytes_sent += len(block)


KINDS = ["no such name", "nobody listens", ways.hang, ways.refuse,
         ways.rubbish, rubbish_html, ways.not_http, ways.close_mid_body,
         ways.huge, huge_unannounced, ways.slowly()]


def serve_bad(kind, fake_etcd):
    """The URL of a member of that kind."""
    if kind == "no such name":
        return "http://nowhere.invalid:2379"
    if kind == "nobody listens":
        return "http://127.0.0.1:%d" % free_port()
    return fake_etcd({"/": kind}).url()


@pytest.fixture
def detection(started, webhook):
    return lambda etcd: started(Detection(etcd, webhook), start=False)


# All at once are part of the normal set, each by itself of the long one.
@pytest.mark.parametrize("kind", [
    ways.hang, ways.rubbish, *(pytest.param(k, marks=pytest.mark.long)
                               for k in KINDS
                               if k not in (ways.hang, ways.rubbish))],
    ids=lambda k: getattr(k, "__name__", k))
def test_bad_member(etcd, fake_etcd, rollcall, webhook, detection, kind):
    """It is the first of the list, where the watch begins."""
    bad = serve_bad(kind, fake_etcd)
    watched = rollcall([bad, etcd.url()], [LOGIN], webhook=webhook.url(),
                       cluster={"poll_timeout": "1s"})
    detect = detection(etcd)
    watched.await_looking()
    detect.expiry(watched)
    await_failures(watched, bad)
    check_bad(watched, bad)
    check_good(watched, [etcd.url()])
    detect.expiry(watched)
    assert not watched.log_lines(msg="not looking")
    assert most_memory(watched) < 192 * MIB * SLOW   # in a listing


def test_listing_of_100_MB_of_nonsense(etcd, fake_etcd, rollcall, webhook,
                                       detection):
    """A member that is well but for the directory.  A listing may be large;
    what is no listing is given back as soon as that is clear."""
    bad = fake_etcd({"/v2/keys/login_servers": huge_unannounced}, etcd.url())
    watched = rollcall([bad.url(), etcd.url()], [LOGIN],
                       webhook=webhook.url())
    watched.await_looking()
    assert bad.bytes_sent == 100 << 20, "it was not read"
    detection(etcd).expiry(watched)
    assert most_memory(watched) < 192 * MIB * SLOW
    assert watched.metric("process_resident_memory_bytes") < (
        64 * MIB * SLOW)


def test_every_kind_of_bad_member_at_once(etcd, fake_etcd, rollcall, webhook,
                                          detection):
    bad = [serve_bad(kind, fake_etcd) for kind in KINDS]
    watched = rollcall(bad + [etcd.url()], [LOGIN], webhook=webhook.url(),
                       cluster={"poll_timeout": "1s"})
    detect = detection(etcd)
    watched.await_looking(30)
    detect.expiry(watched)
    for url in bad:
        await_failures(watched, url)
        check_bad(watched, url)
    check_good(watched, [etcd.url()])
    detect.expiry(watched)


@without_sanitizers
def test_name_server_hangs(etcd, rollcall, webhook, started):
    """Neither a member nor a receiver nor an Alertmanager whose name takes
    long to resolve delays anything, a stop included."""
    bad = "http://hangs.example:2379"
    watched = rollcall([bad, etcd.url()], [LOGIN], webhook=bad,
                       alertmanagers=[bad], cluster={"poll_timeout": "1s"},
                       start=False)
    watched.notify["receivers"][0]["webhook_configs"].append(
        {"url": webhook.url()})
    slow_names(watched)
    watched.start()
    watched.await_looking()
    detect = started(Detection(etcd, webhook), start=False)
    detect.expiry(watched)
    await_failures(watched, bad)
    check_bad(watched, bad)
    check_good(watched, [etcd.url()])
    detect.expiry(watched)
    print("threads:", watched.metric("process_threads"))
    began = time.monotonic()
    watched.stop()
    assert time.monotonic() - began < 5


def test_member_hangs(etcd_cluster, rollcall, webhook, detection):
    """A real one, stopped: its polls run into their deadlines, the others'
    do not; the watch moves on.  Resumed, it is as if nothing had been."""
    watched = rollcall(etcd_cluster.urls(), [LOGIN], webhook=webhook.url(),
                       cluster={"poll_timeout": "1s"})
    detect = detection(etcd_cluster)
    watched.await_looking()
    leader = etcd_cluster.leader()
    hung = next(m for m in etcd_cluster.members if m is not leader)
    good = [m.url() for m in etcd_cluster.members if m is not hung]
    detect.follow(leader)
    hung.pause()
    try:
        await_failures(watched, hung.url())
        check_bad(watched, hung.url())
        check_good(watched, good)
        detect.expiry(watched)
        assert watched.metric("rollcall_looking") == 1
        webhook.await_alert("EtcdMemberDown", timeout=30,
                            member=member_of(hung.url()))
    finally:
        hung.resume()
    watched.await_metric("rollcall_etcd_member_up", 1,
                         member=member_of(hung.url()), timeout=15)
    watched.await_log(15, msg="etcd endpoint answers again",
                      member=member_of(hung.url()))
    webhook.await_alert("EtcdMemberDown", "resolved",
                        member=member_of(hung.url()))
    detect.expiry(watched)


def test_detection_while_the_watched_member_hangs(etcd_cluster, rollcall,
                                                  webhook):
    """Another takes over within 3 s.  Not the leader: without one nothing
    expires, and what expires after an election is held."""
    leader = etcd_cluster.leader()
    hung, other = (m for m in etcd_cluster.members if m is not leader)
    watched = rollcall([m.url() for m in (hung, other, leader)], [LOGIN],
                       webhook=webhook.url())
    watched.await_looking()
    watched.await_log(msg="looking", member=member_of(hung.url()))
    detect = Detection(other, webhook)
    try:
        key = detect.register(watched)
        hung.pause()
        assert detect.await_told(key) < 3
        assert watched.metric("rollcall_looking") == 1
    finally:
        hung.resume()
        detect.stop()
    watched.await_events(lambda es: [e["cause"] for e in es] == [
        "registered", "expire"])
    assert len(webhook.alerts("EtcdRegistryInstanceVanished")) == 1
