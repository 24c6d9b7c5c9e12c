"""Receivers and Alertmanagers that hang or are down: the others get theirs at
once, and they get theirs when they are back, in order, whatever happened to
rollcall in between."""
import os
import time

import pytest

from support import fake_etcd as ways
from support.delay import VANISHED, Detection
from support.monitoring import Alertmanager
from support.preload import Disk, without_sanitizers
from support.process import free_port
from support.webhook import Webhook

LOGIN = {"path": "/login_servers", "service_name": "login_server"}
GONE = "EtcdRegistryServiceGone"


def several(watched, *urls):
    """Makes its one receiver one of several webhooks."""
    watched.notify["receivers"][0]["webhook_configs"] = [
        {"url": u} for u in urls]


def order(webhook, alertname):
    """[(instance_id or service_name, status)] as they arrived"""
    return [(a["labels"].get("instance_id", a["labels"]["service_name"]),
             a["status"]) for _, a in webhook.alerts(alertname)]


@pytest.fixture
def hung(started):
    hook = started(Webhook())
    hook.hang.set()
    return hook


def test_receiver_and_alertmanager_hang(etcd, webhook, alertmanager, hung,
                                        rollcall, started):
    watched = rollcall([etcd.url()], [LOGIN], webhook=hung.url(),
                       alertmanagers=[hung.url(), alertmanager.url()],
                       start=False)
    several(watched, hung.url("/first"), webhook.url(), hung.url("/last"))
    watched.start()
    watched.await_looking()
    detect = started(Detection(etcd, webhook), start=False)
    for _ in range(2):
        detect.expiry(watched)
        alertmanager.await_alert(
            VANISHED, 1, instance_id=detect.last.rsplit("/")[-1])
    began = time.monotonic()
    watched.stop()
    took = time.monotonic() - began
    assert took < 5, "stopped after %.1f s" % took
    assert not hung.messages


@without_sanitizers
def test_stop_while_everything_hangs(etcd, hung, rollcall, webhook, started):
    """Receiver, Alertmanager, disk, reader of the log: all of them."""
    watched = rollcall([etcd.url()], [LOGIN], webhook=hung.url(),
                       alertmanagers=[hung.url("/am")], start=False)
    several(watched, hung.url(), webhook.url())
    disk = Disk(watched)
    reader, writer = os.pipe()
    watched.output = writer
    watched.start()
    watched.await_looking()
    disk.hangs()
    os.set_blocking(writer, False)
    with pytest.raises(BlockingIOError):
        while True:
            os.write(writer, b"x")
    started(Detection(etcd, webhook), start=False).expiry(watched)
    try:
        began = time.monotonic()
        watched.stop()
        took = time.monotonic() - began
        assert took < 5, "stopped after %.1f s" % took
    finally:
        disk.works()
        os.close(reader)
        os.close(writer)


@pytest.mark.parametrize("answer", [None, 503])
def test_receiver_is_down_when_the_alert_fires(etcd, beats, rollcall, started,
                                               answer):
    """None: nobody listens; 503: it says that it cannot.  What fired and what
    resolved in the meantime comes in this order."""
    hook = Webhook()
    if answer:
        hook.answer = answer
        started(hook)
    services = beats(etcd)
    watched = rollcall([etcd.url()], [LOGIN], webhook=hook.url())
    failures = ("connect", "server_error")[bool(answer)]
    # Gone at once, there again: fires, resolves.
    watched.await_metric("rollcall_notification_failures_total",
                         lambda v: v and v >= 1, integration="webhook",
                         receiver="hook", reason=failures)
    services.register("/login_servers/0001", ttl=2)
    watched.await_metric("rollcall_service_up", 1)
    watched.await_log(msg="alert resolved", alertname=GONE)
    watched.await_metric("rollcall_notification_queue_length", 2,
                         receiver="hook", integration="webhook")
    hook.answer = 200
    if not answer:
        started(hook)
    hook.await_alert(GONE, "resolved", 30)
    assert order(hook, GONE) == [("login_server", "firing"),
                                 ("login_server", "resolved")]
    watched.await_metric("rollcall_notification_queue_length", 0,
                         receiver="hook", integration="webhook")
    assert len(watched.log_lines(
        msg="receiver cannot be told, will try again")) == 1
    assert len(watched.log_lines(
        msg="receiver takes messages again")) == 1


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_outbox_survives_a_restart(etcd, beats, rollcall, started, end):
    """What could not be delivered before is, and before what comes after."""
    hook = Webhook()
    services = beats(etcd)
    watched = rollcall([etcd.url()], [LOGIN], webhook=hook.url())
    watched.await_log(msg="alert fires", alertname=GONE)
    watched.await_metric("rollcall_notification_failures_total",
                         lambda v: v and v >= 1, integration="webhook",
                         receiver="hook", reason="connect")
    watched.await_metric("rollcall_db_queue_units", 0)
    getattr(watched, end)()
    services.register("/login_servers/0001", ttl=2)
    watched.start()
    watched.await_metric("rollcall_service_up", 1)
    watched.await_log(msg="alert resolved", alertname=GONE)
    started(hook)
    hook.await_alert(GONE, "resolved", 30)
    assert order(hook, GONE) == [("login_server", "firing"),
                                 ("login_server", "resolved")]
    watched.await_metric("rollcall_notification_queue_length", 0,
                         receiver="hook", integration="webhook")
    assert watched.query_database("select * from outbox") == []


def test_alertmanager_is_down_when_the_alert_fires(etcd, webhook, rollcall,
                                                   started, tmp_path):
    late = Alertmanager(tmp_path / "late")
    watched = rollcall([etcd.url()], [LOGIN], webhook=webhook.url(),
                       alertmanagers=[late.url()])
    watched.await_looking()
    detect = started(Detection(etcd, webhook), start=False)
    detect.expiry(watched)
    watched.await_metric("rollcall_notification_failures_total",
                         lambda v: v and v >= 1, reason="connect",
                         integration="alertmanager")
    started(late)
    late.await_alert(VANISHED, 20)
    late.await_alert(GONE)
    assert len(watched.log_lines(msg="alertmanager cannot be told")) == 1
    assert len(watched.log_lines(msg="alertmanager takes alerts again")) == 1


def test_receiver_that_is_no_receiver(etcd, webhook, rollcall, fake_etcd,
                                      started):
    """Rubbish, a body that never ends, a name that is none: none of them
    delays the good one, and a message that was refused is given up."""
    fakes = [fake_etcd({"/": way}).url() for way in (
        ways.not_http, ways.huge, ways.close_mid_body, ways.refuse)]
    watched = rollcall([etcd.url()], [LOGIN], webhook=webhook.url(),
                       start=False)
    several(watched, *fakes, "http://nowhere.invalid/",
            "http://127.0.0.1:%d/" % free_port(), webhook.url("/good"))
    watched.start()
    watched.await_looking()
    detect = started(Detection(etcd, webhook), start=False)
    detect.expiry(watched)
    detect.expiry(watched)
    watched.await_metric("rollcall_notification_failures_total",
                         lambda v: v and v >= 1, integration="webhook[4]",
                         receiver="hook", reason="resolve")
