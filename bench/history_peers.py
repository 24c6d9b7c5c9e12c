"""The uptime of every instance over 30 days, of the same history: asked of
rollcall; of Prometheus, whose `up` was scraped every 15 s, as
avg_over_time(up[30d]); and of VictoriaMetrics the same.  All three must agree.

    bench/run history_peers     SERIES=100 ASKED=5

One client asks each over HTTP, in turn, so that what disturbs one disturbs
the others; the first of each, which fills caches, does not count.  A question
is timed from connecting to the last byte of the JSON.  rollcall has no etcd
there, only the file.  Prometheus' blocks are of 54 hours, what it compacts to
if it keeps a little more than a month."""
import os
import statistics
import subprocess
import sys
import time
import urllib.parse

import measure
from measure import emit, note
from support import http
from support.monitoring import Prometheus
from support.process import Process, free_port
from support.rollcall import BINARY, Rollcall
from support.servers import server
from support.wait import await_true

SERIES = measure.setting("SERIES", 100)
ASKED = measure.setting("ASKED", 5)
END = 1795000000            # of bench/history_fill.h
RANGE = 30 * 86400
CHANGES = 8                 # of each instance
STEP = 15                   # between two scrapes
BLOCK = 54 * 3600
BUILD = os.path.dirname(os.path.abspath(BINARY))
PROMQL = urllib.parse.urlencode(
    {"query": "avg_over_time(up[30d])", "time": END - 1, "nocache": 1})


class OfHistory(Rollcall):
    """On a database that is there."""

    def __init__(self, directory):
        super().__init__(directory, clusters=[{
            "name": "default", "directories": [{"path": "/services"}],
            "endpoints": ["http://127.0.0.1:%d" % free_port()]}])

    def fill(self):
        """As the daemon would have."""
        subprocess.run(
            [os.path.join(BUILD, "bench/history"), str(SERIES), "30",
             str(CHANGES), "0", self.storage], check=True,
            stdout=subprocess.DEVNULL)

    def is_ready(self):
        return self.ask()[0] > 0

    def ask(self):
        took, rows = ask(self.url("/api/registry/v1/uptime?" +
                                  urllib.parse.urlencode({
                                      "of": "instances", "limit": 100000,
                                      "from": END - RANGE, "to": END})))
        return took, {r["service_name"] + "/" + r["instance_id"]: r["uptime"]
                      for r in rows}


class WithPromql:
    """Asked as Prometheus is."""

    def ask(self):
        took, answer = ask(self.url("/api/v1/query?" + PROMQL))
        return took, {r["metric"]["instance"]: float(r["value"][1])
                      for r in answer["data"]["result"]}


class OfBlocks(WithPromql, Prometheus):
    """On blocks that are there.  A tenth of what it keeps is the longest
    block, so that there is nothing for it to compact meanwhile."""

    def __init__(self, directory):
        super().__init__(directory)
        self.blocks = os.path.join(self.directory, "tsdb")
        os.mkdir(self.blocks)

    def command(self):
        return super().command() + [
            "--storage.tsdb.retention.time=33d",
            "--query.max-samples=1000000000", "--query.timeout=10m"]

    def load(self, path):
        subprocess.run(
            [server("promtool"), "tsdb", "create-blocks-from", "openmetrics",
             "--max-block-duration=54h", path, self.blocks], check=True,
            stdout=subprocess.DEVNULL)


class VictoriaMetrics(WithPromql, Process):
    name = "victoria-metrics"

    def __init__(self, directory):
        super().__init__(directory)
        self.port = free_port()

    def url(self, path=""):
        return "http://127.0.0.1:%d%s" % (self.port, path)

    def command(self):
        return [server("victoria-metrics"),
                "-httpListenAddr=127.0.0.1:%d" % self.port,
                "-storageDataPath=" + os.path.join(self.directory, "data"),
                "-retentionPeriod=100y", "-search.maxQueryDuration=120s"]

    def is_ready(self):
        return http.get(self.url("/health"), timeout=1).status == 200

    def load(self, path):
        with open(path, "rb") as samples:
            answer = http.request(
                "POST", self.url("/api/v1/import/prometheus"), samples,
                timeout=300)
        assert answer.status == 204, answer.text

    def merging(self):
        text = http.get(self.url("/metrics")).text
        return [line for line in text.splitlines()
                if line.startswith(("vm_active_merges", "vm_active_force_"))
                and not line.endswith(" 0")]

    def settle(self):
        """As what was written over a month is."""
        for path in ("/internal/force_flush", "/internal/force_merge"):
            http.get(self.url(path), timeout=300)
        await_true(lambda: not self.merging(), 300, self.merging,
                   interval=0.5)


def ask(url):
    """Milliseconds, and what came."""
    began = time.monotonic()
    answer = http.get(url, timeout=600)
    took = 1e3 * (time.monotonic() - began)
    assert answer.status == 200, answer.text
    return took, answer.json()


def load(rollcall, prometheus, victoria):
    """A block's samples at a time."""
    texts = [os.path.join(rollcall.directory, n) for n in ("open", "plain")]
    for begin in range((END - RANGE) // BLOCK * BLOCK, END, BLOCK):
        subprocess.run(
            [os.path.join(BUILD, "bench/samples"), rollcall.storage,
             str(begin), str(min(begin + BLOCK, END)), *texts], check=True)
        if os.path.getsize(texts[1]) > 0:
            prometheus.load(texts[0])
            victoria.load(texts[1])
    for text in texts:
        os.unlink(text)


def check(name, ours, theirs):
    """A change is seen a sample too late at most, and what rollcall did not
    watch, a minute in the month, it does not count."""
    allowed = (STEP * (CHANGES + 1) + 60) / (RANGE - 86400)
    assert len(ours) == SERIES
    assert set(ours) == set(theirs), "%s has %d instances of %d" % (
        name, len(theirs), SERIES)
    worst = max(abs(ours[k] - theirs[k]) for k in ours)
    note("%s: uptimes differ by %.6f at most" % (name, worst))
    assert worst <= allowed, "%s differs by %f, more than %f" % (
        name, worst, allowed)


def compare(asked):
    took = {name: [] for name in asked}
    for turn in range(ASKED + 1):
        rows = {}
        for name, process in asked.items():
            ms, rows[name] = process.ask()
            if turn > 0:
                took[name].append(ms)
    for name, times in took.items():
        check(name, rows["rollcall"], rows[name])
        emit("history_peers_" + name, statistics.median(times), "ms")
        if name == "rollcall":      # a row of the table has one peer
            emit("history_peers_rollcall_2", statistics.median(times), "ms")
        note("%.1f to %.1f ms" % (min(times), max(times)))


def main():
    with measure.sandbox() as start:
        rollcall = OfHistory(start.directory + "/rollcall")
        prometheus = OfBlocks(start.directory + "/prometheus")
        victoria = start(VictoriaMetrics(start.directory + "/victoria"))
        rollcall.fill()
        load(rollcall, prometheus, victoria)
        victoria.settle()
        compare({"rollcall": start(rollcall), "prometheus": start(prometheus),
                 "victoria": victoria})


if __name__ == "__main__":
    sys.exit(main())
