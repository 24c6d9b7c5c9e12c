"""Does anything hold up detection?  100,000 instances at bench/fake-etcd (no
real one makes 2,000 heartbeats a second for so many beside the rest on two
CPUs), one scrape and one query of the history a second, both asked of the
daemon over HTTP, and a hundred of them expire: how far is the webhook behind a
bare long poll?

    bench/run load      KEYS=100000 BEATS=2000 COUNT=100
"""
import itertools
import multiprocessing
import threading
import time

import measure
from measure import emit
from support import http
from support.longpoll import LongPoll
from support.mass_etcd import DIRECTORY, MassEtcd
from support.webhook import Webhook

KEYS = measure.setting("KEYS", 100000)
BEATS = measure.setting("BEATS", 2000)
COUNT = measure.setting("COUNT", 100)
EVERY = 0.15            # seconds between two expiries
LATELY = 10             # seconds of events that are asked for
ALERT = "EtcdRegistryInstanceVanished"


def follow(url, index, pipe):
    """A process of its own, so that nothing here holds it up: when each
    expiry came, by instance, until it is asked.  If it falls behind etcd's
    history, on a busy machine, it goes on from there."""
    came = {}
    poll = LongPoll(url, "/bench", index)
    while True:
        ended = pipe.poll(0.2)
        events = list(poll.events)
        for at, event in events:
            if event["action"] == "expire":
                came[event["node"]["key"].split("/")[-1]] = at
        if ended:
            break
        if poll.error:
            poll = LongPoll(url, "/bench", 0)
        else:
            del poll.events[:len(events)]
    poll.stop()
    pipe.send(came)


class Queries(threading.Thread):
    """One a second to the daemon's API: what happened lately, and the uptime
    of the service of all the instances, in turn."""

    def __init__(self, rollcall):
        super().__init__(daemon=True)
        self.rollcall = rollcall
        self.ended = threading.Event()
        self.took = {"events": [], "uptime": []}
        self.failed = []

    def ask(self, what):
        query = {"events": "?from=%d" % (time.time() - LATELY),
                 "uptime": ""}[what]
        began = time.monotonic()
        answer = http.get(self.rollcall.url(
            "/api/registry/v1/%s%s" % (what, query)), timeout=30)
        self.took[what].append(time.monotonic() - began)
        if answer.status != 200 or not answer.json():
            self.failed.append(answer.text[:200])

    def run(self):
        for what in itertools.cycle(self.took):
            if self.ended.wait(1):
                break
            self.ask(what)

    def report(self):
        assert not self.failed, self.failed
        for what, took in self.took.items():
            measure.note("%d queries of %s" % (len(took), what))
            emit("load_%s_query" % what, 1e3 * max(took), "ms")


def expire(etcd, rollcall, webhook):
    """All that goes on at once, and the expiries; until all are told."""
    queries = Queries(rollcall)
    queries.start()
    with measure.Scraper(rollcall.port, True) as scraper:
        time.sleep(2)
        before, began = measure.cpu_seconds(rollcall.pid), time.monotonic()
        for _ in range(COUNT):
            etcd.do("expire")
            time.sleep(EVERY)
        emit("load_cpu", 100 * (measure.cpu_seconds(rollcall.pid) - before) /
             (time.monotonic() - began), "%")
        webhook.await_condition(
            lambda w: len(w.alerts(ALERT, "firing")) >= COUNT, 30)
    queries.ended.set()
    queries.join()
    queries.report()
    measure.note("%d scrapes, the longest %.0f ms" % (
        len(scraper.done), 1e3 * max(s[2] for s in scraper.done)))


def delays(etcd, rollcall, webhook):
    """Of the webhook behind the bare poll, in seconds."""
    ours, theirs = multiprocessing.Pipe()
    follower = multiprocessing.Process(
        target=follow, args=(etcd.url(), etcd.index() + 1, theirs),
        daemon=True)
    follower.start()
    etcd.do("beat", "forever", BEATS)
    expire(etcd, rollcall, webhook)
    etcd.do("beat", 0)
    ours.send("enough")
    came = ours.recv()
    follower.join()
    measure.note("%d of %d expiries seen by the bare long poll" % (
        len(came), COUNT))
    assert len(came) >= COUNT * 0.9, "the bare long poll misses too many"
    told = {}
    for message, alert in webhook.alerts(ALERT, "firing"):
        told.setdefault(alert["labels"]["instance_id"], message.arrived)
    return [told[i] - at for i, at in came.items()]


def main():
    with measure.sandbox() as start:
        etcd = start(MassEtcd(start.directory + "/etcd", KEYS))
        webhook = start(Webhook())
        rollcall = start(measure.Measured(
            start.directory + "/rollcall", [etcd.url()], [DIRECTORY],
            webhook=webhook.url()))
        rollcall.await_log_looking()
        rollcall.await_recorded(KEYS)
        measure.note("longest turn at the start: %.1f ms" %
                     measure.longest_turn_ms(rollcall))
        behind = delays(etcd, rollcall, webhook)
        emit("load_webhook_p50", 1e3 * measure.percentile(behind, 50), "ms")
        emit("load_webhook_p99", 1e3 * measure.percentile(behind, 99), "ms")
        emit("load_turn", measure.longest_turn_ms(rollcall), "ms")


if __name__ == "__main__":
    main()
