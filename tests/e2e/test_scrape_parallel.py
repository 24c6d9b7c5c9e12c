"""Answers that are put together from pieces: every reader of gzip reads them,
and however many read at once while things change, each sees one moment."""
import concurrent.futures
import gzip
import http.client
import itertools
import re
import socket
import subprocess
import threading
import time
import zlib

import pytest

from support import exposition
from support.mass_etcd import DIRECTORY as BENCH, MassEtcd
from support.preload import SANITIZED
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


# --- many readers, many instances ---

MANY = 16000
AT_ONCE = 10 if SANITIZED else 50   # the first may wait for the last 30 s
# 25 answers of plain text are 210 MB, of which the sockets take 4 MB each.
# Beside what is kept, each may hold only what changed while it was read, and
# libmicrohttpd 96 KiB for the connection.
MOST_MIB = 48


def family(body, name):
    """The lines of a family, whole, without its first ones."""
    start = body.index(b"# TYPE %s " % name)
    end = body.find(b"\n# TYPE ", start)
    return body[body.index(b"\n%s" % name, start):end + 1]


def total(body, name):
    return sum(int(v) for v in re.findall(rb"} (\d+)\n", family(body, name)))


def large_moment(body, openmetrics):
    """What is counted per service agrees with the instances."""
    assert body.endswith(b"\n") and body.endswith(b"# EOF\n") == openmetrics
    suffix = b"" if openmetrics else b"_total"
    up = family(body, b"rollcall_instance_up")
    count = total(body, b"rollcall_service_instances")
    gone = total(body, b"rollcall_service_expirations" + suffix)
    assert up.count(b"} 1\n") == count > 0
    assert total(body, b"rollcall_instance_expirations" + suffix) == gone
    return count, total(body, b"rollcall_service_registrations" + suffix)


def memory_mib(watched, field):
    with open("/proc/%d/status" % watched.pid, encoding="ascii") as f:
        line = next(x for x in f if x.startswith(field))
    return int(line.split()[1]) / 1024


def read_at_once(watched):
    """All ask within a quarter of a second, so that there are several moments,
    and nobody reads on before the answers to all have begun.  Nothing is looked
    at before all are read."""
    barrier = threading.Barrier(AT_ONCE)

    def read(number):
        headers = {"Accept": OPENMETRICS if number & 1 else TEXT}
        if number & 2:
            headers["Accept-Encoding"] = "gzip"
        connection = http.client.HTTPConnection(
            "127.0.0.1", watched.port, timeout=60)
        connection.connect()
        connection.sock.setsockopt(
            socket.SOL_SOCKET, socket.SO_RCVBUF, 128 << 10)
        barrier.wait(60)
        time.sleep(number / 200)
        connection.request("GET", "/metrics", headers=headers)
        response = connection.getresponse()
        barrier.wait(60)
        body = response.read()
        connection.close()
        return response, body

    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(read, range(AT_ONCE)))


def test_fifty_at_once(started, rollcall, tmp_path):
    etcd = started(MassEtcd(tmp_path / "etcd", MANY))
    watched = rollcall([etcd.url()], [BENCH])
    watched.await_looking()
    read_at_once(watched)       # or it would be the first that is measured
    before = memory_mib(watched, "VmRSS:")
    moments = set()
    etcd.do("lapse", 1000, rate=500)
    for number, (response, body) in enumerate(read_at_once(watched)):
        assert response.status == 200
        assert bool(number & 2) == (
            response.headers["Content-Encoding"] == "gzip")
        moments.add(large_moment(by_zlib(body) if number & 2 else body,
                                 bool(number & 1)))
    assert len(moments) > 1     # things did change meanwhile
    assert not watched.log_lines(
        msg=lambda m: m and m.startswith("readers of metrics"))
    if not SANITIZED:
        assert memory_mib(watched, "VmHWM:") < before + MOST_MIB
