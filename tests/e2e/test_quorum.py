"""Three members, of which two, the leader, or the watched one fail: who is
paged, what is unknown, and how soon another member takes over."""
import threading
import time

import pytest

from support.longpoll import LongPoll
from support.wait import await_true, stays_true

LOGIN = {"path": "/login_servers", "service_name": "login_server"}
VANISHED = "EtcdRegistryInstanceVanished"
GONE = "EtcdRegistryServiceGone"
MASS = "EtcdRegistryMassVanish"
NO_LEADER = "EtcdNoLeader"
PAGES = {VANISHED, GONE, "EtcdRegistryServiceBelowMinimum"}


class Service:
    """Registers, beats at a third of its TTL through whichever member takes
    it, and registers again if its key is gone.  A thread of its own: one that
    waits for etcd keeps nobody else from beating.

    A beat names the index of the last: one that a frozen member carries out
    when it thaws would else bring its old expiration along, and end the key."""

    def __init__(self, members, key, ttl, pause=0.1):
        self.members = members
        self.pause = pause      # after a beat that failed
        self.key = key
        self.ttl = ttl
        self.beats = 0
        self.registrations = 0
        self.index = None
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def start(self):
        self._register(self.members[0])
        self.thread.start()
        return self

    def _register(self, member):
        told = member.put(self.key, "127.0.0.1:1", self.ttl, timeout=1.5)
        self.index = told["node"]["modifiedIndex"]
        self.registrations += 1

    def _read(self, member):
        """After a beat that was given up and came through all the same."""
        told = member.call("GET", self.key, {"quorum": "true"}, timeout=1.5)
        self.index = told.json()["node"]["modifiedIndex"]

    def _beat(self, member):
        told = member.call("PUT", self.key, form={
            "ttl": self.ttl, "refresh": "true", "prevExist": "true",
            "prevIndex": self.index}, timeout=1.5)
        if told.status == 412:
            self._read(member)
            return self._beat(member)
        if told.status == 404:
            self._register(member)
        else:
            self.index = told.json()["node"]["modifiedIndex"]
        self.beats += 1

    def _run(self):
        wait, turn = self.ttl / 3, 0
        while not self.ended.wait(wait):
            try:
                self._beat(self.members[turn % len(self.members)])
                wait = self.ttl / 3
            except Exception:       # dead, hanging, or without a leader
                turn += 1
                wait = self.pause

    def die(self):
        self.ended.set()

    def stop(self):
        self.ended.set()
        self.thread.join(5)


def key(n):
    return "/login_servers/%02d" % n


def start_services(started, members, numbers, ttl, **options):
    return [started(Service(members, key(n), ttl, **options))
            for n in numbers]


def watch(rollcall, webhook, members):
    watched = rollcall([m.url() for m in members], [LOGIN],
                       webhook=webhook.url("/hook"))
    watched.await_looking()
    return watched


def await_instances(watched, n, timeout=15):
    watched.await_metric("rollcall_service_instances", n, timeout,
                         service_name="login_server")


def pages(webhook):
    return [(a["labels"]["alertname"], a["labels"].get("instance_id"))
            for _, a in webhook.alerts(status="firing")
            if a["labels"]["alertname"] in PAGES]


def rows_of_watching(watched):
    """Those with a length, oldest first, in seconds since 1970."""
    return [(row["from_ms"] / 1000, row["to_ms"] / 1000)
            for row in watched.query_database(
                "SELECT from_ms, to_ms FROM watching WHERE to_ms > from_ms"
                " ORDER BY id")]


def without_leader(watched):
    return watched.metric("rollcall_looking") == 0


def await_leader_lost(member):
    """When the survivor itself no longer names a leader, in wall time."""
    await_true(lambda: member.status("/v2/members/leader", 2) is None, 10,
               "the survivor to notice", 0.01)
    return time.time()


def test_quorum_lost_for_longer_than_the_ttls(etcd_cluster, started, webhook,
                                              rollcall):
    members = etcd_cluster.members
    leader = etcd_cluster.leader()
    survivor = next(m for m in members if m is not leader)
    others = [m for m in members if m is not survivor]
    dying = start_services(started, members, range(3), 3)
    # These know no member that lives on, and are slow: when they have a
    # chance to beat again their keys are gone.
    late = start_services(started, others, range(3, 6), 3, pause=1.5)
    start_services(started, members, range(6, 12), 3)
    watched = watch(rollcall, webhook, members)
    await_instances(watched, 12)
    await_true(lambda: rows_of_watching(watched), 5, "a proof of watching")

    killed = time.time()
    for member in others:
        member.kill()
    lost = await_leader_lost(survivor)
    for service in dying:
        service.die()
    watched.await_metric("rollcall_looking", 0)
    message, _ = webhook.await_alert(NO_LEADER)
    after = message.arrived_wall - killed
    # rollcall asks every second, and each answer may be a second old.
    assert message.arrived_wall - lost >= 3, "before 3 s without a leader"
    assert message.arrived_wall - lost <= 3 + 2
    stays_true(lambda: without_leader(watched) and not pages(webhook),
               killed + 10 - time.time(), "no leader, nobody paged")
    assert sum(v for _, v in watched.samples("rollcall_instance_up")) == 12
    assert not watched.leaves("expire", "diff", "etcd_outage", "delete")

    back = time.time()
    for member in others:
        member.start(wait=False)
    watched.await_looking(20)
    looking = time.time()
    assert not pages(webhook), "held"
    # Those that died are told after the hold, together.
    webhook.await_condition(
        lambda w: len(w.alerts(VANISHED, "firing")) >= 3, 15,
        "the three that died")
    told = webhook.alerts(VANISHED, "firing")
    rows = watched.leaves("etcd_outage")
    assert {a["labels"]["instance_id"] for _, a in told} == \
        {"00", "01", "02"}
    assert len(told) == 3 and len({id(m) for m, _ in told}) == 1
    seen = {row["instance_id"]: row["seen"] for row in rows}
    held = [m.arrived_wall - parse(seen[a["labels"]["instance_id"]])
            for m, a in told]
    assert min(held) >= 4.99 and max(held) < 8, held
    webhook.await_alert(NO_LEADER, "resolved")
    await_instances(watched, 9)

    # Nothing but the outage is given as the cause, and nothing else is told.
    assert not watched.leaves("expire", "diff", "delete")
    assert {i for _, i in pages(webhook)} == {"00", "01", "02"}
    assert len(webhook.alerts(NO_LEADER, "firing")) == 1
    returned = sum(s.registrations - 1 for s in late)
    gap = gap_around(rows_of_watching(watched), (lost + back) / 2)
    assert gap[0] <= killed + 2.5, "proved for too long: %r" % (gap,)
    assert gap[0] > killed - 1.5 and back < gap[1] <= looking + 0.5
    print("%d registered again" % returned)
    print("leader lost %.2f s after the kill, told %.2f s after it, "
          "unknown from %.2f s after it to %.2f s after the restart, "
          "held %.2f s" % (lost - killed, after, gap[0] - killed,
                           gap[1] - back, min(held)))


def parse(text):
    import datetime
    return datetime.datetime.fromisoformat(
        text.replace("Z", "+00:00")).timestamp()


def gap_around(rows, moment):
    """The end of the row before the moment, the beginning of the one after;
    no row has the moment in it."""
    before = [to for begin, to in rows if begin <= moment]
    after = [begin for begin, _ in rows if begin > moment]
    assert before and after and max(before) < moment, (rows, moment)
    return max(before), min(after)


def test_only_the_leader_is_killed(etcd_cluster, started, webhook, rollcall):
    leader = etcd_cluster.leader()
    members = etcd_cluster.members
    services = start_services(started, members, range(6), 5)
    watched = watch(rollcall, webhook, [leader] + [
        m for m in members if m is not leader])
    await_instances(watched, 6)
    killed = time.monotonic()
    leader.kill()
    new = etcd_cluster.leader()
    elected = time.monotonic()
    watched.await_metric(
        "rollcall_etcd_member_is_leader", 1, 10,
        member="127.0.0.1:%d" % new.port)
    shown = time.monotonic()
    watched.await_looking()
    # One TTL later everybody has either beaten or is gone.
    beats = [s.beats for s in services]
    stays_true(lambda: watched.metric("rollcall_looking") == 1, 6, "looking")
    assert all(s.beats > b for s, b in zip(services, beats))
    assert not pages(webhook)
    # A vote may be split again and again: then it is a real outage.
    if elected - killed < 3:
        assert all(s.registrations == 1 for s in services)
        assert not webhook.alerts(MASS) and not webhook.alerts(NO_LEADER)
        assert [e["cause"] for e in watched.events()] == ["registered"] * 6
    assert shown - elected < 3
    print("elected %.2f s after the kill, shown %.2f s later" % (
        elected - killed, shown - elected))


@pytest.mark.parametrize("which", [
    "follower", pytest.param("leader", marks=pytest.mark.long)])
def test_the_watched_member_freezes(etcd_cluster, started, webhook,
                                    rollcall, which):
    leader = etcd_cluster.leader()
    frozen = next(m for m in etcd_cluster.members
                  if (m is leader) == (which == "leader"))
    others = [m for m in etcd_cluster.members if m is not frozen]
    start_services(started, others, range(6), 5)
    # The first that is configured is the one that is watched.
    watched = watch(rollcall, webhook, [frozen] + others)
    await_instances(watched, 6)
    poll = started(LongPoll(others[0].url(), "/login_servers",
                            others[0].index() + 1), start=False)
    others[0].put(key(9), "127.0.0.1:1", 2)
    await_instances(watched, 7)
    freeze_at = time.monotonic() + 1.9
    await_true(lambda: time.monotonic() >= freeze_at, 3)
    frozen.pause()
    try:
        at = await_true(lambda: [
            t for t, e in poll.await_events(2) if e["action"] == "expire"],
            10)[0]
        watched.await_metric("rollcall_instance_up", 0, instance_id="09")
        delay = time.monotonic() - at
        assert delay <= 3 + 1
        message, _ = webhook.await_alert(VANISHED, instance_id="09")
        if which == "follower":     # else it is held: the leader changed
            assert message.arrived - at <= 3 + 1
        watched.await_looking()
        stays_true(lambda: watched.metric("rollcall_looking") == 1, 3,
                   "looking through another member")
    finally:
        frozen.resume()
    stays_true(lambda: watched.metric("rollcall_looking") == 1, 2,
               "looking after the thaw")
    assert pages(webhook) == [(VANISHED, "09")]
    cause = "expire" if which == "follower" else "etcd_outage"
    assert sorted((e["instance_id"], e["cause"]) for e in watched.events()) \
        == sorted([("%02d" % n, "registered") for n in range(6)] +
                  [("09", "registered"), ("09", cause)])
    if which == "follower":
        assert len(rows_of_watching(watched)) == 1, "a short break is bridged"
    print("seen %.2f s after the event" % delay)
