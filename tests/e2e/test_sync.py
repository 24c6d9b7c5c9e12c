"""The roll agrees with etcd after everything that breaks the chain of events:
bursts, history outrun, rollcall away, etcd restarted, etcd rebuilt."""
import collections
import time

from support.bad_line import BadLine
from support.truth import moment
from support.wait import await_true

LOGIN = {"path": "/login_servers", "service_name": "login_server"}
VANISHED = "EtcdRegistryInstanceVanished"
MASS = "EtcdRegistryMassVanish"


def key(n):
    return "/login_servers/%04d" % n


def states(rollcall):
    """instance_id -> value of rollcall_instance_up"""
    return {labels["instance_id"]: value for labels, value in
            rollcall.samples("rollcall_instance_up")}


def causes(rollcall):
    """instance_id -> the causes it had, in order"""
    story = collections.defaultdict(list)
    for event in rollcall.events():
        story[event["instance_id"]].append(event["cause"])
    return story


def await_instances(rollcall, n, timeout=20):
    rollcall.await_metric("rollcall_service_instances", n, timeout,
                          service_name="login_server")


def put_together(etcd, numbers, ttl=8):
    """Puts them within a second, so that they run out within one.  Returns
    the moments of the first and of the last."""
    ran = []
    for _ in range(5):
        etcd.put_many([(key(n), "127.0.0.1:1", ttl) for n in numbers])
        listed = etcd.listing("/login_servers")
        ran = [moment(listed[key(n)]["expiration"]) for n in numbers]
        if max(ran) - min(ran) < 1 and min(ran) - time.time() > ttl - 4:
            return min(ran), max(ran)
    raise AssertionError("the puts took %g s" % (max(ran) - min(ran)))


def expire_in_one_tick(etcd, first, last):
    """etcd compares dates every half second: it is held still from before
    the first runs out until the last has."""
    time.sleep(max(0, first - 0.1 - time.time()))
    assert time.time() < first, "the machine is too slow for this test"
    etcd.pause()
    time.sleep(last + 0.05 - time.time())
    etcd.resume()


def test_500_of_2000_expire_in_one_tick(etcd, webhook, rollcall):
    etcd.put_many([(key(n), "127.0.0.1:1", 600) for n in range(2000)])
    watched = rollcall([etcd.url()], [LOGIN], webhook=webhook.url("/hook"))
    await_instances(watched, 2000)
    expire_in_one_tick(etcd, *put_together(etcd, range(500)))
    await_instances(watched, 1500)
    gone = {"%04d" % n for n in range(500)}

    webhook.await_condition(
        lambda w: len(w.alerts(VANISHED, "firing")) >= 500, 15,
        "500 alerts")
    told = collections.Counter(
        a["labels"]["instance_id"] for _, a in webhook.alerts(VANISHED))
    assert set(told) == gone and set(told.values()) == {1}
    watched.await_events(lambda es: sum(
        e["cause"] == "expire" for e in es) >= 500, what="500 rows")
    rows = collections.Counter(e["instance_id"] for e in watched.events()
                               if e["cause"] == "expire")
    assert set(rows) == gone and set(rows.values()) == {1}
    assert not webhook.alerts(MASS)
    assert not watched.leaves("diff", "etcd_outage", "delete")


def test_500_of_500_expire_in_one_tick(etcd, webhook, rollcall):
    watched = rollcall([etcd.url()], [LOGIN], webhook=webhook.url("/hook"))
    watched.await_looking()
    when = put_together(etcd, range(500))
    await_instances(watched, 500)
    expire_in_one_tick(etcd, *when)
    await_instances(watched, 0)
    began = time.monotonic()
    webhook.await_alert(MASS)
    assert not webhook.alerts(VANISHED)
    held = watched.samples("rollcall_instance_held")
    assert len(held) == 500

    webhook.await_condition(
        lambda w: len(w.alerts(VANISHED, "firing")) >= 500, 20,
        "the 500 after the hold")
    assert time.monotonic() - began >= 4, "the hold is at least 5 s"
    told = collections.Counter(
        a["labels"]["instance_id"] for _, a in webhook.alerts(VANISHED))
    assert len(told) == 500 and set(told.values()) == {1}
    messages = {id(m) for m, _ in webhook.alerts(VANISHED)}
    assert len(messages) <= 4, "they come grouped"
    webhook.await_alert(MASS, "resolved")


def test_history_outrun_between_two_polls(etcd, rollcall):
    """3,000 unrelated writes push etcd's history past us; what changed in
    between is found by listing."""
    etcd.put_many([(key(n), "127.0.0.1:1", 600) for n in range(50)])
    watched = rollcall([etcd.url()], [LOGIN])
    await_instances(watched, 50)
    watched.stop()
    for n in range(10):
        etcd.delete(key(n))
    etcd.put_many([(key(n), "127.0.0.1:1", 600) for n in range(50, 60)])
    etcd.put_many([("/elsewhere/%d" % n, "x", None) for n in range(3000)])
    watched.start()
    watched.await_looking()
    await_true(lambda: sum(states(watched).values()) == 50, 10, lambda:
               "50 up, there are %s" % states(watched))
    story = causes(watched)
    for n in range(10):
        assert story["%04d" % n] == ["registered", "diff"]
    for n in range(10, 50):
        assert story["%04d" % n] == ["registered"]
    for n in range(50, 60):
        assert story["%04d" % n] == ["registered"]
    assert watched.metric("rollcall_resyncs_total",
                          reason="history_cleared") == 1
    lost = [e for e in watched.events() if e["cause"] == "diff"]
    assert all(e["state"] == "lost" for e in lost)


def test_history_outrun_while_watching(etcd, rollcall):
    """The same while a poll is blocked: it is relieved in time, so that the
    watch never has to fall back on a listing."""
    etcd.put_many([(key(n), "127.0.0.1:1", 600) for n in range(5)])
    watched = rollcall([etcd.url()], [LOGIN])
    await_instances(watched, 5)
    for n in range(3):
        etcd.put_many([("/elsewhere/%d" % k, "x", None) for k in range(1000)])
        etcd.put(key(n), "127.0.0.1:1", 1)
    etcd.put_many([("/elsewhere/%d" % k, "x", None) for k in range(3000)])
    await_instances(watched, 2)
    etcd.put_many([("/elsewhere/%d" % k, "x", None) for k in range(3000)])
    etcd.delete(key(3))
    await_instances(watched, 1)
    story = causes(watched)
    for n in range(3):
        assert story["%04d" % n] == ["registered", "expire"], story
    assert story["0003"] == ["registered", "delete"]
    assert watched.metric("rollcall_resyncs_total",
                          reason="history_cleared") == 0
    assert watched.query_database(
        "select count(*) n from watching where to_ms > from_ms") == [
            {"n": 1}], "watched without a gap"


def test_a_poll_whose_connection_hangs(etcd, rollcall):
    """Its relief asks history for what it waits for, so nothing is left to a
    listing."""
    etcd.put_many([(key(n), "127.0.0.1:1", 600) for n in range(5)])
    line = BadLine(etcd.port, 1, delay=0, until_cut=None).start()
    try:
        watched = rollcall([line.url()], [LOGIN])
        await_instances(watched, 5)
        line.hold_polls()
        etcd.delete(key(0))
        etcd.put_many([("/elsewhere/%d" % k, "x", None) for k in range(400)])
        await_instances(watched, 4)
        assert causes(watched)["0000"] == ["registered", "delete"]
        etcd.delete(key(1))
        await_instances(watched, 3)
        assert causes(watched)["0001"] == ["registered", "delete"]
    finally:
        line.stop()


def test_stopped_while_five_expire_and_five_are_deleted(etcd, rollcall):
    etcd.put_many([(key(n), "127.0.0.1:1", 600) for n in range(20)])
    watched = rollcall([etcd.url()], [LOGIN])
    await_instances(watched, 20)
    watched.stop()
    etcd.put_many([(key(n), "127.0.0.1:1", 1) for n in range(5)])
    for n in range(5, 10):
        etcd.delete(key(n))
    await_true(lambda: len(etcd.listing("/login_servers")) == 10, 10,
               "the five to expire")
    watched.start()
    await_instances(watched, 10)
    watched.await_events(lambda es: len(es) >= 30, what="ten rows more")
    story = causes(watched)
    for n in range(5):
        assert story["%04d" % n] == ["registered", "expire"], story
    for n in range(5, 10):
        assert story["%04d" % n] == ["registered", "delete"], story
    assert len(watched.events()) == 30


def test_etcd_restarted_with_20_keys_overdue(etcd, rollcall):
    watched = rollcall([etcd.url()], [LOGIN])
    watched.await_looking()
    etcd.put_many([(key(n), "127.0.0.1:1", 3) for n in range(20)] +
                  [(key(n), "127.0.0.1:1", 600) for n in range(20, 25)])
    await_instances(watched, 25)
    etcd.stop()
    watched.await_metric("rollcall_looking", 0)
    # Their TTL runs out while nobody is there to notice.
    asleep = time.monotonic() + 4
    await_true(lambda: time.monotonic() > asleep, 6, "the TTLs to run out")
    assert all(v == 1 for v in states(watched).values()), \
        "while not looking the values stand still"
    etcd.start()
    watched.await_looking()
    await_instances(watched, 5)
    watched.await_events(
        lambda es: sum(e["state"] == "expired" for e in es) >= 20)
    story = causes(watched)
    for n in range(20):
        assert story["%04d" % n] == ["registered", "etcd_outage"], story
    for n in range(20, 25):
        assert story["%04d" % n] == ["registered"]


def test_etcd_wiped_and_rebuilt(etcd, rollcall):
    watched = rollcall([etcd.url()], [LOGIN])
    watched.await_looking()
    etcd.put_many([(key(n), "127.0.0.1:1", 600) for n in range(10)])
    await_instances(watched, 10)
    etcd.stop()
    etcd.wipe()
    etcd.start()
    etcd.put_many([(key(n), "127.0.0.1:1", 600) for n in range(5, 12)])
    watched.await_metric("rollcall_resyncs_total", lambda v: v >= 1,
                         reason="new_store")
    await_instances(watched, 7)
    watched.await_looking()
    story = causes(watched)
    for n in range(5):
        assert story["%04d" % n] == ["registered", "diff"], story
    for n in range(10, 12):
        assert story["%04d" % n] == ["registered"], story
    assert watched.log_lines(level="warn", msg=lambda m: m and (
        "rebuilt" in m or "store is new" in m))
    # The watch is not blind: what happens in the new store is seen.
    etcd.delete(key(11))
    await_instances(watched, 6)
