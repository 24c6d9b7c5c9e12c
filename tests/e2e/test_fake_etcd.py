"""bench/fake-etcd answers as etcd does, as far as rollcall asks, and rollcall
follows it."""
import json
import os
import socket

import pytest

from support import http
from support.mass_etcd import DIRECTORY, MassEtcd
from support.rollcall import SLOW
from support.servers import TOP
from support.wait import await_true

FIXTURES = os.path.join(TOP, "tests/fixtures")
KEYS = 2000
FIRST = 4       # index of the first key
WATCH = "/v2/keys/bench/?wait=true&recursive=true&waitIndex="


@pytest.fixture
def mass(started, tmp_path):
    return started(MassEtcd(tmp_path / "etcd", KEYS))


def recorded(name):
    """Status, header names and JSON of a recorded answer."""
    with open(os.path.join(FIXTURES, name)) as f:
        head, body = f.read().replace("\r\n", "\n").split("\n\n", 1)
    status, *lines = head.splitlines()
    return (int(status.split()[1]), {x.split(":")[0] for x in lines},
            json.loads(body[body.index("{"):body.rindex("}") + 1]))


def shape(value):
    """Names and types, not the values; of a list, that of its members."""
    if isinstance(value, dict):
        return {k: shape(v) for k, v in value.items()}
    if isinstance(value, list):
        return [shape(v) for v in value[:1]]
    return type(value).__name__


@pytest.mark.parametrize("target, fixture", [
    ("/version", "single_version"),
    ("/health", "single_health_ok"),
    ("/v2/members", "single_members"),
    ("/v2/members/leader", "single_members_leader"),
    ("/v2/stats/leader", "single_stats_leader"),
    ("/v2/stats/self", "single_stats_self_fresh"),
    ("/v2/stats/store", "single_stats_store_fresh"),
    ("/v2/keys/bench/0000007", "keys_get_ttl"),
    ("/v2/keys/none", "keys_get_missing_404"),
    ("/v2/keys/", "keys_root_list_no_hidden"),
    (WATCH + "4", "watch_401_cleared"),
    (WATCH + "2000", "watch_raw_longpoll_set.http"),
])
def test_shape_of_an_answer(mass, target, fixture):
    status, headers, body = recorded(fixture)
    answer = http.get(mass.url() + target)
    assert answer.status == status, answer.text
    assert set(answer.headers) == headers
    assert shape(answer.json()) == shape(body)


def test_shape_of_a_listing(mass):
    answer = http.get(mass.url() + "/v2/keys/bench/?recursive=true")
    status, headers, body = recorded("keys_recursive_100_ttl_keys")
    assert (answer.status, set(answer.headers)) == (status, headers)
    listing = answer.json()
    nodes = listing["node"].pop("nodes")
    within = body["node"].pop("nodes")[0]["nodes"]
    assert shape(nodes[0]) == shape(within[0])
    assert shape(body).items() <= shape(listing).items()
    assert sorted(n["key"] for n in nodes) == [
        "/bench/%07d" % n for n in range(KEYS)]
    assert int(answer.headers["X-Etcd-Index"]) == KEYS + FIRST - 1


def test_requests_in_a_row_are_answered_in_order(mass):
    """On one connection, sent at once: what has happened, what is yet to
    happen, and what comes behind it."""
    index = mass.index()
    requests = [WATCH + str(index - 1), WATCH + str(index + 1),
                WATCH + str(index + 2), "/v2/keys/bench/0000500"]
    with socket.create_connection(("127.0.0.1", mass.port), 10) as s:
        s.sendall("".join("GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % r
                          for r in requests).encode())
        data = b""
        while b"/bench/0001998" not in data:
            data += s.recv(65536)
        mass.do("expire", 2)
        while b"/bench/0000500" not in data:
            data += s.recv(65536)
    places = [data.index(b'"action":"' + x) for x in (
        b'set","node":{"key":"/bench/0001998"',
        b'expire","node":{"key":"/bench/0000000"',
        b'expire","node":{"key":"/bench/0000001"',
        b'get","node":{"key":"/bench/0000500"')]
    assert places == sorted(places)


def test_bad_orders_are_refused(mass):
    for order in ("vanish", "expire?count=x", "beat?count=forever",
                  "beat?rate=0"):
        assert http.request("POST", mass.url() + "/control/" + order
                            ).status == 400
    assert http.request("PUT", mass.url() + "/v2/keys/bench/x?value=1"
                        ).status == 501


def test_rollcall_follows_it(mass, rollcall):
    watched = rollcall([mass.url()], [DIRECTORY])
    watched.await_looking()

    def instances(n):
        watched.await_metric("rollcall_service_instances", n,
                             service_name="bench")
    instances(KEYS)
    mass.do("expire", 30)
    mass.do("deregister", 20)
    mass.do("beat", 3000, rate="read")
    instances(KEYS - 50)
    await_true(lambda: mass.state()["left"]["beat"] == 0,
               what="the beats to be read")
    watched.await_events(lambda events: [
        sum(e["cause"] == c for e in events)
        for c in ("registered", "expire", "delete")] == [KEYS, 30, 20])
    # Under a sanitizer history would not last for more.
    names = 2000 if SLOW == 1 else 100
    mass.do("turnover", names, rate="ahead")
    watched.await_metric("rollcall_watch_events_total",
                         3000 + 50 + 2 * names)
    instances(KEYS - 50)
    assert watched.metric("rollcall_resyncs_total", reason="start") == 1
    assert all(value == 0 for labels, value in watched.samples(
        "rollcall_resyncs_total") if labels["reason"] != "start")
