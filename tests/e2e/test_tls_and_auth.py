"""An etcd behind TLS, and one that asks for a user and password: what is
configured right works, what is not says what is wrong."""
import pytest

from support.delay import Detection
from support.etcd import EtcdWithoutV2
from support.rollcall import SLOW
from support.secure_etcd import (GuardedEtcd, TlsEtcd, make_ca,
                                 make_certificate)
from support.wait import stays_true
from support.writers import Writers, compare, told

LOGIN = {"path": "/login_servers", "service_name": "login_server"}
PASSWORD = 'p:ä "w'


def polls(watched):
    """{endpoint: up}"""
    return {labels["endpoint"]: value for labels, value in
            watched.samples("rollcall_etcd_endpoint_up")}


def check_works(watched, etcd, webhook, started):
    watched.await_looking()
    started(Detection(etcd, webhook), start=False).expiry(watched)
    for endpoint in polls(watched):
        watched.await_metric("rollcall_etcd_endpoint_up", 1,
                             endpoint=endpoint)
    assert not watched.log_lines(msg="etcd endpoint fails")


def check_fails(watched, *words):
    """Not looking, and one line that has these words."""
    watched.await_metric("rollcall_poll_request_failures_total",
                         lambda v: v and v >= 2, endpoint="leader")
    line, = watched.log_lines(msg="etcd endpoint fails")
    for word in words:
        assert word.lower() in line["reason"].lower(), line["reason"]
    assert watched.metric("rollcall_looking") == 0
    assert set(polls(watched).values()) == {0}
    watched.await_log(msg="directory cannot be watched")
    print(line["reason"])


@pytest.fixture
def certificates(tmp_path):
    directory = str(tmp_path / "certificates")
    make_ca(directory)
    make_ca(directory, "other")
    make_certificate(directory, "server")
    return directory


@pytest.fixture
def tls_etcd(started, tmp_path, certificates):
    return started(TlsEtcd(tmp_path / "etcd", certificates))


def tls(**options):
    """Time enough to read all of Debian's certificates in, too."""
    return {"http_config": {"tls_config": options},
            "poll_interval": "%ds" % SLOW}


def test_https_with_ca_file(tls_etcd, certificates, rollcall, webhook,
                            started):
    watched = rollcall([tls_etcd.secure_url()], [LOGIN],
                       webhook=webhook.url(),
                       cluster=tls(ca_file=certificates + "/ca.pem"))
    check_works(watched, tls_etcd, webhook, started)


@pytest.mark.parametrize("ca", ["other", None])
def test_https_by_an_unknown_ca(tls_etcd, certificates, rollcall, ca):
    watched = rollcall(
        [tls_etcd.secure_url()], [LOGIN], cluster=tls(**(
            {"ca_file": "%s/%s.pem" % (certificates, ca)} if ca else {})))
    check_fails(watched, tls_etcd.secure_url().split("//")[1],
                "certificate", "issuer")


def test_https_by_another_name(certificates, tmp_path, rollcall, started):
    make_certificate(certificates, "wrong", addresses="DNS:etcd.example")
    etcd = started(TlsEtcd(tmp_path / "etcd", certificates, name="wrong"))
    watched = rollcall([etcd.secure_url()], [LOGIN],
                       cluster=tls(ca_file=certificates + "/ca.pem"))
    check_fails(watched, "certificate", "127.0.0.1")


def test_https_by_the_name_that_is_expected(certificates, tmp_path, rollcall,
                                            started, webhook):
    make_certificate(certificates, "named", addresses="DNS:etcd.example")
    etcd = started(TlsEtcd(tmp_path / "etcd", certificates, name="named"))
    ca = {"ca_file": certificates + "/ca.pem"}
    watched = rollcall([etcd.secure_url()], [LOGIN], webhook=webhook.url(),
                       cluster=tls(server_name="etcd.example", **ca))
    other = rollcall([etcd.secure_url()], [LOGIN], name="other",
                     cluster=tls(server_name="other.example", **ca))
    check_works(watched, etcd, webhook, started)
    check_fails(other, "certificate", "other.example",
                etcd.secure_url().split("//")[1])


def test_https_without_verification(tls_etcd, rollcall, webhook, started):
    watched = rollcall([tls_etcd.secure_url()], [LOGIN],
                       webhook=webhook.url(),
                       cluster=tls(insecure_skip_verify=True))
    check_works(watched, tls_etcd, webhook, started)


def test_client_certificate(certificates, tmp_path, rollcall, webhook,
                            started):
    make_certificate(certificates, "client", usage="clientAuth")
    etcd = started(TlsEtcd(tmp_path / "etcd", certificates, [
        "--client-cert-auth", "--trusted-ca-file=%s/ca.pem" % certificates]))
    ca = {"ca_file": certificates + "/ca.pem"}
    without = rollcall([etcd.secure_url()], [LOGIN], cluster=tls(**ca),
                       name="without")
    watched = rollcall([etcd.secure_url()], [LOGIN], webhook=webhook.url(),
                       cluster=tls(
                           cert_file=certificates + "/client.pem",
                           key_file=certificates + "/client.key", **ca))
    check_works(watched, etcd, webhook, started)
    check_fails(without, "certificate")


def test_polls_asked_ahead(certificates, tmp_path, rollcall, started):
    """The same connections are made where several polls go on each."""
    make_certificate(certificates, "client", usage="clientAuth")
    etcd = started(TlsEtcd(tmp_path / "etcd", certificates, [
        "--client-cert-auth", "--trusted-ca-file=%s/ca.pem" % certificates]))
    watched = rollcall([etcd.secure_url()], [LOGIN], cluster=tls(
        ca_file=certificates + "/ca.pem",
        cert_file=certificates + "/client.pem",
        key_file=certificates + "/client.key"),
        arguments=["--log.level=debug"])
    watched.await_looking()
    # Slower under a sanitizer: etcd's history has to last.
    writes, _, log = Writers(tmp_path).run(
        etcd, LOGIN["path"], 1, writers=16, keys=100,
        pause_us=0 if SLOW == 1 else 16000)
    watched.await_metric("rollcall_watch_events_total", writes)
    watched.await_log(msg="events come fast: asking ahead")
    watched.await_metric("rollcall_service_instances", 100)
    assert watched.metric("rollcall_resyncs_total", reason="connection") == 0
    # Or etcd waits 7 s when it is stopped: it notices by writing to them that
    # connections with polls under way are closed.
    watched.stop()
    assert compare(log, told(watched.log())) == ([], [])
    etcd.put_many((LOGIN["path"] + "/000", "h:1", 600) for _ in range(200))


def test_http_spoken_to_https_and_the_other_way_round(tls_etcd, certificates,
                                                      rollcall):
    plain = tls_etcd.secure_url().replace("https", "http")
    secure = tls_etcd.url().replace("http", "https")
    first = rollcall([plain], [LOGIN], name="plain")
    second = rollcall([secure], [LOGIN], name="secure",
                      cluster=tls(ca_file=certificates + "/ca.pem"))
    check_fails(first)
    check_fails(second)


@pytest.fixture
def guarded_etcd(started, tmp_path):
    etcd = started(GuardedEtcd(tmp_path / "etcd"))
    etcd.put("/login_servers/kept", "h:1", ttl=600)
    etcd.enable(PASSWORD)
    return etcd


def user(tmp_path, password):
    path = tmp_path / "password"
    path.write_text(password + "\n")
    return {"http_config": {"basic_auth": {
        "username": "rollcall", "password_file": str(path)}}}


def test_basic_auth(guarded_etcd, tmp_path, rollcall, webhook):
    watched = rollcall([guarded_etcd.url()], [LOGIN], webhook=webhook.url(),
                       cluster=user(tmp_path, PASSWORD))
    watched.await_looking()
    watched.await_metric("rollcall_instance_up", 1, instance_id="kept")
    guarded_etcd.put("/login_servers/short", "h:1", ttl=1)
    webhook.await_alert("EtcdRegistryInstanceVanished", timeout=10 * SLOW,
                        instance_id="short")
    assert not watched.log_lines(msg="etcd endpoint fails")
    assert PASSWORD not in watched.log()


def test_user_who_may_read_the_directory_alone(started, tmp_path, rollcall):
    etcd = started(GuardedEtcd(tmp_path / "etcd"))
    etcd.put("/login_servers/kept", "h:1", ttl=600)
    etcd.enable(PASSWORD, "/login_servers/*")
    watched = rollcall([etcd.url()], [LOGIN],
                       cluster=user(tmp_path, PASSWORD))
    watched.await_looking()
    watched.await_metric("rollcall_instance_up", 1, instance_id="kept")
    watched.await_metric("rollcall_etcd_endpoint_up", 1, endpoint="keys")
    watched.await_metric("rollcall_etcd_index", lambda v: v and v > 0)
    watched.await_metric("rollcall_etcd_raft_term", lambda v: v and v > 0)
    assert not watched.log_lines(msg="etcd endpoint fails")


@pytest.mark.parametrize("cluster", ["nobody", "wrong password"])
def test_basic_auth_that_is_refused(guarded_etcd, tmp_path, rollcall,
                                    webhook, cluster):
    watched = rollcall(
        [guarded_etcd.url()], [LOGIN], webhook=webhook.url(),
        cluster=user(tmp_path, "wrong") if cluster != "nobody" else None)
    watched.await_metric("rollcall_poll_request_failures_total",
                         lambda v: v and v >= 2, endpoint="keys")
    line, = watched.log_lines(msg="etcd endpoint fails")
    assert line["endpoint"] == "keys"
    assert "401" in line["reason"] and "http_config" in line["reason"]
    line = watched.await_log(msg="directory cannot be watched")
    assert "401" in line["reason"]
    stays_true(lambda: watched.metric("rollcall_looking") == 0, 1)
    # What needs no user is polled.
    assert watched.metric("rollcall_etcd_member_up") == 1
    assert not webhook.alerts("EtcdRegistryServiceGone")
    assert len(watched.log_lines(msg="directory cannot be watched")) == 1
    print(line["reason"])


def test_guest_is_shut_out_while_watched(guarded_etcd, tmp_path, rollcall,
                                         webhook):
    """What is no longer shown is not gone."""
    config = user(tmp_path, PASSWORD)
    watched = rollcall([guarded_etcd.url()], [LOGIN], webhook=webhook.url(),
                       cluster=config)
    watched.await_looking()
    watched.await_metric("rollcall_instance_up", 1, instance_id="kept")
    user(tmp_path, "changed since")
    watched.reload()
    watched.await_metric("rollcall_looking", 0)
    assert watched.metric("rollcall_instance_up", instance_id="kept") == 1
    user(tmp_path, PASSWORD)
    watched.reload()
    watched.await_looking()
    assert watched.metric("rollcall_instance_up", instance_id="kept") == 1
    assert not webhook.alerts("EtcdRegistryInstanceVanished")


def test_the_alert_says_why(guarded_etcd, started, tmp_path, rollcall,
                            webhook):
    """A member that answers and refuses is not one that does not answer."""
    old = started(EtcdWithoutV2(tmp_path / "without-v2"))
    rollcall(clusters=[
        {"name": name, "endpoints": [e.url()],
         "directories": [LOGIN, {"path": "/msg_servers"}]}
        for name, e in [("guarded", guarded_etcd), ("old", old)]],
        webhook=webhook.url())
    for name, reason in [
            ("guarded", "etcd says not authorised (401): set http_config of "
             "the cluster to a user who may read"),
            ("old", "etcd's v2 API is switched off: start etcd with "
             "--enable-v2=true")]:
        _, alert = webhook.await_alert(
            "EtcdRegistryNotLooking", timeout=30 + 15 * SLOW,
            etcd_cluster=name)
        assert alert["annotations"]["directories"] == (
            "/login_servers, /msg_servers: " + reason)
