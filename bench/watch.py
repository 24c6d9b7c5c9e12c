"""Does the watch keep up with everything that etcd takes?  64 writers beat as
fast as they are answered, on the same machine; afterwards rollcall must have
been told every write, each once, without a resync.

    bench/run watch         PLAIN_SECONDS=5 SECONDS=0 WRITERS=64 KEYS=1000 by
                            default; 0 seconds leave one out
    bench/run watch_checked         SECONDS=60 PLAIN_SECONDS=0
    DELAY_US=500 bench/run watch    with a round trip of 1 ms to etcd: in a
                                    network namespace with netem where that can
                                    be had (then for the writers, too, of whom
                                    there are 128), else through slowline.c

For SECONDS with --log.level=debug, when each event that goes into the roll is a
line with its index and key: these are held to the writers' own log, one by one,
and those lost or doubled are named.  Before that for PLAIN_SECONDS as people
run it, for what it costs: then only the number of events is known.  Prints
lines `name value unit`; ends with 1 if an event was lost, told twice or found
by a resync."""
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
from support.writers import Writers, build, compare, told    # noqa: E402

DELAY_US = int(os.environ.get("DELAY_US", "0"))
SECONDS = float(os.environ.get("SECONDS", "0"))
PLAIN_SECONDS = float(os.environ.get("PLAIN_SECONDS", "5"))
INSIDE = "INSIDE" in os.environ         # the namespace
WRITERS = int(os.environ.get("WRITERS", "128" if INSIDE else "64"))
KEYS = int(os.environ.get("KEYS", "1000"))
PATIENCE = 30
NAMED = 5               # of the events lost or doubled
FAULTS = ("watch_lost", "watch_doubled", "watch_resyncs", "watch_miscounted",
          "watch_plain_resyncs")
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
    """What it costs, as (name, value, unit)."""
    before = events(rollcall), polls(etcd), cpu(rollcall), cpu(etcd)
    writes, took, log = writers.run(etcd, "/s", PLAIN_SECONDS,
                                    writers=WRITERS, keys=KEYS)
    ended = time.monotonic()
    late = await_events(rollcall, before[0] + writes) - ended
    counted = events(rollcall) - before[0]
    turn = rollcall.metric("rollcall_loop_longest_turn_seconds")
    return [
        ("watch_writes", writes, "events"),
        ("watch_write_rate", writes / took, "1/s"),
        ("watch_miscounted", writes - counted, "events"),
        ("watch_plain_resyncs", resyncs(rollcall), "resyncs"),
        ("watch_keys_written", len(set(log.values())), "keys"),
        ("watch_late_at_the_end", late * 1e3, "ms"),
        ("watch_polls_per_event", (polls(etcd) - before[1]) / writes, "polls"),
        ("watch_cpu_per_event", (cpu(rollcall) - before[2]) / writes * 1e6,
         "us"),
        ("watch_etcd_cpu_per_write", (cpu(etcd) - before[3]) / writes * 1e6,
         "us"),
        ("watch_longest_turn", turn * 1e3, "ms"),
    ]


def name_some(what, found):
    if found:
        print("# %s: %s%s" % (what, ", ".join(
            "%d %s" % event for event in found[:NAMED]),
            ", ..." if len(found) > NAMED else ""))


def check(etcd, rollcall, writers):
    """Index by index, as (name, value, unit)."""
    before = events(rollcall)
    writes, _, written = writers.run(etcd, "/s", SECONDS, writers=WRITERS,
                                     keys=KEYS)
    await_events(rollcall, before + writes)
    dropped = rollcall.metric("rollcall_log_dropped_total")
    resynced = resyncs(rollcall)
    rollcall.stop()         # and the log is written
    with open(rollcall.output, closefd=False) as log:
        log.seek(0)
        lost, doubled = compare(written, told(log.read()))
    name_some("lost", lost)
    name_some("doubled", doubled)
    if dropped:
        print("# %d lines of the log were dropped: of the events lost, some "
              "may have come" % dropped)
    return [("watch_compared", writes, "events"),
            ("watch_lost", len(lost), "events"),
            ("watch_doubled", len(doubled), "events"),
            ("watch_resyncs", resynced, "resyncs")]


def run(directory):
    """The figures; everything is stopped afterwards."""
    etcd = Etcd(directory + "/etcd").start()
    started, url, figures = [etcd], etcd.url(), []
    writers = Writers(directory)
    try:
        if DELAY_US and not INSIDE:
            line = SlowLine(directory, etcd)
            started.append(line.start())
            url = line.url()
        for judge, level, seconds in ((measure, "info", PLAIN_SECONDS),
                                      (check, "debug", SECONDS)):
            if seconds == 0:
                continue
            rollcall = Rollcall(
                os.path.join(directory, level), [url],
                [{"path": "/s", "service_name": "s"}],
                arguments=["--log.level=" + level])
            # No disk: where that stands still, lines are dropped.
            rollcall.output = os.memfd_create("log")
            started.append(rollcall.start())
            rollcall.await_looking()
            figures += judge(etcd, rollcall, writers)
            rollcall.stop()
        return figures
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
    return any(found.get(name, 0) != 0 for name in FAULTS)


if __name__ == "__main__":
    sys.exit(main())
