"""The uptime of every instance over 30 days, of the same history: asked of
rollcall; of Prometheus, whose `up` was scraped every 15 s, as
avg_over_time(up[30d]); and of VictoriaMetrics the same. All three must agree.

    bench/run history_peers     SERIES=100 ASKED=5

The samples are loaded as blocks of two hours, by promtool, and Prometheus has
compacted them before it is asked."""
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

import measure
from measure import emit
from support import http
from support.monitoring import Prometheus
from support.process import Process, free_port
from support.rollcall import BINARY
from support.servers import server
from support.wait import await_true

SERIES = measure.setting("SERIES", 100)
ASKED = measure.setting("ASKED", 5)
END = 1795000000            # of bench/history_fill.h
DAYS = 30
BLOCK = 7200                # a block of Prometheus
BUILD = os.path.dirname(os.path.abspath(BINARY))
QUERY = "avg_over_time(up[30d])"


class VictoriaMetrics(Process):
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
                "-retentionPeriod=100y", "-search.maxQueryDuration=120s",
                "-search.maxPointsPerTimeseries=1000000"]

    def is_ready(self):
        return http.get(self.url("/health"), timeout=1).status == 200

    def load(self, path):
        with open(path, "rb") as samples:
            answer = http.request(
                "POST", self.url("/api/v1/import/prometheus"),
                samples.read(), timeout=120)
        assert answer.status == 204, answer.text

    def settle(self):
        for path in ("/internal/force_flush", "/internal/force_merge"):
            http.get(self.url(path), timeout=300)


class WithBlocks(Prometheus):
    """With a history of its own, kept."""

    def command(self):
        return super().command() + [
            "--storage.tsdb.retention.time=100y",
            "--query.max-samples=1000000000", "--query.timeout=10m"]

    def settle(self):
        """Blocks that were made one by one are compacted in the background,
        as those of a Prometheus that ran for a month are."""
        last, since = None, time.monotonic()

        def quiet():
            nonlocal last, since
            now = len(os.listdir(os.path.join(self.directory, "tsdb")))
            if now != last:
                last, since = now, time.monotonic()
            return time.monotonic() - since > 20
        await_true(quiet, 600, "compaction has ended", interval=1)


def make_history(path):
    """Prints, besides, how long the questions take on it."""
    done = subprocess.run(
        [os.path.join(BUILD, "bench/history"), str(SERIES), str(DAYS), "8",
         "0", path], capture_output=True, text=True, check=True)
    for line in done.stdout.splitlines():
        if line.startswith("history_all_30d "):
            return float(line.split()[1])
    raise AssertionError(done.stdout)


def load(database, directory, tsdb, victoria):
    texts = [os.path.join(directory, n) for n in ("openmetrics", "plain")]
    first = END - DAYS * 86400
    first -= first % BLOCK
    for begin in range(first, END, BLOCK):
        subprocess.run(
            [os.path.join(BUILD, "bench/samples"), database, str(begin),
             str(min(begin + BLOCK, END)), *texts], check=True)
        victoria.load(texts[1])
        if os.path.getsize(texts[1]) > 0:
            subprocess.run(
                [server("promtool"), "tsdb", "create-blocks-from",
                 "openmetrics", texts[0], tsdb], check=True,
                stdout=subprocess.DEVNULL)
    for text in texts:
        os.unlink(text)


def ask(url, **more):
    """Milliseconds, and the uptimes by instance."""
    import urllib.parse
    query = urllib.parse.urlencode({"query": QUERY, "time": END - 1, **more})
    began = time.monotonic()
    answer = http.get(url + "?" + query, timeout=600)
    took = (time.monotonic() - began) * 1000
    assert answer.status == 200, answer.text
    return took, {r["metric"]["instance"]: float(r["value"][1])
                  for r in answer.json()["data"]["result"]}


def uptimes(database):
    done = subprocess.run(
        [BINARY, "uptime", "--instances", "--format=json",
         "--storage.path", database, "--from", str(END - DAYS * 86400),
         "--to", str(END)], capture_output=True, text=True, check=True)
    return {r["service_name"] + "/" + r["instance_id"]: r["uptime"]
            for r in json.loads(done.stdout)}


def check(name, ours, theirs):
    """A sample stands for 15 s, and a restart of rollcall hides 30."""
    assert set(ours) == set(theirs), (name, len(ours), len(theirs))
    worst = max(abs(ours[k] - theirs[k]) for k in ours)
    print("# %s differs by %.6f at most" % (name, worst))
    assert worst < 0.0005, (name, worst)


def measure_peer(name, url, ours, **more):
    took = []
    for _ in range(ASKED):
        ms, theirs = ask(url, **more)
        took.append(ms)
    check(name, ours, theirs)
    emit("history_peers_" + name, statistics.median(took), "ms")
    print("# %.1f to %.1f ms" % (min(took), max(took)))


def main():
    with tempfile.TemporaryDirectory() as directory:
        database = os.path.join(directory, "rollcall.db")
        took = make_history(database)
        emit("history_peers_rollcall", took, "ms")
        emit("history_peers_rollcall_2", took, "ms")    # to the other one
        ours = uptimes(database)
        prometheus = WithBlocks(os.path.join(directory, "prometheus"))
        victoria = VictoriaMetrics(os.path.join(directory, "victoria"))
        tsdb = os.path.join(prometheus.directory, "tsdb")
        os.makedirs(tsdb, exist_ok=True)
        victoria.start()
        try:
            load(database, directory, tsdb, victoria)
            victoria.settle()
            measure_peer("victoria", victoria.url("/api/v1/query"), ours,
                         nocache=1)
        finally:
            victoria.stop()
        prometheus.start()
        try:
            prometheus.settle()
            measure_peer("prometheus", prometheus.url("/api/v1/query"), ours)
        finally:
            prometheus.stop()


if __name__ == "__main__":
    sys.exit(main())
