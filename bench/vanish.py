"""Half of 100,000 registrations run out at once: how soon is somebody told,
are all of them recorded, and how long were the turns of the loop?  At
bench/fake-etcd, or at a real etcd that was given TTLs which end within one
second.  etcd remembers 1,000 events, so most of it is found by a listing.

    bench/run vanish            KEYS=100000 MASS=50000
    bench/run vanish_real       REAL=1, which leaves the other out
"""
import math
import socket
import threading
import time

import measure
from measure import emit
from support.etcd import Etcd
from support.longpoll import LongPoll
from support.mass_etcd import DIRECTORY, MassEtcd
from support.wait import await_true
from support.webhook import Webhook

KEYS = measure.setting("KEYS", 100000)
MASS = measure.setting("MASS", 50000)
REAL = measure.setting("REAL", 0)
CONNECTIONS, WINDOW = 32, 50
AHEAD = 6               # seconds to look before they run out, at least
TTL = 3600


# --- many keys into a real etcd ---

def put_request(key, ttl):
    body = "value=10.0.0.7:8080&ttl=%d" % ttl
    return ("PUT /v2/keys%s?noValueOnSuccess=true HTTP/1.1\r\nHost: etcd\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\n"
            "Content-Length: %d\r\n\r\n%s" % (key, len(body), body)).encode()


def put_part(port, keys, ttl):
    """Several requests in a row on one connection, then their answers."""
    with socket.create_connection(("127.0.0.1", port), 60) as s:
        for at in range(0, len(keys), WINDOW):
            some = keys[at:at + WINDOW]
            s.sendall(b"".join(put_request(k, ttl()) for k in some))
            left, data = len(some), b""
            while left > 0:
                data = data[-10:] + s.recv(1 << 16)
                left -= data.count(b"HTTP/1.1 20")


def put_all(port, keys, ttl):
    threads = [threading.Thread(target=put_part, args=(
        port, keys[n::CONNECTIONS], ttl)) for n in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


# --- what comes of it ---

def leaves(rollcall, *states):
    return rollcall.query_database(
        "SELECT count(*) AS n FROM periods WHERE state IN (SELECT id FROM "
        "states WHERE name IN ('%s'))" % "', '".join(
            states or ("expired", "lost")))[0]["n"]


def follow(name, rollcall, webhook, began):
    """began(): when the first event was here, once it was."""
    webhook.await_condition(lambda w: w.messages, 100)
    first = webhook.messages[0].arrived
    emit("vanish_%s_first" % name, first - began(), "s")
    await_true(lambda: leaves(rollcall) >= MASS, 100,
               "%d leaves recorded" % MASS, interval=0.2)
    emit("vanish_%s_all" % name, time.monotonic() - began(), "s")
    emit("vanish_%s_recorded" % name, leaves(rollcall))
    for state in ("expired", "lost"):
        emit("vanish_%s_%s" % (name, state), leaves(rollcall, state))
    emit("vanish_%s_turn" % name, measure.longest_turn_ms(rollcall), "ms")


def watching(start, etcd):
    """(rollcall, webhook), once all keys are in the roll and recorded."""
    webhook = start(Webhook())
    rollcall = start(measure.Measured(
        start.directory + "/rollcall", [etcd.url()], [DIRECTORY],
        webhook=webhook.url()))
    rollcall.await_log_looking()
    rollcall.await_recorded(KEYS)
    return rollcall, webhook


def fake():
    with measure.sandbox() as start:
        etcd = start(MassEtcd(start.directory + "/etcd", KEYS))
        rollcall, webhook = watching(start, etcd)
        began = time.monotonic()
        etcd.do("expire", MASS)
        follow("fake", rollcall, webhook, lambda: began)


def real():
    with measure.sandbox() as start:
        etcd = start(Etcd(start.directory + "/etcd"))
        keys = ["/bench/%07d" % n for n in range(KEYS)]
        began = time.monotonic()
        put_all(etcd.port, keys[MASS:], lambda: TTL)
        end = time.monotonic() + AHEAD + 1.5 * (time.monotonic() - began)
        put_all(etcd.port, keys[:MASS],
                lambda: max(1, math.ceil(end - time.monotonic())))
        measure.note("%d s before they run out" % (end - time.monotonic()))
        rollcall, webhook = watching(start, etcd)
        measure.note("%d s before they run out" % (end - time.monotonic()))
        poll = LongPoll(etcd.url(), "/bench", etcd.index() + 1)
        follow("real", rollcall, webhook,
               lambda: poll.await_events(1)[0][0])
        poll.stop()


def main():
    (real if REAL else fake)()


if __name__ == "__main__":
    main()
