"""SIGHUP, SIGTERM, and what the service manager is told."""
import collections
import os
import signal
import socket
import threading
import time

import pytest

from support.delay import VANISHED, Detection
from support.rollcall import SLOW
from support.wait import await_true

LOGIN = {"path": "/login_servers", "service_name": "login_server"}
OTHER = {"path": "/other", "service_name": "other"}
THIRD = {"path": "/third", "service_name": "third"}
STILL = "the configuration is still being read: it is read again after that"
OK = "rollcall_config_last_reload_successful"


def set_directories(watched, *directories):
    watched.config["clusters"][0]["directories"] = list(directories)


def await_reload(watched, reload=None):
    """Reloads with what the configuration is now."""
    done = len(watched.log_lines(msg="configuration reloaded"))
    (reload or watched.reload)()
    watched.await_log(msg="configuration reloaded", count=done + 1)


def causes(watched):
    """instance_id -> the causes it had, in order"""
    story = collections.defaultdict(list)
    for event in watched.events():
        story[event["instance_id"]].append(event["cause"])
    return story


def pending_signals(watched):
    with open("/proc/%d/status" % watched.pid) as f:
        return int(dict(x.split(":\t", 1) for x in f if x.startswith(
            "ShdPnd"))["ShdPnd"], 16)


@pytest.fixture
def detection(etcd, webhook, started):
    return started(Detection(etcd, webhook), start=False)


def test_bad_configuration_is_refused(etcd, webhook, rollcall, detection):
    watched = rollcall([etcd.url()], [LOGIN], webhook=webhook.url())
    watched.await_looking()
    assert watched.metric(OK) == 1
    good = dict(watched.config)
    watched.config["directorys"] = []
    watched.config["global"] = {"evaluation_interval": "often"}
    watched.reload()
    watched.await_metric(OK, 0)
    told = [line["err"] for line in watched.log_lines(
        msg="configuration not taken")]
    assert len(told) == 2, told
    assert any(":" in t and "directorys" in t for t in told), told
    assert any("evaluation_interval" in t or "often" in t
               for t in told), told
    watched.await_log(msg="reload failed, the old configuration stays",
                      level="error", errors="2")
    detection.expiry(watched)
    os.unlink(watched.config_path)
    watched.signal(signal.SIGHUP)
    watched.await_log(msg="configuration not taken",
                      err=lambda e: e and "No such file" in e)
    watched.config = good
    await_reload(watched)
    watched.await_metric(OK, 1)
    detection.expiry(watched)


def test_another_database_needs_a_restart(etcd, rollcall):
    watched = rollcall([etcd.url()], [LOGIN])
    watched.await_looking()
    was = watched.config["storage"]["path"]
    watched.config["storage"] = {"path": was + ".other"}
    await_reload(watched)
    watched.await_log(msg="storage.path takes effect at a restart",
                      level="warn", storage=was + ".other", open=was)
    assert not os.path.exists(was + ".other")
    watched.config["storage"] = {"path": was}
    await_reload(watched)
    assert len(watched.log_lines(
        msg="storage.path takes effect at a restart")) == 1


def test_directories_come_and_go(etcd, beats, webhook, rollcall, detection):
    services = beats(etcd)
    for path in ("/login_servers", "/other", "/third"):
        services.register(path + "/kept", ttl=5)
    watched = rollcall([etcd.url()], [LOGIN, OTHER], webhook=webhook.url())
    watched.await_looking()
    set_directories(watched, LOGIN, THIRD)
    await_reload(watched)
    watched.await_metric("rollcall_instance_up", 1, service_name="third")
    assert watched.metric("rollcall_instance_up",
                          service_name="login_server") == 1
    assert not watched.samples("rollcall_instance_up", service_name="other")
    assert not watched.samples("rollcall_directory_looking",
                               directory="/other")
    watched.await_events(lambda es: [
        e["cause"] for e in es if e["service_name"] == "other"] ==
        ["registered", "unwatched"])
    watched.await_looking()
    detection.expiry(watched)
    # And back: known as it was before.
    set_directories(watched, LOGIN, OTHER)
    await_reload(watched)
    watched.await_metric("rollcall_instance_up", 1, service_name="other")
    watched.await_looking()
    told = {a["labels"]["service_name"] for _, a in webhook.alerts(VANISHED)}
    assert told == {"login_server"}
    assert not services.errors


@pytest.mark.parametrize("how", ["reload", "restart"])
def test_service_is_renamed(etcd, webhook, rollcall, detection, how):
    """What is in the roll is read anew by the configuration as it is now, and
    nobody is told that the old name, or the new one, has no instance."""
    for n in range(3):
        etcd.put("/login_servers/0001-%04d" % n, "h:%d" % n, ttl=600)
    etcd.put("/login_servers/lock", "", ttl=600)
    watched = rollcall([etcd.url()], [{"path": "/login_servers"}],
                       webhook=webhook.url())
    watched.await_metric("rollcall_service_instances", 4,
                         service_name="login_servers")
    detection.expiry(watched)
    set_directories(watched, {
        "path": "/login_servers", "service_name": "login", "ignore": ["lock"],
        "pattern": "{zone}-{instance_id}"})
    if how == "reload":
        await_reload(watched)
    else:
        watched.restart()
    watched.await_metric("rollcall_service_instances", 3,
                         service_name="login")
    assert sorted((labels["instance_id"], labels["zone"]) for labels, _ in
                  watched.samples("rollcall_instance_info")) == [
        ("%04d" % n, "0001") for n in range(3)]
    webhook.await_alert(VANISHED, "resolved", service_name="login_servers")
    assert {labels["service_name"] for labels, _ in
            watched.samples("rollcall_instance_up")} == {"login"}
    # As often as it is asked for: nothing else changes.
    await_reload(watched)
    watched.await_looking()
    watched.await_events(lambda es: collections.Counter(
        e["cause"] for e in es if e["service_name"] == "login_servers") == {
        "registered": 5, "expire": 1, "unwatched": 5})
    assert [e["cause"] for e in watched.events()
            if e["service_name"] == "login"] == ["registered"] * 3
    assert not webhook.alerts("EtcdRegistryServiceGone")
    assert len(webhook.alerts(VANISHED)) == 2


def test_expiries_during_reloads_are_told_once(etcd, webhook, rollcall):
    """The watch is taken up where it was, again and again, while instances
    expire one after the other."""
    n = 60
    # Enough that live on: no storm is to hold the alerts.
    etcd.put_many([("/login_servers/kept%03d" % i, "h:1", 600)
                   for i in range(10 * n)])
    watched = rollcall([etcd.url()], [LOGIN, OTHER], webhook=webhook.url())
    watched.await_looking()
    etcd.put_many([("/login_servers/%03d" % i, "h:1", 2 + i % 6)
                   for i in range(n)])
    gone = {"%03d" % i for i in range(n)}
    reloads = 0

    def told():
        return [a["labels"]["instance_id"]
                for _, a in webhook.alerts(VANISHED, "firing")]
    while not gone <= set(told()):
        assert reloads < 400, sorted(gone - set(told()))
        reloads += 1
        set_directories(watched, LOGIN, (OTHER, THIRD)[reloads % 2])
        await_reload(watched)
    assert reloads > 10
    watched.await_looking()
    assert collections.Counter(told()) == {g: 1 for g in gone}
    watched.await_events(lambda es: sum(
        e["cause"] == "expire" for e in es) >= n)
    story = causes(watched)
    assert {g: story[g] for g in gone} == {
        g: ["registered", "expire"] for g in gone}
    assert all(c == ["registered"] for i, c in story.items()
               if i not in gone)


def test_configuration_that_hangs(etcd, webhook, rollcall, detection):
    """Nothing but the reload waits for it; a stop does not either."""
    watched = rollcall([etcd.url()], [LOGIN], webhook=webhook.url())
    watched.await_looking()
    os.unlink(watched.config_path)
    os.mkfifo(watched.config_path)
    watched.signal(signal.SIGHUP)
    watched.await_log(msg="reading configuration", file=watched.config_path)
    watched.signal(signal.SIGHUP)
    watched.await_log(msg=STILL, level="warn", file=watched.config_path)
    detection.expiry(watched)
    began = time.monotonic()
    watched.stop()
    assert time.monotonic() - began < 5 * SLOW


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ended_while_it_starts(etcd, rollcall, number):
    """By a signal as any program that reads a file which hangs."""
    watched = rollcall([etcd.url()], [LOGIN], start=False)
    command = watched.command()
    os.unlink(watched.config_path)
    os.mkfifo(watched.config_path)
    watched.command = lambda: command
    watched.start(wait=False)
    writer = await_true(lambda: os.open(
        watched.config_path, os.O_WRONLY | os.O_NONBLOCK), 10 * SLOW)
    watched.signal(number)
    assert watched.wait(5 * SLOW) == -number
    os.close(writer)


def test_reload_asked_for_during_a_reload(etcd, rollcall):
    """What was changed while the old file was being read counts too."""
    watched = rollcall([etcd.url()], [LOGIN])
    watched.await_looking()
    with open(watched.config_path) as f:
        old = f.read()
    os.unlink(watched.config_path)
    os.mkfifo(watched.config_path)
    watched.signal(signal.SIGHUP)
    # It can be opened once somebody reads it.
    writer = await_true(lambda: os.open(
        watched.config_path, os.O_WRONLY | os.O_NONBLOCK), 5)
    with open(writer, "w") as f:
        set_directories(watched, LOGIN, OTHER)
        os.unlink(watched.config_path)
        watched.reload()
        # Only once the second signal has been taken is the first file told.
        await_true(lambda: not pending_signals(watched), 5)
        f.write(old)
    watched.await_metric("rollcall_directory_looking", 1, directory="/other")


def test_stop_under_load(etcd, webhook, rollcall):
    """And nothing of it is lost."""
    watched = rollcall([etcd.url()], [LOGIN], webhook=webhook.url())
    watched.await_looking()
    ended = threading.Event()
    rounds = []

    def write():
        while not ended.is_set():
            base = 1000 * len(rounds)
            etcd.put_many([("/login_servers/%06d" % (base + i), "h:1", 600)
                           for i in range(200)], threads=4)
            rounds.append(base)

    def scrape():
        while not ended.is_set():
            try:
                watched.metrics()
            except (OSError, AssertionError):
                pass
    threads = [threading.Thread(target=t) for t in (write, scrape)]
    for t in threads:
        t.start()
    try:
        await_true(lambda: len(rounds) >= 3, 20)
        began = time.monotonic()
        watched.stop()
        assert time.monotonic() - began < 5 * SLOW
    finally:
        ended.set()
        for t in threads:
            t.join()
    assert len(rounds) < 50
    watched.start()
    watched.await_metric("rollcall_service_instances", 200 * len(rounds))
    watched.await_metric("rollcall_db_queue_units", 0)
    story = causes(watched)
    assert len(story) == 200 * len(rounds)
    assert all(c == ["registered"] for c in story.values())


class Manager:
    """The service manager's end of the socket."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        self.socket.settimeout(10)

    def until(self, wanted):
        """What is said until wanted is, which is the last."""
        said = []
        deadline = time.monotonic() + 10 * SLOW
        while wanted not in said:
            assert time.monotonic() < deadline, said
            said += self.socket.recv(4096).decode().split("\n")
        return said


@pytest.mark.parametrize("abstract", [False, True])
def test_service_manager_is_told(etcd, rollcall, tmp_path, abstract):
    path = ("\0rollcall-test-%d" % os.getpid() if abstract
            else str(tmp_path / "notify"))
    manager = Manager(path)
    watched = rollcall([etcd.url()], [LOGIN], start=False)
    watched.environment.update(NOTIFY_SOCKET=path.replace("\0", "@"),
                               WATCHDOG_USEC="200000")
    watched.start()
    assert manager.until("READY=1") in (["READY=1"], ["WATCHDOG=1", "READY=1"])
    began = time.monotonic()
    for _ in range(5):
        manager.until("WATCHDOG=1")
    assert time.monotonic() - began < 1.5 * SLOW
    watched.reload()
    said = manager.until("RELOADING=1")
    assert "READY=1" not in said
    manager.until("READY=1")
    watched.config["nonsense"] = 1
    watched.reload()
    manager.until("RELOADING=1")
    manager.until("READY=1")        # the old one goes on
    del watched.config["nonsense"]
    watched.signal(signal.SIGTERM)
    said = manager.until("STOPPING=1")
    assert "READY=1" not in said
    assert watched.wait() == 0
