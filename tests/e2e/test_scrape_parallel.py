"""Answers that are put together from pieces: every reader of gzip reads them,
and however many read at once while things change, each sees one moment."""
import gzip
import itertools
import subprocess
import threading
import zlib

import pytest

from support import exposition
from support.relay import Relay
from support.rollcall import OPENMETRICS, TEXT

DIRECTORY = {"path": "/s", "pattern": "{service_name}/{instance_id}",
             "instance_detail": True}
INSTANCES = 300         # several blocks
READERS = 20
ROUNDS = 8


@pytest.fixture
def watched(etcd, rollcall):
    etcd.put_many(("/s/service-%d/%d" % (n % 3, n), "h:1", None)
                  for n in range(INSTANCES))
    daemon = rollcall([etcd.url()], [DIRECTORY])
    daemon.await_looking()
    return daemon


def instances(text):
    return {(name, labels): value
            for (name, labels), value in exposition.parse(text).items()
            if name.startswith(("rollcall_instance_", "rollcall_service_"))}


def by_zlib(packed):
    reader = zlib.decompressobj(31)
    text = reader.decompress(packed) + reader.flush()
    assert reader.eof and reader.unused_data == b""     # one member
    return text


def by_gzip_t(packed):
    for option in "-tv", "-dc":
        answer = subprocess.run(["gzip", option], input=packed, timeout=20,
                                check=True, capture_output=True)
    return answer.stdout


def test_everybody_reads_gzip(etcd, watched, tmp_path):
    url = watched.url("/metrics")
    for n in range(3):
        plain = instances(watched.get("/metrics").text)
        assert sum(1 for name, _ in plain
                   if name == "rollcall_instance_up") == INSTANCES + n
        packed = watched.get("/metrics", headers={
            "Accept-Encoding": "gzip"})
        assert packed.headers["Content-Encoding"] == "gzip"
        by_curl = subprocess.run(
            ["curl", "-sS", "--fail", "--compressed", url], timeout=20,
            check=True, capture_output=True)
        for text in (gzip.decompress(packed.body), by_zlib(packed.body),
                     by_gzip_t(packed.body), by_curl.stdout):
            assert instances(text.decode()) == plain
        # The next answer shares most of its pieces with this one.
        etcd.put("/s/service-1/more-%d" % n, "h:1")
        watched.await_metric("rollcall_service_instances",
                             lambda v, n=n: v == INSTANCES // 3 + n + 1,
                             service_name="service-1")


def test_prometheus_reads_gzip(etcd, watched, prometheus, started):
    relay = started(Relay(watched.port))
    prometheus.scrape(relay.address())
    prometheus.start()
    prometheus.await_query("count(rollcall_instance_up == 1)",
                           [float(INSTANCES)])
    etcd.put("/s/service-1/more", "h:1")
    prometheus.await_query("count(rollcall_instance_up == 1)",
                           [INSTANCES + 1.0])
    target, = prometheus.targets()
    assert target["health"] == "up" and target["lastError"] == ""
    assert set(relay.encodings) == {"gzip"}


def one_moment(text):
    """What is counted per service agrees with the instances."""
    samples = exposition.parse(text)
    up = {}
    for (name, labels), value in samples.items():
        if name == "rollcall_instance_up":
            service = dict(labels)["service_name"]
            up[service] = up.get(service, 0) + value
    counts = {dict(labels)["service_name"]: value
              for (name, labels), value in samples.items()
              if name == "rollcall_service_instances"}
    assert counts == up and len(up) == 3
    return sum(up.values())


def test_each_of_many_readers_sees_one_moment(etcd, watched):
    seen, failures, done = set(), [], threading.Event()

    def read(number):
        headers = {"Accept": OPENMETRICS if number & 1 else TEXT}
        if number & 2:
            headers["Accept-Encoding"] = "gzip"
        try:
            for _ in range(ROUNDS):
                answer = watched.get("/metrics", headers=headers, timeout=60)
                body = answer.body
                if number & 2:
                    body = by_zlib(body)
                assert body.endswith(b"# EOF\n") == bool(number & 1)
                seen.add(one_moment(body.decode()))
        except Exception as error:      # pylint: disable=broad-except
            failures.append(error)

    def change():
        for n in itertools.cycle(range(50)):
            if done.is_set():
                break
            etcd.put("/s/service-%d/c-%d" % (n % 3, n), "h:1")
            if n % 7 == 6:
                etcd.delete("/s/service-%d/c-%d" % ((n - 3) % 3, n - 3))

    changer = threading.Thread(target=change)
    readers = [threading.Thread(target=read, args=(n,))
               for n in range(READERS)]
    changer.start()
    for thread in readers:
        thread.start()
    for thread in readers:
        thread.join()
    done.set()
    changer.join()
    assert not failures
    assert len(seen) > 1        # things did change meanwhile
