"""`rollcall register` on real servers: it registers, beats, comes back, leaves,
fights nobody, and goes with the command that it started."""
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from support.etcd import Beats, Etcd, EtcdCluster, EtcdWithoutV2
from support.longpoll import LongPoll
from support.process import free_port
from support.registrar import Registrar
from support.rollcall import BINARY, SLOW
from support.secure_etcd import (GuardedEtcd, TlsEtcd, make_ca,
                                 make_certificate)
from support.wait import await_true, stays_true

VALUE = '{"ip":"10.0.0.7","port":8008}'
LEAVE = 2.0             # seconds that leaving takes at most


@pytest.fixture(scope="module")
def etcd(tmp_path_factory):
    """One for all tests that do it no harm: each has a directory of its
    own, see key()."""
    server = Etcd(tmp_path_factory.mktemp("etcd"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def key(request):
    return "/%s/0001-0001" % request.node.name.replace("[", "-").strip("]")


@pytest.fixture
def register(started, tmp_path, etcd, key):
    """Runs it on `etcd` with `key`, unless told otherwise."""
    count = 0

    def make(*flags, urls=None, command=None, ttl=2, value=VALUE,
             where=("key",), start=True):
        nonlocal count
        count += 1
        if "key" in where:
            flags = ("--key", key, "--value", value, "--ttl=%ds" % ttl, *flags)
        return started(Registrar(
            tmp_path / ("register-%d" % count), *flags, command=command,
            etcd=[etcd.url()] if urls is None else urls), start)
    return make


class Events(LongPoll):
    """What happens in the directory of a key, from now on."""

    def __init__(self, etcd, key):
        super().__init__(etcd.url(), os.path.dirname(key), etcd.index() + 1)

    def stop(self):
        self.ended = True
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)  # it waits there
        super().stop()


def events_of(started, etcd, key):
    return started(Events(etcd, key), start=False)


def actions(poll):
    return [event["action"] for _, event in poll.events]


def await_beats(etcd, key, count, timeout=15):
    """So many changes of modifiedIndex, of the same registration."""
    nodes = [await_true(lambda: etcd.get(key), timeout * SLOW, "the key")]

    def beaten():
        node = etcd.get(key)
        assert node, "the key has gone"
        if node["modifiedIndex"] != nodes[-1]["modifiedIndex"]:
            nodes.append(node)
        return len(nodes) > count
    await_true(beaten, timeout * SLOW, "%d beats" % count)
    return nodes


def expired(etcd):
    return etcd.status("/v2/stats/store")["expireCount"]


# --- one registration ---

@pytest.mark.valgrind
def test_registers_beats_and_leaves(register, etcd, key, started):
    r = register()
    line = r.await_registered()
    assert line["key"] == key and line["ttl_seconds"] == "2"
    poll = events_of(started, etcd, key)
    nodes = await_beats(etcd, key, 2)
    assert {n["createdIndex"] for n in nodes} == {nodes[0]["createdIndex"]}
    assert nodes[-1]["value"] == VALUE and nodes[-1]["ttl"] in (1, 2)
    assert poll.events == []            # nobody is woken by a beat
    began = time.monotonic()
    assert r.stop() == 0
    assert time.monotonic() - began < LEAVE * SLOW
    assert etcd.get(key) is None
    poll.await_events(1)
    assert actions(poll) == ["compareAndDelete"]
    assert len(r.log_lines()) == 3      # registered, stopping, deregistered


def test_killed_it_is_left_to_run_out(register, etcd, key, started):
    r = register(ttl=1)
    r.await_registered()
    poll = events_of(started, etcd, key)
    r.kill()
    poll.await_events(1)
    assert actions(poll) == ["expire"]


def test_a_deleted_key_comes_back(register, etcd, key):
    r = register()
    r.await_registered()
    first = etcd.get(key)
    etcd.delete(key)
    second = await_true(lambda: etcd.get(key), 5 * SLOW, "it comes back")
    assert second["createdIndex"] > first["createdIndex"]
    assert second["value"] == VALUE
    r.await_log(msg="registered", reason="the key had gone")
    await_beats(etcd, key, 1)


def test_its_own_key_is_taken_on_after_a_crash(register, etcd, key, started):
    first = register(ttl=60)
    first.await_registered()
    before = etcd.get(key)
    first.kill()
    poll = events_of(started, etcd, key)
    register(ttl=60).await_log(
        msg="registered", reason="it was there already, with this value")
    after = etcd.get(key)
    assert after["createdIndex"] == before["createdIndex"]
    poll.await_events(1)
    assert actions(poll) == ["compareAndSwap"]


def test_an_older_twin_takes_nothing_along(register, etcd, key, started):
    """A restart that overlaps: the same value, and the old one goes last."""
    older = register()
    older.await_registered()
    younger = register()
    younger.await_registered()
    poll = events_of(started, etcd, key)
    # Once it has beaten in turn with the other, it has noticed.
    older.await_log(reason="another process keeps the same key with the same"
                    " value")
    assert older.stop() == 0
    older.await_log(msg="not deregistered",
                    reason="another process keeps the key with the same"
                    " value")
    await_beats(etcd, key, 1)
    assert actions(poll) == []
    assert younger.stop() == 0
    assert etcd.get(key) is None or etcd.get(key)["ttl"] <= 2


def test_an_older_twin_that_has_not_beaten_since(register, etcd, key):
    older = register(ttl=60)
    older.await_registered()
    # before its first beat, which may come at any time
    younger = register(ttl=60)
    younger.await_registered()
    assert older.stop() == 0
    assert etcd.get(key)["value"] == VALUE
    assert older.log_lines(msg="not deregistered")


# --- another's ---

def test_another_that_is_alive_is_left_alone(register, etcd, key, started):
    beats = started(Beats(etcd), start=False)
    beats.register(key, "an\nother", ttl=2)
    r = register()
    assert r.end() == 1
    line = r.await_log(msg="registration refused")
    assert line["level"] == "error"
    for words in (key, '"an?other"', "--takeover", "another id"):
        assert words in line["reason"]
    assert etcd.get(key)["value"] == "an\nother"
    assert r.log_lines(level="warn")[0]["reason"].endswith(
        "looking whether it is alive, for up to 3 s")
    assert not beats.errors


def test_another_that_is_dead_is_waited_for(register, etcd, key, started):
    etcd.put(key, "other", ttl=1 * SLOW)
    poll = events_of(started, etcd, key)
    r = register()
    r.await_log(msg="registered", reason="the other's is gone")
    poll.await_events(2)
    assert actions(poll) == ["expire", "create"]
    (gone, _), (back, _) = poll.events
    assert back - gone < 0.5 * SLOW     # at once: it was watched


def test_takeover(register, etcd, key, started):
    etcd.put(key, "other", ttl=60)
    poll = events_of(started, etcd, key)
    r = register("--takeover")
    r.await_registered()
    assert etcd.get(key)["value"] == VALUE
    poll.await_events(1)
    assert actions(poll) == ["compareAndSwap"]
    assert 'writing over "other"' in r.await_log(level="warn")["reason"]


def test_a_permanent_leftover(register, etcd, key):
    etcd.put(key, "leftover")
    r = register(ttl=1)
    line = r.await_log(msg="not registered: the key is another's")
    assert "no TTL" in line["reason"]
    r.await_registered()
    node = etcd.get(key)
    assert node["value"] == VALUE and "expiration" in node


def test_a_permanent_key_that_is_in_use(register, etcd, key):
    etcd.put(key, "in use")
    r = register(ttl=4)
    r.await_log(msg="not registered: the key is another's")
    etcd.put(key, "in use")
    assert r.end() == 1
    assert "alive" in r.await_log(msg="registration refused")["reason"]


def test_overwritten_it_waits_for_its_turn(register, etcd, key):
    """Once registered, a conflict ends nothing and nobody is fought."""
    r = register("--takeover", ttl=1)
    r.await_registered()
    etcd.put(key, "usurper", ttl=2)
    r.await_log(msg="not registered: the key is another's")
    assert etcd.get(key)["value"] == "usurper"
    r.await_log(msg="registered", reason="the other's is gone")
    assert etcd.get(key)["value"] == VALUE


# --- with a command ---

@pytest.mark.parametrize("command, code", [
    (["true"], 0),
    (["sh", "-c", "sleep 0.3; exit 7"], 7),
    (["sh", "-c", "sleep 0.3; kill -KILL $$"], 128 + 9),
    (["/no/such/command"], 127),
    (["/etc/passwd"], 126),
], ids=["true", "seven", "killed", "missing", "no-program"])
def test_exit_code_of_the_command(register, etcd, key, command, code):
    r = register(command=command)
    assert r.end() == code
    assert etcd.get(key) is None
    slow = command[0] == "sh"
    assert bool(r.log_lines(msg="deregistered")) or not slow
    if code in (126, 127):
        line = r.await_log(msg="the command cannot be run")
        assert line["command"] == command[0] and line["err"]
        assert not r.log_lines(msg="registered")


def test_the_command_gets_a_clean_start(register, key):
    """Its own flags, no blocked or ignored signals, no descriptors."""
    script = ("import os, signal, sys\n"
              "print(sys.argv[1:])\n"
              "print(signal.pthread_sigmask(signal.SIG_BLOCK, []),"
              " int(signal.getsignal(signal.SIGTERM)))\n"
              "print(sorted(os.listdir('/proc/self/fd')))\n"
              "print([l.split()[1] for l in open('/proc/self/status')"
              " if l.startswith('SigBlk')])\n")
    r = register(command=[sys.executable, "-c", script, "--key=x", "--",
                          "-h"])
    assert r.end() == 0
    assert r.output_lines() == [
        "['--key=x', '--', '-h']", "set() 0",
        "['0', '1', '2', '3']", "['0000000000000000']"]


TRAPS = """
for s in HUP INT QUIT USR1 USR2; do trap "echo got $s" $s; done
trap 'echo got TERM; sleep %s; exit 3' TERM
echo ready
i=0
while [ $i -lt 4000 ]; do sleep 0.02; i=$((i + 1)); done
"""


def test_signals_are_passed_on(register, etcd, key):
    r = register(command=["sh", "-c", TRAPS % 0])
    r.await_registered()
    r.await_output("ready")
    for name in ("HUP", "QUIT", "USR1", "USR2"):
        r.signal(getattr(signal, "SIG" + name))
        r.await_output("got " + name)
    assert etcd.get(key)                # none of them is an end
    r.signal(signal.SIGINT)
    r.await_output("got INT")
    r.await_log(msg="deregistered")     # and it runs on
    assert etcd.get(key) is None and r.alive()
    r.signal(signal.SIGTERM)
    assert r.end() == 3
    assert [x for x in r.output_lines() if "got" in x] == [
        "got HUP", "got QUIT", "got USR1", "got USR2", "got INT", "got TERM"]


def start_on_a_terminal(r, *leader):
    """As the leader of its session, or below one: our end of the terminal,
    and its."""
    ours, theirs = os.openpty()
    with open(r.log_path, "wb") as log:
        r.process = subprocess.Popen(
            ["setsid", "--ctty", *leader, *r.command()], stdin=theirs,
            stdout=log, stderr=log)
    r.await_registered()
    r.await_output("ready")
    return ours, theirs


def test_a_terminals_signal_is_not_doubled(register, etcd, key):
    """^C reaches the whole foreground group by itself."""
    r = register(command=["sh", "-c", TRAPS % 0], start=False)
    ours, theirs = start_on_a_terminal(r)
    os.write(ours, b"\x03")
    r.await_log(msg="deregistered")
    r.await_output("got INT")
    os.write(ours, b"\x1c")
    r.await_output("got QUIT")
    r.signal(signal.SIGTERM)
    assert r.end() == 3
    assert [x for x in r.output_lines() if "got" in x] == [
        "got INT", "got QUIT", "got TERM"]
    os.close(ours)
    os.close(theirs)


def test_a_terminal_that_hangs_up(register, etcd, key):
    """Only the leader of the session is told, so the command is by it."""
    r = register(command=["sh", "-c", "echo ready; exec sleep 600"],
                 start=False)
    ours, theirs = start_on_a_terminal(r)
    os.close(theirs)
    os.close(ours)
    assert r.end() == 128 + signal.SIGHUP
    assert etcd.get(key) is None


COUNTS = """
import signal
numbers = {signal.SIGHUP, signal.SIGTERM}
signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
print("ready", flush=True)
while True:
    got = signal.sigwaitinfo(numbers).si_signo
    print("got", got, flush=True)
    if got == signal.SIGTERM:
        break
"""


def test_a_terminal_that_hangs_up_is_told_once(register, etcd, key):
    """Below a leader, the whole group is when that has ended."""
    r = register(command=[sys.executable, "-c", COUNTS], start=False)
    ours, theirs = start_on_a_terminal(
        r, "sh", "-c", 'trap "" TERM; "$@"; true', "sh")
    with open("/proc/%d/task/%d/children" % (r.pid, r.pid)) as f:
        below, = map(int, f.read().split())
    os.close(theirs)
    os.close(ours)
    r.await_output("got 1")
    assert r.wait() == -signal.SIGHUP           # the leader
    assert etcd.get(key)
    os.kill(below, signal.SIGTERM)
    await_true(lambda: etcd.get(key) is None, 10)
    r.await_output("got 15")
    assert [x for x in r.output_lines() if "got" in x] == ["got 1", "got 15"]


@pytest.mark.valgrind
def test_a_command_that_takes_its_time(register, etcd, key):
    r = register(command=["sh", "-c", TRAPS % 1.5])
    r.await_registered()
    r.await_output("ready")
    began = time.monotonic()
    r.signal(signal.SIGTERM)
    await_true(lambda: etcd.get(key) is None, LEAVE * SLOW, "deregistered")
    r.await_output("got TERM")
    assert r.alive()
    assert r.end() == 3
    assert time.monotonic() - began >= 1.5


def test_a_stopped_command_stays_registered(register, etcd, key):
    r = register(command=["sleep", "60"], ttl=1)
    r.await_registered()
    os.kill(r.command_pid(), signal.SIGSTOP)
    await_beats(etcd, key, 3)           # for a whole TTL
    os.kill(r.command_pid(), signal.SIGCONT)
    assert r.stop() == 128 + signal.SIGTERM
    assert etcd.get(key) is None


def test_refused_it_ends_the_command(register, etcd, key, started):
    started(Beats(etcd), start=False).register(key, "other", ttl=2)
    r = register(command=["sh", "-c", TRAPS % 0])
    r.await_output("ready")
    assert r.end() == 1
    assert "got TERM" in r.output_lines()
    assert etcd.get(key)["value"] == "other"


def test_ready_tcp(register, etcd, key):
    port = free_port()
    r = register("--ready-tcp=localhost:%d" % port, command=["sleep", "60"])
    r.await_log(msg="waiting for it to accept connections")
    stays_true(lambda: etcd.get(key) is None, 0.5)
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("127.0.0.1", port))
        s.listen()
        r.await_registered()
    await_beats(etcd, key, 1)
    assert r.stop() == 128 + signal.SIGTERM


def test_never_ready(register, etcd, key, started):
    poll = events_of(started, etcd, key)
    r = register("--ready-tcp=127.0.0.1:%d" % free_port(),
                 command=["sh", "-c", "sleep 0.4; exit 5"])
    assert r.end() == 5
    assert not r.log_lines(msg="registered") and not poll.events


# --- etcd in trouble ---

@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """For tests that leave it whole."""
    members = EtcdCluster(tmp_path_factory.mktemp("cluster"))
    members.start()
    yield members
    members.stop()


def test_a_member_dies(register, started, cluster, key):
    """The one that is asked, and leads: another takes over in time."""
    leader = cluster.leader()
    others = [m for m in cluster.members if m is not leader]
    r = register(urls=[leader.url()] + [m.url() for m in others], ttl=5)
    r.await_registered()
    poll = events_of(started, others[0], key)
    leader.kill()
    nodes = await_beats(others[0], key, 2, timeout=30)
    assert {n["createdIndex"] for n in nodes} == {nodes[0]["createdIndex"]}
    assert not poll.events and expired(others[0]) == 0
    assert r.stop() == 0
    assert others[0].get(key, quorum="true") is None
    leader.start()


def test_a_member_hangs(register, started, cluster, key):
    leader = cluster.leader()
    hung, other = [m for m in cluster.members if m is not leader]
    r = register(urls=[hung.url(), leader.url(), other.url()], ttl=3)
    r.await_registered()
    poll = events_of(started, leader, key)
    hung.pause()
    nodes = await_beats(leader, key, 2, timeout=30)
    assert {n["createdIndex"] for n in nodes} == {nodes[0]["createdIndex"]}
    assert not poll.events and expired(leader) == 0
    assert not r.log_lines(level="warn")
    hung.resume()
    assert r.stop() == 0
    assert leader.get(key, quorum="true") is None


@pytest.mark.long
def test_many_keys_while_a_member_hangs(register, cluster, tmp_path):
    """Requests that wait at the hung one must not make all others late."""
    leader = cluster.leader()
    hung, other = [m for m in cluster.members if m is not leader]
    file = write(tmp_path / "keys", "".join(
        "/five_hundred/%03d %s\n" % (i, VALUE) for i in range(500)))
    r = register("--keys-from", file, "--ttl=5s", where=(), urls=[
        hung.url(), leader.url(), other.url()])
    r.await_registered(30)
    first = leader.listing("/five_hundred")
    hung.pause()
    stays_true(lambda: expired(leader) == 0, 12, interval=0.5)
    hung.resume()
    stays_true(lambda: expired(leader) == 0, 3, interval=0.5)
    last = leader.listing("/five_hundred")
    assert {k: n["createdIndex"] for k, n in last.items()} == {
        k: n["createdIndex"] for k, n in first.items()}
    assert r.stop() == 0


def test_etcd_is_restarted(register, started, tmp_path, key):
    ttl = 3
    own = started(Etcd(tmp_path / "etcd"))
    r = register(urls=[own.url()], ttl=ttl)
    r.await_registered()
    before = own.get(key)
    own.kill()
    own.start()                         # a second or so: nothing is lost
    await_beats(own, key, 1)
    assert own.get(key)["createdIndex"] == before["createdIndex"]
    own.kill()
    over = time.monotonic() + ttl
    told = len(r.log_lines(msg="registration adrift"))
    r.await_log(msg="registration adrift",
                reason=lambda text: text and "cannot connect" in text)
    await_true(lambda: time.monotonic() > over, ttl + 1, "its TTL is over")
    own.start()
    await_true(lambda: own.get(key), 10 * SLOW, "it is back")
    r.await_log(msg="registered", reason="the key had gone")
    assert own.get(key)["createdIndex"] > before["createdIndex"]
    assert len(r.log_lines(msg="registration adrift")) == told + 1


def test_etcd_comes_later(register, started, tmp_path, key):
    own = started(Etcd(tmp_path / "etcd"), start=False)
    r = register(urls=[own.url()])
    r.await_log(msg="not registered yet",
                reason=lambda text: text and "cannot connect" in text)
    own.start()
    r.await_registered()
    assert own.get(key)["value"] == VALUE
    assert len(r.log_lines(msg="not registered yet")) == 1


def test_frozen_etcd_holds_up_nobody(register, started, tmp_path, key):
    own = started(Etcd(tmp_path / "etcd"))
    patient = register(urls=[own.url()], ttl=30)
    patient.await_registered()
    hasty = register(urls=[own.url()], ttl=30)
    hasty.await_registered()
    own.pause()
    began = time.monotonic()
    for r in (patient, hasty):
        r.signal(signal.SIGTERM)
        r.await_log(msg="stopping")
    hasty.signal(signal.SIGTERM)        # asked twice: at once
    assert hasty.end() == 0
    assert time.monotonic() - began < 1 * SLOW
    assert patient.end() == 0
    assert time.monotonic() - began < LEAVE * SLOW
    line = patient.await_log(msg="not deregistered")
    assert "run out in" in line["reason"]
    own.resume()


def test_without_v2(register, started, tmp_path, key):
    own = started(EtcdWithoutV2(tmp_path / "etcd"))
    r = register(urls=[own.url()])
    assert r.end() == 1
    reason = r.await_log(msg="registration refused")["reason"]
    assert "--enable-v2=true" in reason and key in reason


# --- how etcd is spoken to ---

def write(path, text):
    path.write_text(text)
    return str(path)


def test_with_user_and_password(register, started, tmp_path, key):
    own = started(GuardedEtcd(tmp_path / "etcd"))
    own.enable("pw")
    own._put("/roles/reader", {"role": "reader", "grant": {
        "kv": {"read": [], "write": ["/*"]}}})
    config = write(tmp_path / "http.yml", "basic_auth: {username: rollcall,"
                   " password: pw}\n")
    r = register("--http.config.file", config, urls=[own.url()], ttl=1)
    r.await_registered()
    await_beats(own, key, 1)
    assert r.stop() == 0
    stranger = register(urls=[own.url()])
    assert stranger.end() == 1
    assert "user" in stranger.await_log(msg="registration refused")["reason"]
    assert own.get(key) is None


def test_over_tls(register, started, tmp_path, key):
    certificates = str(tmp_path / "certificates")
    make_ca(certificates)
    make_certificate(certificates, "server")
    own = started(TlsEtcd(tmp_path / "etcd", certificates))
    config = write(tmp_path / "http.yml", "tls_config: {ca_file: %s/ca.pem}\n"
                   % certificates)
    r = register("--http.config.file", config, urls=[own.secure_url()],
                 ttl=1)
    r.await_registered()
    await_beats(own, key, 1)
    assert r.stop() == 0
    assert own.get(key) is None


# --- where it is told what to register ---

def test_config_of_the_instant_messaging_servers(register, etcd, tmp_path,
                                                  key):
    config = write(tmp_path / "loginserver.conf", """\
RegisterCenterIp=127.0.0.1
RegisterCenterPort=%d
ServiceId=0001-0001
ServiceDir=%s
HostIp=127.0.0.1
RegisterTTL=1500 #ms
ClientListenIP=0.0.0.0
ClientPort=8008
HttpPort=8080
MsgServerPort=8100
""" % (etcd.port, os.path.dirname(key)))
    r = register("--config", config, urls=[], where=())
    line = r.await_registered()
    assert line["key"] == key and line["ttl_seconds"] == "2"
    assert r.log_lines(level="warn")[0]["msg"].endswith(
        "RegisterTTL: 1500 ms are rounded up to 2 s, etcd counts in seconds")
    value = json.loads(etcd.get(key)["value"])
    assert value["ip"] == "127.0.0.1" and value["port"] == 8008
    assert r.stop() == 0
    other = register("--config", config, "--value=v", "--ttl=60s", urls=[],
                     where=())
    assert other.await_registered()["ttl_seconds"] == "60"
    assert etcd.get(key)["value"] == "v"


def closed_connections(etcd):
    """Those to this etcd that the kernel still remembers for a minute."""
    with open("/proc/net/tcp") as f:
        fields = [line.split() for line in f]
    return sum(1 for x in fields if x[3] == "06" and
               x[2].endswith(":%04X" % etcd.port))


def keep_many(register, started, tmp_path, directory, count, ttl, seconds):
    # Of its own: keys that other tests left behind run out meanwhile.
    etcd = started(Etcd(tmp_path / "etcd"))
    file = write(tmp_path / "keys", "# a comment\n\n" + "".join(
        "%s/%04d\t%s\n" % (directory, i, VALUE) for i in range(count)))
    before = expired(etcd)
    r = register("--keys-from", file, "--ttl=%ds" % ttl, urls=[etcd.url()],
                 where=())
    line = r.await_registered(30)
    assert line["keys"] == str(count)
    poll = events_of(started, etcd, directory + "/x")
    first = etcd.listing(directory)
    assert len(first) == count
    began = time.monotonic()
    stays_true(lambda: expired(etcd) == before and not poll.events, seconds,
               lambda: "no event, but %s" % poll.events[:3], interval=0.5)
    last = etcd.listing(directory)
    assert {k: n["createdIndex"] for k, n in last.items()} == {
        k: n["createdIndex"] for k, n in first.items()}
    assert not poll.error
    beats = sum(n["modifiedIndex"] != first[k]["modifiedIndex"]
                for k, n in last.items())
    assert beats == count
    took = time.monotonic() - began
    # One for each key that was claimed, and a few: not one for each beat.
    assert closed_connections(etcd) < count * 2
    with open("/proc/%d/stat" % r.pid) as f:
        fields = f.read().rsplit(")", 1)[1].split()
    print("%d keys: %.1f %% of a processor" % (count, 100 * (
        int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") / took))
    began = time.monotonic()
    assert r.stop() == 0
    assert time.monotonic() - began < LEAVE * SLOW
    assert not etcd.listing(directory)
    assert len(r.log_lines()) == 3      # and not a line per key


def test_200_keys_in_one_process(register, started, tmp_path):
    keep_many(register, started, tmp_path, "/two_hundred", 200, 2, 5)


@pytest.mark.long
def test_1000_keys_for_a_minute(register, started, tmp_path):
    keep_many(register, started, tmp_path, "/thousand", 1000, 5, 60)


def test_one_of_many_is_anothers(register, etcd, started, tmp_path, key):
    """The others do not suffer; the exit code says it."""
    started(Beats(etcd), start=False).register(key, "other", ttl=2)
    file = write(tmp_path / "keys", "%s mine\n%s-2 mine\n" % (key, key))
    r = register("--keys-from", file, "--ttl=2s", where=())
    line = r.await_log(msg="registration refused")
    assert key in line["reason"]
    await_beats(etcd, key + "-2", 1)
    assert r.stop() == 1
    assert etcd.get(key + "-2") is None
    assert etcd.get(key)["value"] == "other"
    done = subprocess.run(
        [BINARY, "register", "--etcd.endpoint", etcd.url(), "--keys-from=-"],
        input="a\n/b\n/c d\n/c d\n/d\te f\n", capture_output=True, text=True)
    assert done.returncode == 1
    assert [x.split(":")[1] for x in done.stderr.splitlines()[:3]] == [
        "1", "2", "4"]
