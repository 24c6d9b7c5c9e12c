"""What the scripts of bench/ have in common: printing a figure, what a process
uses, scrapers, and the servers of tests/e2e."""
import contextlib
import os
import re
import socket
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "../tests/e2e"))
# pylint: disable=wrong-import-position
from support.rollcall import Rollcall               # noqa: E402
from support.wait import await_true                 # noqa: E402

MB = 1e6
MIB = 1 << 20


def emit(name, value, unit=""):
    print("%s %.6g %s" % (name, value, unit), flush=True)


def note(text):
    """For the eye."""
    print("# " + text, flush=True)


def setting(name, default):
    """Of the environment, as a number of the default's kind."""
    return type(default)(os.environ.get(name, default))


def percentile(values, p):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * p / 100))]


def label(count):
    """1k, 100k, 1m"""
    return "%dm" % (count // 1000000) if count >= 1000000 else "%dk" % (
        count // 1000)


# --- what a process uses ---

def _fields(path):
    with open(path) as f:
        return dict(re.findall(r"^(\w+):\s+(\d+) kB", f.read(), re.M))


def resident(pid):
    return int(_fields("/proc/%d/status" % pid)["VmRSS"]) * 1024


def settled(pid):
    """What is resident once nothing moves any more: the least of some looks.
    The minute's uptime takes more for a moment: listing.py tells how much."""
    seen = []
    for _ in range(12):
        time.sleep(0.25)
        seen.append(resident(pid))
    return min(seen)


def peak(pid):
    return int(_fields("/proc/%d/status" % pid)["VmHWM"]) * 1024


def forget_peak(pid):
    with open("/proc/%d/clear_refs" % pid, "w") as f:
        f.write("5")


def proportional(pid):
    return int(_fields("/proc/%d/smaps_rollup" % pid)["Pss"]) * 1024


def cpu_seconds(pid):
    """Of all its threads that live, to the nanosecond; /proc/PID/stat counts
    ticks of 10 ms."""
    total = 0
    for task in os.listdir("/proc/%d/task" % pid):
        try:
            with open("/proc/%d/task/%s/schedstat" % (pid, task)) as f:
                total += int(f.read().split()[0])
        except FileNotFoundError:
            pass
    return total / 1e9


# --- scraping ---

def scrape(port, gzip=False, path="/metrics", timeout=60):
    """Reads an answer whole and throws it away: (status, bytes of body,
    seconds to the last byte).  Answers end with their length, with the last
    chunk, or with the connection."""
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout) as s:
        s.sendall((
            "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            "Accept: text/plain;version=0.0.4\r\n%s\r\n" % (
                path, "Accept-Encoding: gzip\r\n" if gzip else "")).encode())
        buffer, head, read = bytearray(1 << 20), b"", 0
        while True:
            n = s.recv_into(buffer)
            if n == 0:
                break
            if b"\r\n\r\n" not in head:
                head += buffer[:n]
            read += n
    took = time.monotonic() - began
    status = int(head.split(b" ", 2)[1]) if head else 0
    return status, read - head.find(b"\r\n\r\n") - 4, took


class Scraper:
    """Scrapes over and over until stopped."""

    def __init__(self, port, gzip, every=1.0):
        self.port, self.gzip, self.every = port, gzip, every
        self.done = []          # (status, bytes, seconds)
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join(60)

    def _run(self):
        while not self.ended.is_set():
            began = time.monotonic()
            try:
                self.done.append(scrape(self.port, self.gzip))
            except OSError:
                self.done.append((0, 0, 0))
            self.ended.wait(max(0, self.every - (time.monotonic() - began)))


def figure(rollcall, name):
    """One sample without labels, or with any; None if there is no answer:
    what is too large for the tests' strict reader."""
    # Nothing else: the text of a million instances would be memory, too.
    answer = rollcall.get("/metrics?name[]=" + name, timeout=60)
    found = re.search(rb"^%s(?:\{[^\n]*\})? (\S+)$" % name.encode(),
                      answer.body, re.M)
    return float(found.group(1)) if answer.status == 200 and found else None


def longest_turn_ms(rollcall):
    value = figure(rollcall, "rollcall_loop_longest_turn_seconds")
    return None if value is None else 1e3 * value


# --- what is measured ---

@contextlib.contextmanager
def sandbox():
    """sandbox(thing) starts a thing and stops it at the end; its directory
    is sandbox.directory."""
    with tempfile.TemporaryDirectory(prefix="rollcall-bench.") as directory:
        things = []

        def start(thing):
            things.append(thing)
            return thing.start()
        start.directory = directory
        try:
            yield start
        finally:
            for thing in reversed(things):
                thing.stop()


class Measured(Rollcall):
    """rollcall as people run it: polls every 15 s.  A million rows take a
    while to be written when it ends."""

    def __init__(self, *arguments, **options):
        options.setdefault("cluster", {"poll_interval": "15s"})
        super().__init__(*arguments, **options)

    def stop(self, timeout=60):
        return super().stop(timeout)

    def await_log_looking(self, timeout=120):
        """Without a scrape, which would count."""
        self.await_log(timeout, msg="looking")

    def await_recorded(self, count, timeout=120):
        """That many periods are committed."""
        def committed():
            return self.query_database(
                "SELECT count(*) AS n FROM periods")[0]["n"]
        await_true(lambda: committed() >= count, timeout, lambda:
                   "%d periods committed, there are %d; its log:\n%s" % (
                       count, committed(), self.log_tail()), interval=0.25)
