"""Somebody sets the system clock: a jump is written down, and nothing else
comes of it - no alert, no stay with a length that cannot be."""
import collections

import pytest

from support.delay import VANISHED, Detection
from support.preload import WallClock, without_sanitizers

LOGIN = {"path": "/login_servers", "service_name": "login_server"}
SET = "the system clock was set"

pytestmark = without_sanitizers


@pytest.fixture
def world(etcd, webhook, rollcall, started, beats):
    """(rollcall, its clock, detection); 20 registrations that are kept."""
    watched = rollcall([etcd.url()], [LOGIN], start=False,
                       webhook=webhook.url())
    clock = WallClock(watched)
    services = beats(etcd)
    for i in range(20):
        services.register("/login_servers/kept%02d" % i, ttl=10)
    watched.start()
    watched.await_looking()
    watched.await_metric("rollcall_instance_up", 1, instance_id="kept19")
    yield watched, clock, started(Detection(etcd, webhook), start=False)


def jumps(watched):
    return [row["jump_ms"] for row in watched.query_database(
        "select jump_ms from clock_jumps order by at_ms")]


def check_quiet(watched, webhook, keys):
    """Only those that ended were told, each once."""
    told = collections.Counter(a["labels"]["instance_id"] for _, a in
                               webhook.alerts(VANISHED, "firing"))
    assert told == {k.rsplit("/")[-1]: 1 for k in keys}
    for number in range(20):
        assert watched.metric("rollcall_instance_up",
                              instance_id="kept%02d" % number) == 1


def check_stays(watched):
    watched.await_metric("rollcall_db_queue_units", 0)
    assert not watched.query_database(
        "select * from periods where to_ms < from_ms or earliest_ms > from_ms")
    kept = [e["cause"] for e in watched.events("--since", "3d")
            if e["instance_id"].startswith("kept")]
    assert kept == ["registered"] * 20


@pytest.mark.parametrize("ahead", [-3600, 86400])
def test_clock_is_set(world, webhook, ahead):
    watched, clock, detect = world
    keys = [detect.register(watched)]
    detect.await_told(keys[0])
    last = detect.register(watched, ttl=3)      # it begins before, ends after
    clock.set_ahead(ahead)
    line = watched.await_log(msg=SET, timeout=20)
    assert abs(int(line["jump_ms"]) - 1000 * ahead) < 1000
    detect.await_told(last)
    keys += [last, detect.register(watched)]
    assert detect.await_told(keys[-1]) < 0.5
    check_quiet(watched, webhook, keys)
    # And back.
    clock.set_ahead(0)
    watched.await_log(msg=SET, count=2, timeout=20)
    keys.append(detect.register(watched))
    assert detect.await_told(keys[-1]) < 0.5
    check_quiet(watched, webhook, keys)
    check_stays(watched)
    there, back = jumps(watched) if ahead < 0 else reversed(jumps(watched))
    assert abs(there - 1000 * ahead) < 1000
    assert abs(back + 1000 * ahead) < 1000
    names = [k.rsplit("/")[-1] for k in keys]
    assert sorted(e["instance_id"] for e in watched.events("--since", "3d")
                  if e["cause"] == "expire") == sorted(names)
