"""Tens of thousands of registrations run out in one tick of etcd, which is
far more than its history keeps: what the polls were not told of is found by
listing.  Nobody is recorded twice, whatever happens in between."""
import collections
import time

import pytest

from support.wait import await_true

MASS = "EtcdRegistryMassVanish"
VANISHED = "EtcdRegistryInstanceVanished"
DIRECTORY = {"path": "/login_servers", "service_name": "login_server",
             "max_vanished": 100000}
GONE, LIVING = 20000, 500
PART = 500      # put with the same TTL
TTL = 40        # long enough to put them all; then the hold's length as well

pytestmark = pytest.mark.long


def key(n):
    return "/login_servers/%05d" % n


def register(etcd, ends):
    """They run out within the second before that moment, or just behind."""
    etcd.put_many((key(n), "127.0.0.1:1", None)
                  for n in range(GONE, GONE + LIVING))
    for first in range(0, GONE, PART):
        ttl = int(ends - time.time())
        assert ttl > 3, "this machine takes too long to put them"
        etcd.put_many((key(n), "127.0.0.1:1", ttl)
                      for n in range(first, first + PART))


def expire(etcd, rollcall):
    """etcd stands still until the last of them has run out, so that it finds
    all of them in its first tick."""
    ends = time.time() + TTL
    register(etcd, ends)
    rollcall.await_metric("rollcall_service_instances", GONE + LIVING, 30,
                          service_name="login_server")
    assert time.time() < ends - 2, "this machine takes too long"
    await_true(lambda: time.time() > ends - 2, TTL + 1, "the moment")
    etcd.pause()
    await_true(lambda: time.time() > ends + 0.8, 5, "all to have run out")
    etcd.resume()


def recorded(rollcall):
    return rollcall.query_database(
        "select i.instance_id id, count(*) n from periods p"
        " join roll i on i.id = p.instance where p.state in (2, 3)"
        " group by 1")


def check_history(rollcall):
    await_true(lambda: len(recorded(rollcall)) >= GONE, 30, lambda:
               "%d rows, there are %d" % (GONE, len(recorded(rollcall))))
    rows = recorded(rollcall)
    assert {r["id"] for r in rows} == {"%05d" % n for n in range(GONE)}
    assert {r["n"] for r in rows} == {1}
    still = rollcall.query_database(
        "select count(*) n from instances_now where state = 'up'")
    assert still == [{"n": LIVING}]


def test_20000_expire_at_once(etcd, webhook, rollcall):
    watched = rollcall([etcd.url()], [DIRECTORY],
                       webhook=webhook.url("/hook"))
    watched.await_looking()
    expire(etcd, watched)
    mass, _ = webhook.await_alert(MASS, timeout=30)
    check_history(watched)
    assert watched.metric("rollcall_service_instances",
                          service_name="login_server") == LIVING
    # Of the storm first; after the hold of each, once.
    webhook.await_condition(
        lambda w: len(w.alerts(VANISHED, "firing")) >= GONE, TTL + 60,
        "an alert of each")
    told = collections.Counter(
        a["labels"]["instance_id"] for _, a in webhook.alerts(VANISHED))
    assert len(told) == GONE and set(told.values()) == {1}
    assert mass.arrived <= min(
        m.arrived for m, _ in webhook.alerts(VANISHED))
    assert all(len(m.payload["alerts"]) <= 256 for m in webhook.messages)
    webhook.await_alert(MASS, "resolved")
    # The log tells of the storm, not of each.
    assert len(watched.log_lines()) < 1000
    assert len(watched.log_lines(msg=lambda m: m and m.startswith("more "))) > 0
    print("longest turn %.1f ms, %d above 5 ms" % (
        1000 * watched.metric("rollcall_loop_longest_turn_seconds"),
        watched.metric("rollcall_loop_slow_turns_total")))


def test_killed_while_20000_leave(etcd, webhook, rollcall):
    watched = rollcall([etcd.url()], [DIRECTORY],
                       webhook=webhook.url("/hook"))
    watched.await_looking()
    expire(etcd, watched)
    await_true(lambda: recorded(watched), 30, "the first of them",
               interval=0.001)
    watched.kill()
    print("%d were recorded" % len(recorded(watched)))
    watched.start()
    watched.await_looking(60)
    check_history(watched)
    webhook.await_alert(MASS)
