"""The harness itself: what the other tests rely on."""
import os
import socket
import subprocess
import sys

from support import fake_etcd as ways
from support import http
from support.longpoll import LongPoll
from support.wait import await_true
from support.writers import compare, told


def test_etcd_expires_keys_and_survives_what_tests_do_to_it(etcd):
    etcd.put("/services/a", "127.0.0.1:1", ttl=1)
    poll = LongPoll(etcd.url(), "/services", etcd.index() + 1)
    (_, event), = poll.await_events(1)
    poll.stop()
    assert event["action"] == "expire"
    assert not etcd.refresh("/services/a", 5)
    etcd.put("/services/b", "x")
    etcd.kill()
    etcd.start()
    assert list(etcd.listing("/services")) == ["/services/b"]
    etcd.wipe()
    etcd.start()
    assert etcd.get("/services") is None


def test_events_lost_and_doubled_are_found():
    line = 'level=debug msg="event" directory=/s action=set key=%s index=%d\n'
    log = "".join(line % event for event in (
        ("/s/a", 7), ("/s/b", 9), ("/s/b", 9), ("/s/c", 10), ("/s/d", 11)))
    assert compare({7: "/s/a", 8: "/s/b", 9: "/s/b", 10: "/s/a"},
                   told(log)) == (
        [(8, "/s/b"), (10, "/s/a")],
        [(9, "/s/b"), (10, "/s/c"), (11, "/s/d")])


def test_beats_keep_keys_alive_until_a_service_dies(etcd, beats):
    services = beats(etcd)
    services.register("/s/a", ttl=1)
    services.register("/s/b", ttl=1)
    await_true(lambda: services.sent >= 8)
    services.die("/s/a")
    await_true(lambda: etcd.get("/s/a") is None)
    assert etcd.get("/s/b") and not services.errors


def test_three_members_elect_another_leader(etcd_cluster):
    first = etcd_cluster.leader()
    first.kill()
    assert etcd_cluster.leader() is not first
    etcd_cluster.put("/s/a", "x", ttl=20)


def test_webhook_and_alertmanager_record(webhook, alertmanager):
    alert = {"labels": {"alertname": "A", "x": "1"}}
    http.post_json(alertmanager.url("/api/v2/alerts"), [alert])
    alertmanager.await_alert("A", x="1")
    http.post_json(webhook.url(), {"alerts": [{**alert,
                                               "status": "firing"}]})
    message, _ = webhook.await_alert("A", "firing", x="1")
    assert message.payload


def test_prometheus_scrapes(prometheus):
    prometheus.scrape("127.0.0.1:%d" % prometheus.port, "self")
    prometheus.start()
    prometheus.await_query('up{job="self"}', [1.0])


def test_fake_etcd_answers_and_misbehaves(fake_etcd):
    fake = fake_etcd({"/v2/stats/self": ways.close_mid_body,
                      "/health": ways.hang})
    assert http.get(fake.url() + "/version").json()["etcdserver"]
    assert http.get(fake.url() + "/v2/keys/x").json()["errorCode"] == 100
    for path, wrong in (("/v2/stats/self", http.http.client.IncompleteRead),
                        ("/health", socket.timeout)):
        try:
            http.get(fake.url() + path, timeout=0.3)
        except wrong:
            continue
        raise AssertionError(path)


def test_fake_etcd_passes_on(fake_etcd, etcd):
    fake = fake_etcd({}, etcd.url())
    etcd.put("/s/a", "x")
    assert http.get(fake.url() + "/v2/keys/s/a").json()["node"]["key"]


HANGING = """
import threading

import pytest


def hang():
    threading.Event().wait()


@pytest.fixture
def hangs_behind():
    yield
    hang()


def test_before():
    pass


def test_hangs():
    hang()


def test_fails_and_hangs(hangs_behind):
    assert False


def test_behind():
    pass
"""


def test_those_that_hang_fail_and_the_others_are_run(tmp_path):
    (tmp_path / "test_four.py").write_text(HANGING)
    here = os.path.dirname(__file__)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider",
         "-p", "conftest", "-n", "1", "--rootdir", tmp_path, tmp_path],
        capture_output=True, text=True, timeout=60, cwd=tmp_path, env={
            **os.environ, "PYTHONPATH": here, "E2E_TEST_SECONDS": "1"})
    assert done.returncode == 1
    for name in "hangs", "fails_and_hangs":
        assert ("crashed while running 'test_four.py::test_%s'" % name
                in done.stdout)
    assert " in test_hangs\n" in done.stderr
    assert " in hangs_behind\n" in done.stderr
    assert done.stderr.count("Timeout (") == 2
    assert "e2e: 2 passed, " in done.stdout
