"""The main job: a registration's TTL runs out, and everybody hears of it;
another is deleted, and nobody is woken."""
import pytest

LOGIN = {"path": "/login_servers", "service_name": "login_server"}
VANISHED = "EtcdRegistryInstanceVanished"


def up(rollcall, instance_id, value, timeout=10):
    rollcall.await_metric("rollcall_instance_up", value, timeout,
                          service_name="login_server",
                          instance_id=instance_id)


@pytest.mark.valgrind
def test_expire_register_delete(etcd, beats, webhook, alertmanager, rollcall):
    services = beats(etcd)
    for n in (1, 2, 3):
        services.register("/login_servers/0001-000%d" % n,
                          "127.0.0.1:%d" % (8000 + n), ttl=2)
    watched = rollcall([etcd.url()], [LOGIN], webhook=webhook.url("/hook"),
                       alertmanagers=[alertmanager.url()])
    for n in (1, 2, 3):
        up(watched, "0001-000%d" % n, 1)

    # 0001-0001 dies: its TTL runs out.
    services.die("/login_servers/0001-0001")
    _, alert = webhook.await_alert(VANISHED, instance_id="0001-0001")
    assert alert["labels"]["etcd_cluster"] == "im"
    assert alert["labels"]["service_name"] == "login_server"
    assert alert["labels"]["severity"] == "warning"
    alertmanager.await_alert(VANISHED, instance_id="0001-0001")
    up(watched, "0001-0001", 0)
    watched.await_events(
        lambda es: [e["cause"] for e in es
                    if e["instance_id"] == "0001-0001"] ==
        ["registered", "expire"], what="one row of cause expire")

    # 0001-0002 is deregistered: the series ends.
    services.deregister("/login_servers/0001-0002")
    up(watched, "0001-0002", None)
    watched.await_events(
        lambda es: [e["cause"] for e in es
                    if e["instance_id"] == "0001-0002"] ==
        ["registered", "delete"], what="one row of cause delete")

    # 0001-0001 comes back: resolved, once keep_firing_for (1m) is over.
    services.register("/login_servers/0001-0001", "127.0.0.1:8001", ttl=2)
    up(watched, "0001-0001", 1)
    webhook.await_alert(VANISHED, "resolved", 75, instance_id="0001-0001")
    alertmanager.await_no_alert(VANISHED, instance_id="0001-0001")

    # Nobody was told of anything else, and of nothing twice.
    told = [(a["labels"]["instance_id"], a["status"])
            for _, a in webhook.alerts(VANISHED)]
    assert told == [("0001-0001", "firing"), ("0001-0001", "resolved")]
    assert not services.errors
    assert watched.samples("rollcall_service_expirations_total",
                           service_name="login_server")[0][1] == 1
    assert watched.samples("rollcall_service_deregistrations_total",
                           service_name="login_server")[0][1] == 1
