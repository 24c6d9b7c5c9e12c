"""Maintenance from the command line, on a real etcd: who is told, what history
says, when it ends; and who is forgotten."""
import json
import re
import time

from support import http
from support.rollcall import command_line
from support.wait import await_true, stays_true

SERVICES = {"path": "/services", "pattern": "{service_name}/{instance_id}"}
GONE = "EtcdRegistryServiceGone"
VANISHED = "EtcdRegistryInstanceVanished"


def run(watched, *arguments, fails=False):
    done = command_line(*arguments, "--url", watched.url(""))
    assert (done.returncode != 0) == fails, done.stderr + done.stdout
    return done.stderr if fails else done.stdout


def windows(watched, *more):
    return json.loads(run(watched, "maintenance", "list", "--format=json",
                          *more))


def begin(watched, *more):
    return run(watched, "maintenance", "start", "--service=login",
               "--for=1h", "--comment=deploy", *more)


def a_service(etcd, webhook, rollcall):
    etcd.put("/services/login/0001", "127.0.0.1:1", 600)
    watched = rollcall([etcd.url()], [SERVICES], webhook=webhook.url("/hook"))
    watched.await_metric("rollcall_service_up", 1, service_name="login")
    return watched


def vanish(etcd, watched):
    etcd.put("/services/login/0001", "127.0.0.1:1", 1)
    watched.await_metric("rollcall_instance_up", 0, instance_id="0001")


def test_nobody_is_told_until_it_ends(etcd, webhook, rollcall):
    watched = a_service(etcd, webhook, rollcall)
    said = begin(watched)
    assert said.startswith("maintenance 1 of login until "), said
    watched.await_metric("rollcall_service_maintenance", 1,
                         service_name="login")
    vanish(etcd, watched)
    watched.await_metric("rollcall_alerts", 1, alertname=GONE)
    stays_true(lambda: webhook.alerts(GONE) == [] and
               webhook.alerts(VANISHED) == [], 3, "nobody is told")
    row = await_true(lambda: [r for r in json.loads(run(
        watched, "uptime", "login", "--format=json", "--since=1m"))
        if r["maintenance_seconds"] > 1], 20, "maintenance in history")[0]
    assert row["down_seconds"] == 0 and row["outages"] == 0, row
    table = run(watched, "maintenance", "list")
    assert "login" in table and "deploy" in table
    zone = time.strftime("%Z")
    assert re.search(r" until 20[-0-9]+ [:0-9]+ %s\n$" % re.escape(zone),
                     said), said
    assert "FROM (%s)" % zone in table and "UNTIL (%s)" % zone in table
    page = watched.get("/").text
    assert "<li>login until " in page and ": deploy</li>" in page

    assert run(watched, "maintenance", "end", "1") == (
        "maintenance 1 of login is over\n")
    webhook.await_alert(GONE, service_name="login")
    webhook.await_alert(VANISHED, instance_id="0001")
    assert windows(watched) == []
    assert [w["id"] for w in windows(watched, "--all")] == [1]
    assert run(watched, "maintenance", "list") == "no maintenance\n"


def test_it_ends_when_all_are_back(etcd, webhook, rollcall):
    watched = a_service(etcd, webhook, rollcall)
    begin(watched, "--end-when-back")
    vanish(etcd, watched)
    assert len(windows(watched)) == 1
    # It outlives a stop and a kill, and still knows who is away.
    for end in (watched.stop, watched.kill):
        end()
        watched.start()
        watched.await_looking()
        assert len(windows(watched)) == 1
    etcd.put("/services/login/0001", "127.0.0.1:1", 600)
    await_true(lambda: windows(watched) == [], 10, "it is over")
    assert webhook.alerts(GONE) == []


def test_one_instance(etcd, webhook, rollcall):
    watched = a_service(etcd, webhook, rollcall)
    etcd.put("/services/login/0002", "127.0.0.1:2", 600)
    watched.await_metric("rollcall_service_instances", 2,
                         service_name="login")
    begin(watched, "--instance=0001")
    vanish(etcd, watched)
    etcd.put("/services/login/0002", "127.0.0.1:2", 1)
    webhook.await_alert(VANISHED, instance_id="0002")
    assert [a["labels"]["instance_id"] for _, a in webhook.alerts(VANISHED)
            ] == ["0002"]


def test_what_is_refused(etcd, rollcall, webhook):
    watched = a_service(etcd, webhook, rollcall)
    assert "99" in run(watched, "maintenance", "end", "99", fails=True)
    assert "SERVICE/INSTANCE" in run(watched, "forget", "login", fails=True)
    assert run(watched, "forget", "login/9999", fails=True)
    # A page of another site, which a browser on this host shows.
    answer = http.post_json(
        watched.url("/api/registry/v1/maintenance"),
        {"service": "login", "for": "1h"})
    assert answer.status == 200
    answer = http.request(
        "POST", watched.url("/api/registry/v1/maintenance"),
        json.dumps({"service": "login", "for": "1h"}),
        {"Content-Type": "application/json",
         "Origin": "http://evil.example"})
    assert answer.status == 403, answer.text


def test_forget(etcd, webhook, rollcall):
    watched = a_service(etcd, webhook, rollcall)
    etcd.put("/services/login/0002", "127.0.0.1:2", 600)
    watched.await_metric("rollcall_service_instances", 2,
                         service_name="login")
    assert run(watched, "forget", "login/0001", fails=True)
    vanish(etcd, watched)
    webhook.await_alert(VANISHED, instance_id="0001")
    assert run(watched, "forget", "login/0001") == (
        "login/0001 is forgotten\n")
    resolved = webhook.await_alert(VANISHED, "resolved", instance_id="0001")
    assert resolved
    await_true(lambda: watched.samples(
        "rollcall_instance_up", instance_id="0001") == [], 5, "no series")
    events = watched.await_events(lambda es: len(es) == 4)
    assert events[-1]["cause"] == "forgotten"
    outages = json.loads(run(watched, "outages", "login/0001",
                             "--format=json"))
    assert len(outages) == 1 and outages[0]["to"] is not None
