"""A heartbeat is no registration: it writes no period, whatever its kind."""
import pytest

from support.wait import stays_true

LOGIN = {"path": "/login_servers", "service_name": "login_server"}


def check(etcd, beats, rollcall, kind, seconds):
    services = beats(etcd, kind)
    for n in range(20):
        services.register("/login_servers/0001-%04d" % n, "127.0.0.1:1", 3)
    watched = rollcall([etcd.url()], [LOGIN])
    watched.await_looking()

    def periods():
        return watched.query_database(
            "select id, instance, state, to_ms from periods order by id")

    watched.await_events(lambda es: len(es) == 20, what="20 registrations")
    before, sent = periods(), services.sent
    stays_true(lambda: periods() == before, seconds, "no period row")
    assert services.sent - sent > 20 * (seconds - 3)
    assert not services.errors
    assert [v for _, v in watched.samples("rollcall_instance_up")] == [1] * 20


@pytest.mark.parametrize("kind", ["put", "refresh"])
def test_heartbeats_write_no_period(etcd, beats, rollcall, kind):
    check(etcd, beats, rollcall, kind, 12)


@pytest.mark.long
@pytest.mark.parametrize("kind", ["put", "refresh"])
def test_a_minute_of_heartbeats_writes_no_period(etcd, beats, rollcall, kind):
    check(etcd, beats, rollcall, kind, 60)
