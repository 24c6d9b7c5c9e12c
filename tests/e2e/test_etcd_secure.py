"""The client of etcd/ and an etcd that demands TLS, certificates, users: each
by a file with http_config."""
import json
import socket
import ssl
import threading

import pytest

from support.etcd import Etcd
from support.etcd_driver import Driver
from support.process import free_port
from support.rollcall import SLOW
from support.secure_etcd import (GuardedEtcd, TlsEtcd, make_ca,
                                 make_certificate)

PASSWORD = 'p:ä "w'


class SecureEtcd(TlsEtcd, GuardedEtcd):
    """Both."""


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """Of the server, of a client whose name is that of a user, of one that
    nobody knows, and of one by another authority."""
    directory = str(tmp_path_factory.mktemp("certificates"))
    make_ca(directory)
    make_ca(directory, "other")
    make_certificate(directory, "server")
    make_certificate(directory, "elsewhere", addresses="DNS:etcd.example")
    make_certificate(directory, "rollcall", usage="clientAuth")
    make_certificate(directory, "nobody", usage="clientAuth")
    make_certificate(directory, "stranger", ca="other", usage="clientAuth")
    return directory


@pytest.fixture(scope="module")
def tls_etcd(tmp_path_factory, certificates):
    server = TlsEtcd(tmp_path_factory.mktemp("etcd"), certificates).start()
    yield server
    server.kill()


@pytest.fixture(scope="module")
def strict_etcd(tmp_path_factory, certificates):
    """Wants a client certificate, and takes the name in it for the user."""
    server = SecureEtcd(tmp_path_factory.mktemp("etcd"), certificates, [
        "--client-cert-auth", "--trusted-ca-file=%s/ca.pem" % certificates])
    server.start()
    server.put("/open/k", "v")
    server.put("/shut/k", "v")
    server.enable(PASSWORD, readable="/open/*")
    yield server
    server.kill()


@pytest.fixture(scope="module")
def guarded_etcd(tmp_path_factory):
    server = GuardedEtcd(tmp_path_factory.mktemp("etcd")).start()
    server.put("/open/k", "v")
    server.put("/shut/k", "v")
    server.enable(PASSWORD, readable="/open/*")
    yield server
    server.kill()


@pytest.fixture
def driver(started, tmp_path):
    """driver(urls, **http_config)"""
    def new(urls, way="do", **http_config):
        path = tmp_path / "http.yml"
        path.write_text(json.dumps(http_config))        # JSON is YAML
        return started(Driver(tmp_path / "driver", urls, http=path, way=way))
    return new


def check_works(client, etcd):
    written = client.ok("set", "/a/k", "v", ttl=100)
    assert written["endpoint"] == etcd.secure_url()
    assert etcd.get("/a/k")["value"] == "v"
    assert client.value("/a/k", quorum=True) == "v"
    assert [n["key"] for n in client.ok("list", "/a")["nodes"]] == ["/a/k"]
    event = client.ok("watch", "/a", recursive=True,
                      wait_index=written["node"]["modified_index"])
    assert event["node"] == written["node"]
    client.ok("refresh", "/a/k", ttl=200)
    client.ok("compare_and_delete", "/a/k", prev_value="v")
    client.ok("health")
    client.ok("members")
    assert client.ok("index")["meta"]["raft_index"]


def check_no_tls(told, *words):
    assert told["outcome"] == "failed", told
    assert told["fetch_error"] == "tls", told["text"]
    for word in words:
        assert word in told["text"].lower(), told["text"]


@pytest.mark.parametrize("way", ["do", "send", "start"])
def test_tls(tls_etcd, certificates, driver, way):
    check_works(driver(tls_etcd.secure_url(), way=way, tls_config={
        "ca_file": certificates + "/ca.pem"}), tls_etcd)


def test_tls_without_verification(tls_etcd, driver):
    check_works(driver(tls_etcd.secure_url(), tls_config={
        "insecure_skip_verify": True}), tls_etcd)


def test_tls_by_a_key_longer_than_a_plain_line(tls_etcd, certificates,
                                               driver):
    """The limit is that of plain connections."""
    client = driver(tls_etcd.secure_url(), tls_config={
        "ca_file": certificates + "/ca.pem"})
    client.ok("set", "/" + "k" * 20000, "v")
    client.ok("delete", "/" + "k" * 20000)


@pytest.mark.parametrize("config", [
    {"ca_file": "other.pem"}, {}], ids=["another", "none"])
def test_an_unknown_authority(tls_etcd, certificates, driver, config):
    config = {k: certificates + "/" + v for k, v in config.items()}
    client = driver(tls_etcd.secure_url(), tls_config=config)
    for op in "get", "set", "create_in_order":
        check_no_tls(client.do(op, key="/tls", value="v"), "certificate",
                     "issuer")
    assert tls_etcd.get("/tls") is None


def test_another_name_in_the_certificate(started, tmp_path, certificates,
                                         driver):
    etcd = started(TlsEtcd(tmp_path / "etcd", certificates,
                           name="elsewhere"))
    check_no_tls(driver(etcd.secure_url(), tls_config={
        "ca_file": certificates + "/ca.pem"}).do("get", key="/a"),
        "certificate", "127.0.0.1")
    check_works(driver(etcd.secure_url(), tls_config={
        "ca_file": certificates + "/ca.pem",
        "server_name": "etcd.example"}), etcd)


def test_plain_spoken_to_tls_and_the_other_way_round(tls_etcd, certificates,
                                                     driver):
    told = driver(tls_etcd.secure_url().replace("https", "http")).do(
        "get", key="/a")
    assert told["outcome"] in ("failed", "bad"), told
    check_no_tls(driver(tls_etcd.url().replace("http", "https"), tls_config={
        "ca_file": certificates + "/ca.pem"}).do("get", key="/a"))


def test_a_member_without_tls_is_not_the_last(tls_etcd, certificates, driver):
    """No connection, so nothing was done: the next is asked, whatever it
    is."""
    plain = tls_etcd.url().replace("http", "https")
    client = driver([plain, tls_etcd.secure_url()], tls_config={
        "ca_file": certificates + "/ca.pem"})
    for op in "create", "compare_and_swap", "compare_and_delete":
        told = client.ok(op, "/once", None if "delete" in op else "v",
                         prev_value=None if op == "create" else "v")
        assert told["endpoint"] == tls_etcd.secure_url()


class Swallower:
    """Takes requests over TLS, and dies before it answers them, as a process
    that is killed does, without a word of TLS; or says what is no TLS."""

    def __init__(self, certificates, last_words=b""):
        self.last_words = last_words
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificates + "/server.pem",
                                     certificates + "/server.key")
        self.listener = socket.create_server(("127.0.0.1", free_port()))
        self.requests = []
        threading.Thread(target=self._run, daemon=True).start()

    def url(self):
        return "https://127.0.0.1:%d" % self.listener.getsockname()[1]

    def _run(self):
        while True:
            try:
                plain = self.listener.accept()[0]
                secure = self.context.wrap_socket(plain, server_side=True)
                self.requests.append(secure.recv(65536))
                with socket.socket(fileno=secure.detach()) as bare:
                    bare.sendall(self.last_words)
            except (OSError, ValueError):
                if self.listener.fileno() < 0:
                    return

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


@pytest.mark.parametrize("last_words", [b"", b"HTTP/1.1 502 X\r\n\r\n"],
                         ids=["end", "no TLS"])
def test_an_answer_lost_over_tls(started, tls_etcd, certificates, driver,
                                 last_words):
    """It may have been done, and is not done again."""
    swallower = started(Swallower(certificates, last_words), start=False)
    tls_etcd.delete("/queue", recursive=True) if tls_etcd.get(
        "/queue") else None
    tls_etcd.put("/swap", "old")
    for op, fields in (("create_in_order", {"key": "/queue"}),
                       ("compare_and_swap", {"key": "/swap",
                                             "prev_value": "old"}),
                       ("delete", {"key": "/swap"})):
        client = driver([swallower.url(), tls_etcd.secure_url()],
                        tls_config={"ca_file": certificates + "/ca.pem"})
        swallower.requests.clear()
        told = client.do(op, value="new", **fields)
        assert told["outcome"] == "failed", told
        assert told["fetch_error"] == "broken", told["text"]
        assert told["endpoint"] == swallower.url()
        assert len(swallower.requests) == 1
    assert tls_etcd.get("/queue") is None
    assert tls_etcd.get("/swap")["value"] == "old"
    # What may be done twice goes to the next.
    client = driver([swallower.url(), tls_etcd.secure_url()],
                    tls_config={"ca_file": certificates + "/ca.pem"})
    assert client.ok("get", "/swap")["endpoint"] == tls_etcd.secure_url()


# --- client certificates ---

def certificate(certificates, name):
    return {"tls_config": {
        "ca_file": certificates + "/ca.pem",
        "cert_file": "%s/%s.pem" % (certificates, name),
        "key_file": "%s/%s.key" % (certificates, name)}}


@pytest.mark.parametrize("way", ["do", "send", "start"])
def test_the_name_in_the_certificate_is_the_user(strict_etcd, certificates,
                                                 driver, way):
    client = driver(strict_etcd.secure_url(), way=way,
                    **certificate(certificates, "rollcall"))
    assert client.value("/open/k") == "v"
    assert [n["key"] for n in client.ok("list", "/open")["nodes"]] == [
        "/open/k"]
    for op, key in (("get", "/shut/k"), ("list", "/shut"), ("list", "/"),
                    ("set", "/open/k"), ("delete", "/open/k")):
        told = client.do(op, key=key, value="w" if op == "set" else None)
        assert told["outcome"] == "unauthorized"
        assert told["error_code"] == 110 and told["status"] == 401
    assert client.ok("index", "/open")["meta"]["etcd_index"]


def test_a_certificate_of_nobody(strict_etcd, certificates, driver):
    client = driver(strict_etcd.secure_url(),
                    **certificate(certificates, "nobody"))
    client.ok("health")
    told = client.do("get", key="/open/k")
    assert told["outcome"] == "unauthorized"


def test_a_certificate_and_a_password(strict_etcd, certificates, driver):
    """The password counts."""
    client = driver(
        strict_etcd.secure_url(), **certificate(certificates, "nobody"),
        basic_auth={"username": "root", "password": "secret"})
    client.ok("set", "/shut/k", "v")


def check_shut_out(client):
    """TLS 1.3 says so behind the handshake, and the end of the connection may
    overtake it now and then; under a sanitizer more often than not."""
    told = [client.do(op, key="/open/k", value="v")
            for op in ("get", "set", "health", "create") * 3 * SLOW]
    for t in told:
        assert t["outcome"] == "failed"
        assert t["fetch_error"] in ("tls", "broken"), t["text"]
    check_no_tls(next(t for t in told if t["fetch_error"] == "tls"),
                 "certificate")


def test_no_client_certificate(strict_etcd, certificates, driver):
    check_shut_out(driver(strict_etcd.secure_url(), tls_config={
        "ca_file": certificates + "/ca.pem"}))


def test_a_client_certificate_by_another_authority(strict_etcd, certificates,
                                                   driver):
    check_shut_out(driver(strict_etcd.secure_url(),
                          **certificate(certificates, "stranger")))


# --- passwords ---

def test_a_password(guarded_etcd, tmp_path, driver):
    (tmp_path / "password").write_text(PASSWORD + "\n")
    for auth in ({"password": PASSWORD},
                 {"password_file": str(tmp_path / "password")}):
        client = driver(guarded_etcd.url(), basic_auth={
            "username": "rollcall", **auth})
        assert client.value("/open/k") == "v"
        assert client.ok("list", "/open", recursive=True)["nodes"]
        for op, key in (("get", "/shut/k"), ("set", "/open/k")):
            told = client.do(op, key=key, value="w" if op == "set" else None)
            assert told["outcome"] == "unauthorized"


def test_the_password_of_root(guarded_etcd, driver):
    client = driver(guarded_etcd.url(), basic_auth={
        "username": "root", "password": "secret"})
    client.ok("set", "/shut/other", "v", ttl=100)
    client.ok("refresh", "/shut/other", ttl=100)
    client.ok("create_in_order", "/shut/queue", "v")
    client.ok("rmdir", "/shut/queue", recursive=True)
    client.ok("compare_and_delete", "/shut/other", prev_value="v")
    told = client.do("member_remove", key="1")
    assert told["status"] == 404, "root may"


@pytest.mark.parametrize("auth", [
    {"basic_auth": {"username": "rollcall", "password": "wrong"}},
    {"basic_auth": {"username": "nobody", "password": PASSWORD}},
    {"authorization": {"credentials": "token"}}, {}],
    ids=["wrong password", "nobody", "bearer", "none"])
def test_no_password_that_counts(guarded_etcd, driver, auth):
    client = driver(guarded_etcd.url(), **auth)
    for op in "get", "set", "list", "watch", "delete":
        told = client.do(op, key="/open/k", value="v")
        assert told["outcome"] == "unauthorized", told
        assert told["error_code"] == 110
        assert told["error"] == "no_permission"
        assert told["cause"] == "Insufficient credentials"
        assert PASSWORD not in told["text"]
    for op in "version", "health", "members", "leader", "stats_store":
        client.ok(op)


def test_a_listing_is_followed_by_who_may(guarded_etcd, driver):
    client = driver(guarded_etcd.url(), basic_auth={
        "username": "rollcall", "password": PASSWORD})
    news = client.follow("/open", 2)
    first = next(news)
    assert first["news"] == "listing"
    assert [n["key"] for n in first["nodes"]] == ["/open/k"]
    guarded_etcd.put("/open/k", "v")
    assert next(news)["node"]["key"] == "/open/k"
    assert not list(news)
    trouble, = client.follow("/shut", 1)
    assert trouble["news"] == "trouble" and "HTTP 401" in trouble["text"]


# --- the file itself ---

@pytest.mark.parametrize("text,words", [
    ("basic_auth: {user: x}", ["http.yml", "user"]),
    ("tls_config: {ca_file: /none/ca.pem}", ["http.yml", "/none/ca.pem"]),
    ("[", ["http.yml"])], ids=["key", "file", "yaml"])
def test_a_file_that_is_wrong(tmp_path, text, words):
    path = tmp_path / "http.yml"
    path.write_text(text)
    client = Driver(tmp_path / "driver", Etcd(tmp_path).url(), http=path)
    client.start()
    assert client.process.wait(10) == 2
    for word in words:
        assert word in client.log()
