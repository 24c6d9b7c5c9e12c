"""`rollcall discover --watch`: a program whose standard output is read line by
line, each with the time at which it came."""
import collections
import json
import os
import signal
import subprocess
import threading
import time

import pytest

from .etcd import Etcd
from .process import GUARD, Process, _running
from .rollcall import (BINARY, SLOW, VALGRIND, _parse_fields, _REPORT,
                       command_line)
from .wait import Timeout, await_true

DIRECTORY = "/login_servers"
LOGIN1 = '{"ip":"10.0.0.7","port":8008,"http_port":8080}'
LOGIN2 = '{"ip":"10.0.0.8","port":8008,"http_port":8080}'
ONE = DIRECTORY + "/0001-0001"
TWO = DIRECTORY + "/0001-0002"


def discover(endpoints, *arguments, directories=(DIRECTORY,), **options):
    """One shot: what `rollcall discover` says."""
    return command_line(
        "discover", *("--etcd.endpoint=" + u for u in endpoints),
        *("--directory=" + d for d in directories), *arguments, **options)


class Discoverer(Process):
    """Its changes are told in JSON unless arguments have another format."""

    name = "discover"

    def __init__(self, directory, endpoints, arguments=(),
                 directories=(DIRECTORY,)):
        super().__init__(directory)
        self.arguments = ["--etcd.endpoint=" + u for u in endpoints]
        self.arguments += ["--directory=" + d for d in directories]
        if not any(a.startswith("--format=") for a in arguments):
            self.arguments.append("--format=json")
        self.arguments += arguments
        self.stdout = None      # a descriptor in place of the pipe
        self.lines = []         # (monotonic time, text)
        self.condition = threading.Condition()
        self.reader = None

    def command(self):
        wrapper = VALGRIND if "ROLLCALL_VALGRIND" in os.environ else []
        return wrapper + [BINARY, "discover", "--watch"] + self.arguments

    def start(self, wait=True, timeout=20):
        assert not self.alive(), "%s runs already" % self.name
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                GUARD + self.command(), stdin=subprocess.DEVNULL, stderr=log,
                stdout=subprocess.PIPE if self.stdout is None
                else self.stdout, cwd=self.directory,
                env={**os.environ, **self.environment})
        _running[self.process.pid] = self
        if self.stdout is None:
            self.reader = threading.Thread(target=self._read, daemon=True)
            self.reader.start()
        return self

    def _read(self):
        for line in self.process.stdout:
            with self.condition:
                self.lines.append((time.monotonic(), line.decode().rstrip(
                    "\n")))
                self.condition.notify_all()

    def stop(self, timeout=1):
        """SIGTERM must end it within a second, with nothing to report.  No
        SIGCONT behind it: that would take back the SIGSTOP with which
        LeakSanitizer looks at a process that ends."""
        if not self.alive():
            self.check_reports()
            return None
        self.resume()
        self.signal(signal.SIGTERM)
        try:
            code = self.wait(timeout * SLOW)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError("not ended within %g s of SIGTERM:\n%s" % (
                timeout * SLOW, self.log_tail()))
        assert code == 0, "exit code %s:\n%s" % (code, self.log_tail())
        self.check_reports()
        return code

    def check_reports(self):
        report = _REPORT.search(self.log())
        assert not report, "a sanitizer or valgrind reports:\n%s" % (
            self.log()[report.start():][:6000])

    # --- what it says ---

    def text(self):
        with self.condition:
            return [text for _, text in self.lines]

    def await_lines(self, count, timeout=10):
        """So many lines, or more: (time, text) each."""
        deadline = time.monotonic() + timeout * SLOW
        with self.condition:
            while len(self.lines) < count:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise Timeout("%d of %d lines:\n%s\nthe log:\n%s" % (
                        len(self.lines), count, "\n".join(
                            text for _, text in self.lines),
                        self.log_tail()))
                self.condition.wait(left)
            return list(self.lines)

    def changes(self):
        """(change, instance_id, value) of each line of JSON."""
        return [(c["change"], c["instance_id"], c["value"])
                for c in map(json.loads, self.text())]

    def await_changes(self, count, timeout=10):
        self.await_lines(count, timeout)
        return self.changes()

    def story(self):
        """instance_id -> its changes as (change, value), in their order."""
        story = collections.defaultdict(list)
        for change, instance_id, value in self.changes():
            story[instance_id].append((change, value))
        return dict(story)

    def log_lines(self, **fields):
        lines = [_parse_fields(x) for x in self.log().splitlines()]
        return [x for x in lines if x and all(
            x.get(k) == v for k, v in fields.items())]

    def await_log(self, timeout=10, count=1, **fields):
        return await_true(
            lambda: self.log_lines(**fields)[count - 1:], timeout * SLOW,
            lambda: "log line %s; the log:\n%s" % (
                fields, self.log_tail()))[0]


# --- fixtures, for the tests that import them ---


@pytest.fixture
def watching(started, tmp_path):
    """watching(endpoints, *arguments, start=True, ...): see Discoverer."""
    def make(endpoints, *arguments, start=True, name="discover", **options):
        return started(Discoverer(tmp_path / name, endpoints, arguments,
                                  **options), start)
    return make


@pytest.fixture(scope="module")
def shared_etcd(tmp_path_factory):
    """One for all tests that do it no harm."""
    etcd = Etcd(tmp_path_factory.mktemp("etcd")).start()
    yield etcd
    etcd.kill()


@pytest.fixture
def etcd(shared_etcd):
    for node in shared_etcd.get("/").get("nodes", ()):
        shared_etcd.delete(node["key"], bool(node.get("dir")))
    return shared_etcd


@pytest.fixture
def own_etcd(started, tmp_path):
    return register(started(Etcd(tmp_path / "etcd")))


def register(etcd):
    etcd.put(ONE, LOGIN1, 600)
    etcd.put(TWO, LOGIN2, 600)
    return etcd


@pytest.fixture
def two(etcd):
    return register(etcd)
