"""The program under test.  ROLLCALL names another binary than build/rollcall,
ROLLCALL_VALGRIND runs it under valgrind."""
import csv
import io
import json
import os
import re
import shutil
import signal
import subprocess

from . import exposition, http
from .process import Process, free_port
from .servers import TOP
from .wait import await_true

BINARY = os.environ.get("ROLLCALL") or os.path.join(TOP, "build/rollcall")
VALGRIND = ["valgrind", "--quiet", "--error-exitcode=99", "--leak-check=full",
            "--errors-for-leak-kinds=definite", "--num-callers=30"]
TEXT = "text/plain;version=0.0.4"
OPENMETRICS = "application/openmetrics-text;version=1.0.0"
_FIELD = re.compile(r'([^\s=]+)=("(?:[^"\\]|\\.)*"|\S*)')
_REPORT = re.compile(r"Sanitizer|runtime error:|^==\d+== ", re.M)
# Sanitizers and valgrind slow it down; waits are longer with them.
SLOW = 4 if "ROLLCALL_VALGRIND" in os.environ or re.search(
    "/[at]san/", BINARY) else 1


def command_line(*arguments, timeout=20, **options):
    """Runs a subcommand to its end."""
    return subprocess.run([BINARY, *arguments], capture_output=True,
                          text=True, timeout=timeout * SLOW, **options)


def _parse_fields(line):
    return {k: json.loads(v) if v.startswith('"') else v
            for k, v in _FIELD.findall(line)}


class Rollcall(Process):
    """endpoints: of one cluster named "im", or clusters= for all of it.
    directories: dicts as in rollcall.yml.  webhook, alertmanagers: URLs.
    config: any other top-level keys; cluster: other keys of the cluster."""

    name = "rollcall"

    def __init__(self, directory, endpoints=(), directories=(), services=(),
                 webhook=None, alertmanagers=(), clusters=None, cluster=None,
                 config=None, arguments=()):
        super().__init__(directory)
        self.port = free_port()
        self.storage = os.path.join(self.directory, "rollcall.db")
        self.config_path = os.path.join(self.directory, "rollcall.yml")
        self.arguments = list(arguments)
        self.config = {
            "clusters": clusters or [{
                "name": "im", "endpoints": list(endpoints),
                "poll_interval": "1s", "directories": list(directories),
                "services": list(services), **(cluster or {})}],
            "storage": {"path": self.storage},
            **(config or {})}
        if alertmanagers:
            self.config["alertmanagers"] = [{"url": u} for u in alertmanagers]
        self.notify = None
        if webhook:
            self.config["notify_file"] = os.path.join(
                self.directory, "notify.yml")
            self.notify = {
                "route": {"receiver": "hook"},
                "receivers": [{"name": "hook", "webhook_configs": [
                    {"url": webhook, "send_resolved": True}]}]}

    # --- running it ---

    def url(self, path=""):
        return "http://127.0.0.1:%d%s" % (self.port, path)

    def address(self):
        return "127.0.0.1:%d" % self.port

    def write_config(self):
        with open(self.config_path, "w") as f:
            json.dump(self.config, f, indent=1)     # JSON is YAML
        if self.notify:
            with open(self.config["notify_file"], "w") as f:
                json.dump(self.notify, f, indent=1)

    def command(self):
        self.write_config()
        wrapper = VALGRIND if "ROLLCALL_VALGRIND" in os.environ else []
        return wrapper + [
            BINARY, "serve", "--config.file", self.config_path,
            "--web.listen-address", self.address()] + self.arguments

    def is_ready(self):
        return http.get(self.url("/-/ready"), timeout=2).status == 200

    def start(self, wait=True, timeout=20):
        return super().start(wait, timeout * SLOW)

    def stop(self, timeout=8):
        """SIGTERM must end it in order, with nothing to report."""
        code = super().stop(timeout * SLOW)
        if code is not None:
            assert code == 0, "exit code %s:\n%s" % (code, self.log_tail())
            self.check_reports()
        return code

    def check_reports(self):
        report = _REPORT.search(self.log())
        assert not report, "a sanitizer or valgrind reports:\n%s" % (
            self.log()[report.start():][:6000])

    def reload(self):
        self.write_config()
        self.signal(signal.SIGHUP)

    # --- what it shows ---

    def get(self, path, **options):
        return http.get(self.url(path), **options)

    def exposition(self, accept=TEXT):
        answer = self.get("/metrics", headers={"Accept": accept})
        assert answer.status == 200, "%d %s" % (answer.status, answer.text)
        return answer

    def metrics(self):
        return exposition.parse(self.exposition().text)

    def samples(self, name, **labels):
        return exposition.select(self.metrics(), name, **labels)

    def metric(self, name, **labels):
        """The value of the one sample with these labels, None if there is
        none."""
        found = self.samples(name, **labels)
        assert len(found) < 2, "%s %s is not one: %s" % (name, labels, found)
        return found[0][1] if found else None

    def await_metric(self, name, value, timeout=10, **labels):
        """value may be None (no such series) or a function."""
        test = value if callable(value) else lambda v: v == value
        return await_true(
            lambda: (test(self.metric(name, **labels)), True)[0],
            timeout * SLOW, lambda: "%s %s to be %s, it is %s" % (
                name, labels, value, self.samples(name, **labels)))

    def await_looking(self, timeout=15):
        self.await_metric("rollcall_looking", 1, timeout)

    def log_lines(self, **fields):
        """The log as a list of dicts, those with these fields: a value, or a
        function of it."""
        def matches(line):
            return all(
                wanted(line.get(k)) if callable(wanted)
                else line.get(k) == wanted for k, wanted in fields.items())
        lines = [_parse_fields(x) for x in self.log().splitlines()]
        return [x for x in lines if x and matches(x)]

    def await_log(self, timeout=10, count=1, **fields):
        return await_true(
            lambda: self.log_lines(**fields)[count - 1:], timeout * SLOW,
            lambda: "log line %s; the log:\n%s" % (
                fields, self.log_tail()))[0]

    def events(self, *arguments, format="json"):
        """What `rollcall events` tells, as a list of dicts, oldest first."""
        done = command_line("events", "--storage.path", self.storage,
                            "--format", format, *arguments)
        assert done.returncode == 0, done.stderr
        if format == "json":
            return json.loads(done.stdout)
        if format == "csv":
            return list(csv.DictReader(io.StringIO(done.stdout)))
        return done.stdout

    def leaves(self, *causes):
        """Events of instances that went, of these causes."""
        return [e for e in self.events() if e["cause"] in causes]

    def await_events(self, condition, timeout=10, what="events"):
        """The writer commits a little after the loop: waits for history."""
        def asked():
            events = self.events()
            return events if condition(events) else None
        return await_true(asked, timeout * SLOW, lambda: "%s, there is %s" % (
            what, self.events()), interval=0.1)

    def query_database(self, sql, *parameters):
        """Reads the database beside the daemon."""
        import sqlite3
        connection = sqlite3.connect(
            "file:%s?mode=ro" % self.storage, uri=True, timeout=5)
        try:
            connection.row_factory = sqlite3.Row
            return [dict(r) for r in connection.execute(sql, parameters)]
        finally:
            connection.close()

    def forget_history(self):
        for end in ("", "-wal", "-shm", ".lock"):
            path = self.storage + end
            if os.path.isdir(path):
                shutil.rmtree(path)
            elif os.path.exists(path):
                os.unlink(path)
