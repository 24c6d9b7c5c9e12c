"""What can be counted instead of timed: requests that a quiet cluster gets, and
system calls that an event costs."""
import os
import re
import shutil
import signal
import subprocess
import time

import pytest

from support.counting import CountingProxy
from support.mass_etcd import DIRECTORY, MassEtcd
from support.rollcall import SLOW
from support.wait import await_true

POLL_INTERVAL = 15.0
ROUNDS = 5              # polls of the leader at each member
EVENTS = 1000
CALLS_PER_EVENT = 10    # 5.4: send, receive, and some waiting

# What may be asked how often, in seconds between two requests at a member.
PERIODS = {
    "/v2/members/leader": 1.0,
    "/v2/keys/ ": 0.97,         # the index
    "/version": POLL_INTERVAL,
    "/health": POLL_INTERVAL,
    "/v2/members ": POLL_INTERVAL,
    "/v2/stats/self": POLL_INTERVAL,
    "/v2/stats/leader": POLL_INTERVAL,
    "/v2/stats/store": POLL_INTERVAL,
}


def test_requests_to_a_quiet_cluster(etcd_cluster, started, beats, rollcall):
    """Heartbeats that nobody sees, and nothing else: each endpoint is polled
    at its pace, the directory followed at one member by a poll or two."""
    services = beats(etcd_cluster)
    for n in range(20):
        services.register("/s/%02d" % n, ttl=60)
    proxies = [started(CountingProxy(m.port)) for m in etcd_cluster.members]
    began = time.monotonic()
    watched = rollcall([p.url() for p in proxies],
                       [{"path": "/s", "service_name": "s"}],
                       cluster={"poll_interval": "15s"})
    watched.await_looking()
    await_true(lambda: all(p.count("/v2/members/leader") >= ROUNDS
                           for p in proxies), 30 * SLOW,
               "%d polls at each member" % ROUNDS, interval=0.2)
    took = time.monotonic() - began

    for proxy in proxies:
        for what, period in PERIODS.items():
            asked = sum((target + " ").startswith(what)
                        for _, target in list(proxy.requests))
            # At the start, at its pace, and again when it had no leader yet.
            assert asked <= took / period + 3, "%s: %d in %.1f s" % (
                what, asked, took)
    asked = [target for p in proxies for _, target in list(p.requests)]
    polls = sum("wait=true" in t for t in asked)
    listings = sum("quorum=true" in t for t in asked)
    assert 1 <= polls <= took / 7 + 4, asked
    assert 1 <= listings <= took / 15 + 2, asked
    known = sum((t + " ").startswith(tuple(PERIODS)) for t in asked)
    assert known + polls + listings == len(asked), asked
    assert watched.metric("rollcall_looking") == 1


def traceable():
    """Containers may forbid it, and Yama that of processes not one's own
    children, to all but root."""
    try:
        with open("/proc/sys/kernel/yama/ptrace_scope") as f:
            scope = int(f.read())
    except FileNotFoundError:
        scope = 0
    return shutil.which("strace") and (scope == 0 or (
        scope < 3 and os.geteuid() == 0)) and subprocess.run(
            ["strace", "-o", "/dev/null", "true"],
            capture_output=True).returncode == 0


@pytest.mark.skipif(not traceable(), reason="strace may not trace here")
def test_system_calls_per_event(started, tmp_path, rollcall):
    """A thousand heartbeats, each an event: what comes and goes over the
    wire, waiting included, and nothing for the disk or a scrape."""
    mass = started(MassEtcd(tmp_path / "etcd", 100))
    watched = rollcall([mass.url()], [DIRECTORY],
                       cluster={"poll_interval": "15s"})
    watched.await_looking()
    table = tmp_path / "calls"
    strace = subprocess.Popen(
        ["strace", "-c", "-f", "-qq", "-U", "calls,name", "-o", str(table),
         "-p", str(watched.pid)])
    try:
        def traced():
            with open("/proc/%d/status" % watched.pid) as f:
                return "TracerPid:\t%d\n" % strace.pid in f.read()
        await_true(traced, 20)
        mass.do("beat", EVENTS, "read")
        await_true(lambda: mass.state()["left"]["beat"] == 0, 60 * SLOW,
                   "%d events to be read" % EVENTS)
    finally:
        strace.send_signal(signal.SIGINT)
        strace.wait(20)
    calls = {name: int(n) for n, name in re.findall(
        r"^\s*(\d+)\s+(\w+)$", table.read_text(), re.M)}
    assert calls.pop("total") == sum(calls.values())
    assert sum(calls.values()) <= CALLS_PER_EVENT * EVENTS, calls
    for name in ("open", "openat", "fsync", "fdatasync", "pwrite64",
                 "clone", "clone3"):
        assert calls.get(name, 0) < EVENTS / 20, calls
