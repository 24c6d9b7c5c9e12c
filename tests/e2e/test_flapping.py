"""An instance that expires again and again is marked so; a quarter of an hour
later (tests/unit/core/test_registry.c) no longer."""
LOGIN = {"path": "/login_servers", "service_name": "login_server"}
KEY = "/login_servers/0001-0001"


def test_flapping(etcd, rollcall):
    watched = rollcall([etcd.url()], [LOGIN])
    watched.await_looking()
    for n in range(4):
        assert watched.metric("rollcall_instance_flapping") is None
        etcd.put(KEY, "10.0.0.1:8000", ttl=1)
        watched.await_metric("rollcall_instance_expirations_total", n + 1)
    etcd.put(KEY, "10.0.0.1:8000", ttl=60)
    watched.await_metric("rollcall_instance_up", 1)
    assert watched.metric("rollcall_instance_flapping",
                          instance_id="0001-0001") == 1
    one, = watched.get("/api/registry/v1/instances").json()
    assert one["flapping"] and one["state"] == "up"
    assert "flapping" in watched.get("/").text
    watched.restart()           # what was before is not known
    watched.await_metric("rollcall_instance_up", 1)
    assert watched.metric("rollcall_instance_flapping") is None
