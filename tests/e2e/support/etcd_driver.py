"""The client of etcd/, driven through support/etcd_driver.c: what a test asks
goes in as one line of JSON, what came of it comes out as another."""
import atexit
import functools
import json
import os
import queue
import re
import shutil
import signal
import subprocess
import tempfile
import threading

import pytest

from .process import Process
from .rollcall import BINARY, SLOW
from .servers import TOP
from .wait import await_true

REPORT = re.compile(r"Sanitizer|runtime error:|^==\d+== ", re.M)
BUILD = os.path.dirname(os.path.abspath(BINARY))
LIBRARIES = ("libcurl", "libcjson", "yaml-0.1")


def _pkg_config(what):
    return subprocess.run(["pkg-config", what, *LIBRARIES], check=True,
                          capture_output=True, text=True).stdout.split()


def _sanitizers(archive):
    """As the archive was compiled."""
    with open(archive, "rb") as f:
        code = f.read()
    for sign, name in ((b"__asan_", "address,undefined"),
                       (b"__tsan_", "thread")):
        if sign in code:
            return ["-fsanitize=" + name, "-fno-sanitize-recover=all"]
    return []


@functools.lru_cache(None)
def program():
    """Built once per test run, on the archives beside the binary that is
    tested."""
    directory = tempfile.mkdtemp(prefix="etcd_driver.")
    atexit.register(shutil.rmtree, directory, True)
    built = os.path.join(directory, "etcd_driver")
    archives = [os.path.join(BUILD, name) for name in ("etcd.a", "core.a")]
    subprocess.run(
        ["gcc", "-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-O1", "-g",
         *_sanitizers(archives[1]), "-I" + TOP, *_pkg_config("--cflags"),
         "-o", built, os.path.join(os.path.dirname(__file__),
                                   "etcd_driver.c"),
         *archives, *_pkg_config("--libs"), "-lpthread", "-lm"], check=True)
    return built


class Driver(Process):
    """One client.  do() asks and waits for the answer; begin() and end() are
    the two halves of it.  way: "do", "send" or "start" (etcd_driver.c)."""

    name = "driver"

    def __init__(self, directory, urls, http=None, deadline_ms=None,
                 attempt_ms=None, way="do"):
        super().__init__(directory)
        self.urls = [urls] if isinstance(urls, str) else list(urls)
        self.options = {"--http": http, "--deadline": deadline_ms,
                        "--attempt": attempt_ms}
        self.way = way
        self.lines = queue.Queue()

    def command(self):
        options = [str(word) for option in self.options.items()
                   if option[1] is not None for word in option]
        return [program(), *options, *self.urls]

    def start(self):
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                self.command(), stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=log, cwd=self.directory)
        threading.Thread(target=self._read, daemon=True).start()
        return self

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put(None)

    def stop(self):
        """The end of its input must end it in order, with nothing to
        report."""
        if not self.process:
            return
        self.process.stdin.close()
        try:
            code = self.process.wait(10 * SLOW)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        self.process = None
        log = self.log()
        assert code == 0 and not REPORT.search(log), "exit %s:\n%s" % (
            code, log[-6000:])

    def begin(self, op, **fields):
        fields.setdefault("way", self.way)
        line = json.dumps({"op": op, **fields}) + "\n"
        self.process.stdin.write(line.encode())
        self.process.stdin.flush()

    def end(self, timeout=20):
        try:
            line = self.lines.get(timeout=timeout * SLOW)
        except queue.Empty:
            raise AssertionError("no answer of the driver")
        assert line is not None, "the driver ended:\n" + self.log_tail()
        return json.loads(line)

    def do(self, op, timeout=20, **fields):
        self.begin(op, **fields)
        return self.end(timeout)

    def ok(self, op, *key_and_value, **fields):
        """The same, and it has to succeed."""
        fields.update(zip(("key", "value"), key_and_value))
        result = self.do(op, **fields)
        assert result["outcome"] == "ok", result["text"]
        assert result["text"] == ""
        return result

    def fails(self, code, op, *key_and_value, **fields):
        """The same, and etcd has to say no with this errorCode."""
        fields.update(zip(("key", "value"), key_and_value))
        result = self.do(op, **fields)
        assert result["outcome"] == "error", result
        assert result["error_code"] == code, result["text"]
        return result

    def value(self, key, **fields):
        return self.ok("get", key, **fields)["node"]["value"]

    def follow(self, key, count=0, **fields):
        """News as they come, to be iterated over, which ends behind `count`
        of them, or the one that tells the key `until`, or `timeout_ms`
        without any."""
        self.begin("follow", key=key, count=count, **fields)
        return iter(self.end, {"news": "end"})


def freeze(process):
    """SIGSTOP, and it has stopped."""
    process.process.send_signal(signal.SIGSTOP)

    def stopped():
        with open("/proc/%d/stat" % process.process.pid) as f:
            return f.read().rsplit(")", 1)[1].split()[0] == "T"
    await_true(stopped, what="the process to stop")


@pytest.fixture(scope="module")
def new_driver(tmp_path_factory):
    """new_driver(urls, ...): see Driver."""
    drivers = []

    def new(urls, **options):
        drivers.append(Driver(tmp_path_factory.mktemp("driver"), urls,
                              **options).start())
        return drivers[-1]
    yield new
    for driver in drivers:
        driver.stop()


@pytest.fixture(scope="module", params=["do", "send", "start"])
def driver(request, etcd, new_driver):
    """In each way of calling; `etcd` is the test's."""
    return new_driver(etcd.url(), way=request.param)
