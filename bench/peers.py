"""What does a scrape cost others who hold the same series?  rollcall follows
100,000 instances at bench/fake-etcd; what it exposes is pushed to Debian's
pushgateway, and set in a program on Debian's prometheus_client for Python.
One client scrapes each, in turn.

    bench/run peers     KEYS=100000 SCRAPES=1 PYTHON_SCRAPES=1
"""
import re
import sys
import time

import measure
from measure import MB, emit
from support import http
from support.mass_etcd import DIRECTORY, MassEtcd
from support.process import Process, free_port
from support.servers import server

KEYS = measure.setting("KEYS", 100000)
SCRAPES = measure.setting("SCRAPES", 1)
PYTHON_SCRAPES = measure.setting("PYTHON_SCRAPES", 1)
OURS = 5                # scrapes of rollcall for each of a peer
BEHIND = 0.01           # seconds from the last byte to the end of it
SAMPLE = re.compile(r'(rollcall_\w+)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


class Pushgateway(Process):
    name = "pushgateway"

    def __init__(self, directory):
        super().__init__(directory)
        self.port = free_port()

    def url(self, path=""):
        return "http://127.0.0.1:%d%s" % (self.port, path)

    def command(self):
        return [server("prometheus-pushgateway"),
                "--web.listen-address=127.0.0.1:%d" % self.port]

    def is_ready(self):
        return http.get(self.url("/-/ready"), timeout=2).status == 200

    def push(self, text):
        answer = http.request("PUT", self.url("/metrics/job/rollcall"), text,
                              timeout=120)
        assert answer.status in (200, 202), answer.text


class PythonProgram(Process):
    """This script again, as the program that serves the samples."""

    name = "prometheus_client"

    def __init__(self, directory, text):
        super().__init__(directory)
        self.port = free_port()
        self.samples = self.directory + "/samples"
        with open(self.samples, "wb") as f:
            f.write(text)

    def command(self):
        return [sys.executable, __file__, str(self.port), self.samples]

    def is_ready(self):
        return http.get("http://127.0.0.1:%d/ready" % self.port,
                        timeout=60).status == 200


def serve(port, path):
    """Gauges of every sample, as a program would have them."""
    import prometheus_client
    registry = prometheus_client.CollectorRegistry()
    gauges = {}
    with open(path) as f:
        for line in f:
            name, labels, value = SAMPLE.match(line).groups()
            labels = dict(LABEL.findall(labels or ""))
            if name not in gauges:
                gauges[name] = prometheus_client.Gauge(
                    name, name, list(labels), registry=registry)
            gauge = gauges[name]
            (gauge.labels(**labels) if labels else gauge).set(float(value))

    def application(environ, start_response):
        if environ["PATH_INFO"] == "/ready":
            start_response("200 OK", [])
            return [b""]
        return metrics(environ, start_response)
    metrics = prometheus_client.make_wsgi_app(registry)
    from wsgiref.simple_server import WSGIRequestHandler, make_server

    class Silent(WSGIRequestHandler):
        def log_message(self, *_):
            pass
    make_server("127.0.0.1", port, application,
                handler_class=Silent).serve_forever()


def once(process, gzip):
    """(wall, CPU of the server) of a scrape, in ms, and the bytes."""
    before = measure.cpu_seconds(process.pid)
    status, size, took = measure.scrape(process.port, gzip)
    assert status == 200, "%s answers %d" % (process.name, status)
    # What a thread that still runs has used lately is not in the books yet.
    time.sleep(BEHIND)
    cpu = measure.cpu_seconds(process.pid) - before
    return 1e3 * took, 1e3 * cpu, size


def middle(values):
    return sorted(values)[len(values) // 2]


def compare(kind, gzip, ours, theirs, scrapes):
    """In turn, so that what disturbs one disturbs the other, and ours, which
    is over in no time, several times; the first of each, which fills caches,
    does not count."""
    found = {name: [] for name in (ours[0], theirs[0])}
    for turn in range(scrapes + 1):
        for name, process in (ours,) * OURS + (theirs,):
            time.sleep(0.05)
            measured = once(process, gzip)
            if turn > 0:
                found[name].append(measured)
    for name, measured in found.items():
        emit("%s_%s_wall" % (name, kind), middle([m[0] for m in measured]),
             "ms")
        emit("%s_%s_cpu" % (name, kind), middle([m[1] for m in measured]),
             "ms")
        emit("%s_%s_size" % (name, kind), measured[0][2] / MB, "MB")


def rollcalls_own(text):
    """Without process_*: pushgateway has its own."""
    return b"".join(line + b"\n" for line in text.splitlines()
                    if line.startswith((b"rollcall_", b"# TYPE rollcall_",
                                        b"# HELP rollcall_")))


def main():
    with measure.sandbox() as start:
        etcd = start(MassEtcd(start.directory + "/etcd", KEYS))
        rollcall = start(measure.Measured(
            start.directory + "/rollcall", [etcd.url()], [DIRECTORY]))
        rollcall.await_log_looking()
        rollcall.await_recorded(KEYS)
        text = rollcalls_own(rollcall.get("/metrics", timeout=60).body)
        pushgateway = start(Pushgateway(start.directory + "/pushgateway"))
        pushgateway.push(text)
        ours, theirs = ("peers", rollcall), ("pushgateway", pushgateway)
        compare("plain", False, ours, theirs, SCRAPES)
        compare("gzip", True, ours, theirs, SCRAPES)
        emit("peers_rss", measure.resident(rollcall.pid) / MB, "MB")
        emit("pushgateway_rss", measure.resident(pushgateway.pid) / MB, "MB")
        pushgateway.stop()
        if PYTHON_SCRAPES == 0:
            return
        program = PythonProgram(start.directory + "/python", b"".join(
            line + b"\n" for line in text.splitlines()
            if not line.startswith(b"#")))
        program.start(wait=False)
        program.wait_ready(120)
        compare("python", False, ("peers", rollcall),
                ("prometheus_client", program), PYTHON_SCRAPES)
        program.stop()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        serve(int(sys.argv[1]), sys.argv[2])
    else:
        main()
