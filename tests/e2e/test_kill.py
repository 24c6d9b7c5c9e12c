"""kill -9 at random moments, under registrations that come and go: history
says what etcd's own record says, and alerts live on."""
import json
import os
import random
import sqlite3
import threading
import time

import pytest

from support import truth
from support.longpoll import LongPoll
from support.wait import await_true

LOGIN = {"path": "/login_servers", "service_name": "login_server"}
VANISHED = "EtcdRegistryInstanceVanished"
DEAD = "/login_servers/dead"        # expires at the start, never returns
KEYS = ["/login_servers/%02d" % n for n in range(30)]
# A message that arrived this long before a kill may not be known, by the
# database, as delivered.  Commits take milliseconds, on a busy machine more.
IN_FLIGHT = 2.0


class Traffic:
    """Registers, beats, deletes and lets expire, at random.  Calm and busy
    spells alternate, so that some leaves are storms and some are not."""

    def __init__(self, etcd, seed):
        self.etcd = etcd
        self.random = random.Random(seed)
        self.ttls = {}          # of the last write that everybody is told of
        self.error = None
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _one(self, short):
        key, r = self.random.choice(KEYS), self.random
        # A key keeps its short TTL, and no beat that nobody is told of makes
        # it shorter: history told after a restart does not say whether a
        # shorter one was written over an expired one.
        ttl = 1 + KEYS.index(key) % 3 if r.random() < short else 600
        kind = r.random()
        if kind < 0.6:
            self.etcd.put(key, "127.0.0.1:%d" % r.randrange(8000, 8100), ttl)
            self.ttls[key] = ttl
        elif kind < 0.75:
            self.etcd.refresh(key, self.ttls.get(key, 600))
        elif kind < 0.95:
            self.etcd.call("DELETE", key)       # 404 if it is not there
        else:
            self.etcd.put(key, "{}")            # for ever

    def _run(self):
        try:
            spell, short = 0, 0
            while not self.ended.wait(self.random.expovariate(20)):
                if time.monotonic() > spell:
                    spell = time.monotonic() + self.random.uniform(2, 6)
                    short = self.random.choice([0.03, 0.5])
                self._one(short)
        except Exception as e:
            self.error = e

    def stop(self):
        self.ended.set()
        self.thread.join(10)
        assert self.error is None, self.error


def saved_alerts(rollcall):
    """fingerprint -> row, as the last commit left it."""
    return {row["fingerprint"]: row
            for row in rollcall.query_database("SELECT * FROM alerts")}


def returned(rollcall):
    """instance_id -> when it was last seen to come up"""
    return {row["instance_id"]: row["at_ms"] for row in
            rollcall.query_database(
                "SELECT instance_id, max(ifnull(seen_ms, from_ms)) AS at_ms"
                " FROM periods p JOIN roll i ON i.id = p.instance"
                " WHERE state = 1 GROUP BY instance_id")}


def check_alerts_live_on(rollcall, before, after):
    """Who has not come back since is still told of, as since when it was."""
    back = returned(rollcall)
    for fingerprint, was in before.items():
        name = json.loads(was["labels"]).get("instance_id")
        if was["state"] != "firing" or was["alertname"] != VANISHED or \
                back[name] >= was["fired_at_ms"]:
            continue
        now = after.get(fingerprint)
        assert now and now["state"] == "firing" and \
            now["fired_at_ms"] == was["fired_at_ms"], (was, now)


def check_told_once(webhook, kills):
    """Between two messages of an alert's firing there is one of its end, or a
    kill right behind the first of the two."""
    told, twice = {}, 0
    for message, alert in webhook.alerts():
        if alert["labels"]["alertname"] == "RollcallWatchdog":
            continue
        last = told.get(alert["fingerprint"])
        told[alert["fingerprint"]] = message.arrived, alert["status"]
        if last is None or last[1] != alert["status"]:
            continue
        assert any(last[0] - 0.1 <= k <= last[0] + IN_FLIGHT and
                   k < message.arrived for k in kills), (
            "told again without need: %s at %.3f and %.3f, kills %s" % (
                alert, last[0], message.arrived, kills))
        twice += 1
    return twice


def check_all_told(webhook, alerts):
    """Every alert that fires was told, if only at its second attempt."""
    told = {a["fingerprint"] for _, a in webhook.alerts(status="firing")}
    for row in alerts.values():
        if row["state"] == "firing" and row["alertname"] != \
                "RollcallWatchdog":
            assert row["fingerprint"] in told, row


def kill_loop(rollcall, r, kills):
    """Kills at any moment: while it starts, replays, lists, or just watches.
    Returns when, and the alerts saved at the last one."""
    rollcall.kill()
    when = [time.monotonic()]
    before = saved_alerts(rollcall)
    for n in range(1, kills):
        time.sleep(r.choice([0, 0, r.uniform(0, 1), r.uniform(0, 3)]))
        rollcall.start(wait=False)
        time.sleep(r.choice([r.uniform(0.005, 0.08), r.uniform(0.05, 0.6),
                             r.uniform(0.5, 3)]))
        rollcall.kill()
        when.append(time.monotonic())
        after = saved_alerts(rollcall)
        check_alerts_live_on(rollcall, before, after)
        before = after
    return when, before


def settle(etcd, rollcall, poll):
    """Nothing is going to happen any more, and all that did is written."""
    etcd.put_many([(k, "127.0.0.1:1", 600) for k in etcd.listing(
        "/login_servers")])
    index = etcd.put("/login_servers/last", "127.0.0.1:1", 600)
    index = index["node"]["modifiedIndex"]
    await_true(lambda: poll.error or poll.events and
               poll.events[-1][1]["node"]["modifiedIndex"] >= index, 10)
    assert poll.error is None, poll.error
    rollcall.await_metric("rollcall_instance_up", 1, 20, instance_id="last")
    rollcall.await_events(lambda es: any(
        e["instance_id"] == "last" for e in es))
    rollcall.stop()


def run(etcd, webhook, rollcall, kills):
    seed = int(os.environ.get("SEED") or random.SystemRandom().getrandbits(32))
    print("seed", seed)
    r = random.Random(seed)
    poll = LongPoll(etcd.url(), "/login_servers", etcd.index() + 1)
    watched = rollcall([etcd.url()], [LOGIN], webhook=webhook.url("/hook"))
    watched.await_looking()
    etcd.put(DEAD, "127.0.0.1:1", 1)
    _, dead = webhook.await_alert(VANISHED, instance_id="dead")
    watched.await_events(lambda es: len(es) == 2)
    traffic = Traffic(etcd, seed)
    try:
        time.sleep(r.uniform(0, 2))
        when, before = kill_loop(watched, r, kills)
    finally:
        traffic.stop()
    watched.start()
    settle(etcd, watched, poll)
    poll.stop()

    after = saved_alerts(watched)
    check_alerts_live_on(watched, before, after)
    first = after[dead["fingerprint"]]
    assert first["state"] == "firing"
    twice = check_told_once(webhook, when)
    check_all_told(webhook, after)

    rows = truth.periods(watched)
    told = truth.differences(
        truth.story_of(e for _, e in poll.events), truth.story_in(rows))
    assert not told, "\n".join(["seed %d" % seed] + told)
    truth.check_periods(rows)
    present = {k.rsplit("/", 1)[1] for k in etcd.listing("/login_servers")}
    assert present == {row["instance_id"] for row in rows
                       if row["to_ms"] is None and row["state"] == "up"}
    with sqlite3.connect(watched.storage) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == \
            [("ok",)]
    print("%d kills, %d events of etcd, %d periods, %d messages, "
          "%d alerts told twice" % (len(when), len(poll.events), len(rows),
                                    len(webhook.messages), twice))


def test_kill_9_now_and_then(etcd, webhook, rollcall):
    run(etcd, webhook, rollcall, 5)


@pytest.mark.long
def test_kill_9_fifty_times(etcd, webhook, rollcall):
    run(etcd, webhook, rollcall, 50)
