"""A disk that hangs, is full or fails costs history some time and nothing
else: no alert waits for it, and nothing is written twice or not at all."""
import collections
import concurrent.futures
import errno
import os
import signal
import subprocess
import time

import pytest

from support.delay import VANISHED, Detection
from support.preload import Disk, without_sanitizers
from support.rollcall import command_line
from support.wait import await_true, stays_true

LOGIN = {"path": "/login_servers", "service_name": "login_server"}
V1 = "/api/registry/v1/"
FAILING = "database cannot be written: changes wait in memory"
WRITTEN = "database is written again"
CANNOT = "The database cannot be written"

pytestmark = without_sanitizers


@pytest.fixture
def world(etcd, webhook, rollcall, started):
    """(etcd, rollcall, its disk, detection), looking, all written."""
    watched = rollcall([etcd.url()], [LOGIN], start=False,
                       webhook=webhook.url())
    disk = Disk(watched)
    watched.start()
    watched.await_looking()
    watched.await_metric("rollcall_db_queue_units", 0)
    yield etcd, watched, disk, started(Detection(etcd, webhook), start=False)
    if os.path.exists(disk.control):
        disk.works()


def history(watched):
    """instance_id -> the causes it had, in order"""
    story = collections.defaultdict(list)
    for event in watched.events():
        story[event["instance_id"]].append(event["cause"])
    return story


def check_history(watched, keys):
    """Each of them came and went, once, and the alerts are delivered."""
    names = [k.rsplit("/")[-1] for k in keys]
    watched.await_events(lambda es: sum(
        e["cause"] == "expire" for e in es) >= len(names))
    watched.await_metric("rollcall_db_queue_units", 0)
    story = history(watched)
    assert {n: story[n] for n in names} == {
        n: ["registered", "expire"] for n in names}
    await_true(lambda: not watched.query_database("select * from outbox"),
               5, lambda: "all delivered, there is %s" %
               watched.query_database("select * from outbox"))
    check, = watched.query_database("pragma integrity_check")
    assert check["integrity_check"] == "ok"


def check_told_once(webhook, keys):
    told = collections.Counter(a["labels"]["instance_id"] for _, a in
                               webhook.alerts(VANISHED, "firing"))
    assert told == {k.rsplit("/")[-1]: 1 for k in keys}


def expire_some(detect, watched, n=3):
    """The keys; each was told within a moment."""
    keys = [detect.register(watched) for _ in range(n)]
    for key in keys:
        delay = detect.await_told(key)
        assert delay < 0.5, "told after %.3f s" % delay
    return keys


def test_disk_hangs(world, webhook):
    etcd, watched, disk, detect = world
    before = watched.metric("rollcall_notifications_uncommitted_total")
    commits = watched.metric("rollcall_db_commits_total")
    disk.hangs()
    keys = expire_some(detect, watched)
    assert watched.metric(
        "rollcall_notifications_uncommitted_total") > before
    # Not acknowledged, the rest goes on: it is looking, it answers.
    assert watched.metric("rollcall_looking") == 1
    assert watched.metric("rollcall_db_queue_units") > 0
    assert watched.metric("rollcall_db_commits_total") <= commits + 1
    disk.works()
    check_history(watched, keys)
    check_told_once(webhook, keys)
    print("delays:", detect.delays)


def test_stop_while_the_disk_hangs(world, webhook):
    """It ends in time and says that history is not written; what it would
    have written it finds in etcd's history at the next start."""
    etcd, watched, disk, detect = world
    disk.hangs()
    keys = expire_some(detect, watched, 1)
    began = time.monotonic()
    watched.stop()
    assert time.monotonic() - began < 5
    assert watched.log_lines(msg="stopping with history not written")
    disk.works()
    watched.start()
    watched.await_looking()
    check_history(watched, keys)


def test_ended_while_it_starts_on_a_disk_that_hangs(world):
    etcd, watched, disk, _ = world
    watched.stop()
    disk.hangs()
    watched.start(wait=False)
    await_true(lambda: watched.get("/-/ready").status == 503, 10)
    stays_true(watched.alive, 0.3)
    watched.signal(signal.SIGTERM)
    assert watched.wait(5) == -signal.SIGTERM
    disk.works()
    watched.start()
    watched.await_looking()


def test_questions_while_the_disk_is_dead(world):
    """Who asks history waits, until rollcall stops; nobody else does."""
    etcd, watched, disk, detect = world
    key = detect.register(watched)
    disk.is_dead()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(watched.get, V1 + what, timeout=30)
                 for what in ("uptime", "outages", "events", "overview")]
        assert detect.await_told(key) < 0.5
        watched.await_metric("rollcall_service_up", 0)
        gone, = [i for i in watched.get(V1 + "instances").json()
                 if i["key"] == key]
        assert gone["state"] == "expired" and gone["looking"]
        service, = watched.get(V1 + "services").json()
        assert service["state"] == "gone"
        assert watched.metric("rollcall_looking") == 1
        assert not any(f.done() for f in asked)
        began = time.monotonic()
        watched.stop()
        assert time.monotonic() - began < 5
        answers = [f.result() for f in asked]
    for answer in answers:
        assert answer.status == 503 and answer.headers["Retry-After"] == "5"
        assert answer.json()["errorType"] == "unavailable"
    assert watched.log_lines(
        msg="stopping without an answer from history: does its disk hang?")


@pytest.mark.parametrize("trouble", ["is_full", "fails", "is_read_only"])
def test_disk_refuses(world, webhook, trouble):
    etcd, watched, disk, detect = world
    getattr(disk, trouble)()
    keys = expire_some(detect, watched)
    watched.await_metric("rollcall_db_up", 0)
    watched.await_metric("rollcall_db_failures_total", lambda v: v >= 3)
    keys += expire_some(detect, watched, 1)
    line, = watched.log_lines(msg=FAILING)
    assert line["level"] == "error" and watched.storage in line["path"]
    assert line["error"]
    print(line["error"])
    assert CANNOT in watched.get("/-/ready").text
    disk.works()
    watched.await_metric("rollcall_db_up", 1)
    assert watched.get("/-/ready").text == "rollcall is ready.\n"
    check_history(watched, keys)
    check_told_once(webhook, keys)
    assert len(watched.log_lines(msg=FAILING)) == 1
    assert len(watched.log_lines(msg=WRITTEN)) == 1


def test_stop_while_the_disk_is_full(world):
    etcd, watched, disk, detect = world
    disk.is_full()
    keys = expire_some(detect, watched, 1)
    watched.await_metric("rollcall_db_up", 0)
    began = time.monotonic()
    watched.stop()
    assert time.monotonic() - began < 5
    disk.works()
    watched.start()
    watched.await_looking()
    check_history(watched, keys)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 4 MB, mounted."""
    place = str(tmp_path / "small")
    os.mkdir(place)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "none",
                           place], stderr=subprocess.PIPE)
    if done.returncode != 0:
        pytest.skip("may not mount: %s" % done.stderr.decode().strip())
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def fill(place):
    """The file that leaves no room."""
    name = os.path.join(place, "filler")
    with open(name, "wb", buffering=0) as f:
        try:
            while True:
                f.write(bytes(4096))
        except OSError as e:
            assert e.errno == errno.ENOSPC
    return name


def test_small_disk(small_disk, etcd, webhook, rollcall, started):
    """A real one, which fills up and is made room on."""
    watched = rollcall([etcd.url()], [LOGIN], start=False,
                       webhook=webhook.url())
    watched.storage = os.path.join(small_disk, "rollcall.db")
    watched.config["storage"]["path"] = watched.storage
    watched.start()
    watched.await_looking()
    detect = started(Detection(etcd, webhook), start=False)
    keys = expire_some(detect, watched, 1)
    watched.await_metric("rollcall_db_queue_units", 0)
    filler = fill(small_disk)
    # What the log has room for is written still.
    etcd.put("/login_servers/large", "x" * 300000, ttl=600)
    keys += expire_some(detect, watched)
    watched.await_metric("rollcall_db_up", 0)
    assert CANNOT in watched.get("/-/ready").text
    os.unlink(filler)
    watched.await_metric("rollcall_db_up", 1)
    check_history(watched, keys)
    check_told_once(webhook, keys)
    assert watched.log_lines(msg=WRITTEN)


def test_second_rollcall_on_the_same_database(etcd, rollcall):
    first = rollcall([etcd.url()], [LOGIN])
    first.await_looking()
    done = command_line(
        "serve", "--etcd.endpoint=" + etcd.url(), "--directory=/x",
        "--storage.path=" + first.storage,
        "--web.listen-address=127.0.0.1:0")
    assert done.returncode == 1
    assert "%s is in use by another rollcall (pid %d)" % (
        first.storage, first.pid) in done.stderr
    assert first.metric("rollcall_looking") == 1
