"""What a restart must not change."""
SERVICES = {"path": "/services", "pattern": "{service_name}/{instance_id}"}
GONE = "EtcdRegistryServiceGone"


def test_a_service_that_is_gone_stays_gone(etcd, webhook, rollcall):
    """Known from its keys alone, all of them deregistered: the alert fires on
    over stops and kills, and ends when an instance comes."""
    etcd.put("/services/login/0001", "127.0.0.1:1", 600)
    watched = rollcall([etcd.url()], [SERVICES], webhook=webhook.url("/hook"))
    watched.await_metric("rollcall_service_up", 1, service_name="login")
    etcd.delete("/services/login/0001")
    webhook.await_alert(GONE, service_name="login")
    for end in (watched.stop, watched.kill):
        watched.await_events(lambda es: len(es) == 2)
        end()
        watched.start()
        watched.await_looking()
        watched.await_metric("rollcall_service_up", 0, service_name="login")
        watched.await_metric("rollcall_alerts", 1, alertname=GONE,
                             service_name="login")
    assert [a["status"] for _, a in webhook.alerts(GONE)] == ["firing"]
    etcd.put("/services/login/0001", "127.0.0.1:1", 600)
    webhook.await_alert(GONE, "resolved", service_name="login")
