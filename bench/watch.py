"""Does the watch keep up with everything that etcd takes?  64 writers beat as
fast as they are answered, on the same machine; afterwards rollcall must have
been told every write, each once, without a resync.

    bench/run watch         SECONDS=60 WRITERS=64 KEYS=1000 by default
    DELAY_US=500 bench/run watch    with a round trip of 1 ms to etcd: in a
                                    network namespace with netem where that can
                                    be had (then for the writers, too, of whom
                                    there are 128), else through slowline.c

rollcall counts events by indexes that only rise, so as many events as writes
are these writes.  Prints lines `name value unit`; ends with 1 if an event was
lost, told twice or found by a resync."""
import os
import re
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../tests/e2e"))
# pylint: disable=wrong-import-position
from support import http                            # noqa: E402
from support.etcd import Etcd                       # noqa: E402
from support.process import Process, free_port     # noqa: E402
from support.rollcall import Rollcall               # noqa: E402
from support.writers import Writers, build          # noqa: E402

DELAY_US = int(os.environ.get("DELAY_US", "0"))
SECONDS = float(os.environ.get("SECONDS", "60"))
INSIDE = "INSIDE" in os.environ         # the namespace
WRITERS = int(os.environ.get("WRITERS", "128" if INSIDE else "64"))
KEYS = int(os.environ.get("KEYS", "1000"))
PATIENCE = 30
HERTZ = os.sysconf("SC_CLK_TCK")
POLLS = "etcd_debugging_store_watch_requests_total"


def slow_loopback(delay_us, *command):
    """A command that runs another one where each packet takes so long."""
    return ["unshare", "--net", "sh", "-ec",
            "ip link set lo up; tc qdisc add dev lo root netem "
            "limit 100000 delay %dus 2>/dev/null; exec \"$@\"" % delay_us,
            "sh", *command]


def has_netem():
    try:
        return subprocess.run(slow_loopback(1, "true"), check=False,
                              stderr=subprocess.DEVNULL).returncode == 0
    except OSError:
        return False


class SlowLine(Process):
    """The way from rollcall to etcd, with DELAY_US in each direction."""

    name = "slowline"

    def __init__(self, directory, etcd):
        super().__init__(directory)
        self.port = free_port()
        self.etcd = etcd
        self.program = build("slowline", self.directory)

    def url(self):
        return "http://127.0.0.1:%d" % self.port

    def command(self):
        return [self.program, str(self.port), str(self.etcd.port),
                str(DELAY_US)]

    def is_ready(self):
        return http.get(self.url() + "/version", timeout=2).status == 200


def cpu(process):
    """Seconds of CPU that it has had."""
    with open("/proc/%d/stat" % process.process.pid) as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / HERTZ


def polls(etcd):
    text = http.get(etcd.url() + "/metrics").text
    return float(re.search(r"^%s (\S+)" % POLLS, text, re.M).group(1))


def events(rollcall):
    return rollcall.metric("rollcall_watch_events_total")


def resyncs(rollcall):
    return sum(v for labels, v in rollcall.samples("rollcall_resyncs_total")
               if labels["reason"] != "start")


def await_events(rollcall, wanted):
    """When they were all there, or no more came."""
    until = time.monotonic() + PATIENCE
    while events(rollcall) < wanted and time.monotonic() < until:
        time.sleep(0.02)
    return time.monotonic()


def measure(etcd, rollcall, writers):
    """The figures, as (name, value, unit)."""
    before = events(rollcall), polls(etcd), cpu(rollcall), cpu(etcd)
    writes, took, log = writers.run(etcd, "/s", SECONDS, writers=WRITERS,
                                    keys=KEYS)
    ended = time.monotonic()
    late = await_events(rollcall, before[0] + writes) - ended
    told = events(rollcall) - before[0]
    turn = rollcall.metric("rollcall_loop_longest_turn_seconds")
    return [
        ("watch_writes", writes, "events"),
        ("watch_write_rate", writes / took, "1/s"),
        ("watch_events_missing", writes - told, "events"),
        ("watch_keys_written", len(set(log.values())), "keys"),
        ("watch_resyncs", resyncs(rollcall), "resyncs"),
        ("watch_late_at_the_end", late * 1e3, "ms"),
        ("watch_polls_per_event", (polls(etcd) - before[1]) / writes, "polls"),
        ("watch_cpu_per_event", (cpu(rollcall) - before[2]) / writes * 1e6,
         "us"),
        ("watch_etcd_cpu_per_write", (cpu(etcd) - before[3]) / writes * 1e6,
         "us"),
        ("watch_longest_turn", turn * 1e3, "ms"),
    ]


def run(directory):
    """The figures; everything is stopped afterwards."""
    etcd = Etcd(directory + "/etcd").start()
    started, url = [etcd], etcd.url()
    try:
        if DELAY_US and not INSIDE:
            line = SlowLine(directory, etcd)
            started.append(line.start())
            url = line.url()
        rollcall = Rollcall(directory + "/rollcall", [url],
                            [{"path": "/s", "service_name": "s"}])
        started.append(rollcall.start())
        rollcall.await_looking()
        return measure(etcd, rollcall, Writers(directory))
    finally:
        for process in reversed(started):
            process.stop()


def main():
    if DELAY_US and not INSIDE and has_netem():
        os.environ["INSIDE"] = "1"
        command = slow_loopback(DELAY_US, sys.executable, *sys.argv)
        os.execvp(command[0], command)
    with tempfile.TemporaryDirectory() as directory:
        figures = run(directory)
    for name, value, unit in figures:
        print("%s %.6g %s" % (name, value, unit))
    found = {name: value for name, value, _ in figures}
    return found["watch_events_missing"] != 0 or found["watch_resyncs"] != 0


if __name__ == "__main__":
    sys.exit(main())
