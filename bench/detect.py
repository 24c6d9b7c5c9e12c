"""How long after etcd's event does the alert arrive?  100 registrations run
out on a real etcd; a bare long poll on a raw socket notes when each event
came, a webhook when its alert came.  Detection is theirs in between.

    bench/run detect        COUNT=100, a multiple of 4
"""
import time

import measure
from support.etcd import Etcd
from support.longpoll import LongPoll
from support.rollcall import Rollcall
from support.webhook import Webhook

COUNT = measure.setting("COUNT", 100)
BATCH = 4       # in one tick of etcd, so that they do not wait for each other
TICK = 0.5
DIRECTORY = {"path": "/s", "service_name": "s"}
ALERT = "EtcdRegistryInstanceVanished"


def delays_of(etcd, rollcall, webhook):
    """The delays, in seconds, sorted."""
    # Enough that live on, so that no batch is a large part of them.
    etcd.put_many(("/s/lives-%d" % n, "h:1", None) for n in range(300))
    rollcall.await_looking()
    poll = LongPoll(etcd.url(), "/s", etcd.index() + 1)
    for first in range(0, COUNT, BATCH):
        etcd.put_many((("/s/dies-%d" % n, "h:1", 1)
                       for n in range(first, first + BATCH)), threads=1)
        time.sleep(TICK)
    webhook.await_condition(
        lambda w: len(w.alerts(ALERT, "firing")) >= COUNT, 30)
    events = {e["node"]["key"].split("/")[-1]: at
              for at, e in poll.await_events(2 * COUNT)
              if e["action"] == "expire"}
    poll.stop()
    alerts = {}
    for message, alert in webhook.alerts(ALERT, "firing"):
        alerts.setdefault(alert["labels"]["instance_id"], message.arrived)
    return sorted(alerts[i] - events[i] for i in events)


def main():
    with measure.sandbox() as start:
        etcd = start(Etcd(start.directory + "/etcd"))
        webhook = start(Webhook())
        rollcall = start(Rollcall(start.directory + "/rollcall",
                                  [etcd.url()], [DIRECTORY],
                                  webhook=webhook.url()))
        delays = delays_of(etcd, rollcall, webhook)
    measure.emit("detect_p50", 1e3 * measure.percentile(delays, 50), "ms")
    measure.emit("detect_p99", 1e3 * measure.percentile(delays, 99), "ms")


if __name__ == "__main__":
    main()
