"""`rollcall discover` once: the formats, what can be wrong, and how etcd is
reached."""
import fcntl
import json
import os
import pty
import struct
import subprocess
import termios

import pytest

from support.discoverer import (  # noqa: F401 (fixtures)
    DIRECTORY, LOGIN1, LOGIN2, ONE, discover, etcd, own_etcd, shared_etcd,
    two, watching)
from support.rollcall import BINARY, command_line
from support.secure_etcd import (GuardedEtcd, TlsEtcd, make_ca,
                                 make_certificate)
from support.wait import await_true

ROUTE = "/services/route"
# The file of the instant-messaging server that discovers, as it is shipped.
MSGSERVER = """RegisterCenterIp=%s
RegisterCenterPort=%d
DiscoveryTTL=5000 #\u5355\u4f4dms:
LoginServiceDir=/login_servers
HostIp=1.15.184.62
"""


def listed(etcd, *arguments, **options):
    done = discover([etcd.url()], *arguments, **options)
    assert done.returncode == 0, done.stderr
    return done


def test_table(two):
    two.put(DIRECTORY + "/sh/3", "x\033[31m\n", None)
    done = listed(two)
    assert done.stdout.splitlines() == [
        "SERVICE        INSTANCE   ADDRESS        TTL   VALUE",
        "login_servers  0001-0001  10.0.0.7:8008  600s  " + LOGIN1,
        "login_servers  0001-0002  10.0.0.8:8008  600s  " + LOGIN2,
        "login_servers  sh/3       -              -     x\\x1b[31m\\n"]
    assert done.stderr == ""


def on_a_terminal(columns, *arguments):
    """What is written to a terminal of that width."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ,
                struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen([BINARY, *arguments], stdout=slave,
                               stdin=subprocess.DEVNULL)
    os.close(slave)
    text = b""
    try:
        while True:
            text += os.read(master, 65536)
    except OSError:             # its end
        pass
    os.close(master)
    assert process.wait(20) == 0
    return text.decode().split("\r\n")


def test_table_on_a_terminal(two):
    two.put(ROUTE + "/eu-west-1/" + "long-" * 8, LOGIN1, 5)
    for columns in (80, 40):
        lines = on_a_terminal(columns, "discover", "--etcd.endpoint",
                              two.url(), "--directory", DIRECTORY,
                              "--directory", ROUTE)
        assert len(lines) == 5 and lines[-1] == ""
        assert all(len(line) <= columns for line in lines)
        assert any(line.endswith("\u2026") for line in lines)


def test_json(two):
    two.put(DIRECTORY + "/odd", "not an address", None)
    one, other, odd = json.loads(listed(two, "--format=json").stdout)
    node = two.get(ONE)
    assert one == {
        "service_name": "login_servers", "directory": DIRECTORY,
        "instance_id": "0001-0001", "key": ONE, "value": LOGIN1,
        "address": "10.0.0.7:8008", "ttl_seconds": one["ttl_seconds"],
        "expiration": one["expiration"],
        "created_index": node["createdIndex"],
        "modified_index": node["modifiedIndex"]}
    assert 590 <= one["ttl_seconds"] <= 600
    assert one["expiration"][:19] == node["expiration"][:19]
    assert other["instance_id"] == "0001-0002"
    assert odd["address"] is odd["ttl_seconds"] is odd["expiration"] is None


def test_hosts(two):
    two.put(ROUTE + "/r_1", '{"host":"2001:db8::7","port":1}', 600)
    two.put(ROUTE + "/r_2", "route.example.com:1", 600)
    done = listed(two, "--format=hosts", directories=(DIRECTORY, ROUTE))
    assert done.stdout == ("10.0.0.7\t0001-0001.login-servers\n"
                           "10.0.0.8\t0001-0002.login-servers\n"
                           "2001:db8::7\tr-1.route\n")
    assert "/services/route/r_2" in done.stderr
    assert "no IP address" in done.stderr


def test_prometheus_format(two):
    two.put(DIRECTORY + "/odd", "not an address", None)
    done = listed(two, "--format=prometheus")
    assert json.loads(done.stdout) == [
        {"targets": [address], "labels": {
            "service_name": "login_servers", "instance_id": instance_id,
            "__meta_rollcall_key": DIRECTORY + "/" + instance_id}}
        for address, instance_id in (("10.0.0.7:8008", "0001-0001"),
                                     ("10.0.0.8:8008", "0001-0002"))]
    assert done.stderr.count("left out of the list") == 1


@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_env(two, tmp_path, shell):
    """Read by a shell in a folder that has files which it might mean."""
    two.put(ROUTE + "/r1", "[2001:db8::7]:8200", 600)
    two.put(ROUTE + "/r2", "[fe80::1%eth0]:8200", 600)
    two.put(ROUTE + "/r3", '{"host":"a;reboot","port":1}', 600)
    done = listed(two, "--format=env",
                  directories=(DIRECTORY, ROUTE, "/no_body"))
    assert done.stdout == (
        "LOGIN_SERVERS=10.0.0.7:8008,10.0.0.8:8008\n"
        "LOGIN_SERVERS_COUNT=2\n"
        "SERVICES_ROUTE=[2001:db8::7]:8200,[fe80::1%eth0]:8200\n"
        "SERVICES_ROUTE_COUNT=2\n"
        "NO_BODY=\n"
        "NO_BODY_COUNT=0\n")
    assert "/services/route/r3" in done.stderr
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in ("2:8200,f:8200", "SERVICES_ROUTE=2:8200,f:8200"):
        (folder / name).touch()
    for how in ('eval "$LIST"', 'echo "$LIST" >v; . ./v'):
        read = subprocess.run(
            [shell, "-c", how + '\necho "$LOGIN_SERVERS|$SERVICES_ROUTE|'
             '$SERVICES_ROUTE_COUNT|$NO_BODY"'],
            env={**os.environ, "LIST": done.stdout}, cwd=folder,
            capture_output=True, text=True)
        assert read.stdout == (
            "10.0.0.7:8008,10.0.0.8:8008|[2001:db8::7]:8200,"
            "[fe80::1%eth0]:8200|2|\n"), read.stderr


def test_nobody(etcd):
    etcd.make_directory("/empty")
    done = listed(etcd, directories=("/empty", "/missing"))
    assert done.stdout == ""
    assert done.stderr == (
        "rollcall discover: no instance is registered in /empty\n"
        "rollcall discover: no instance is registered in /missing\n")
    done = listed(etcd, "--format=json", directories=("/missing",))
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_a_directory_with_a_ttl_is_an_instance(two):
    two.make_directory(DIRECTORY + "/i", ttl=600)
    two.put(DIRECTORY + "/i/host", "x")
    assert [e["instance_id"] for e in json.loads(listed(
        two, "--format=json").stdout)] == ["0001-0001", "0001-0002", "i"]


def test_output_once(two, tmp_path):
    path = tmp_path / "list.json"
    done = listed(two, "--format=prometheus", "--output=%s" % path)
    assert (done.stdout, done.stderr) == ("", "")
    assert len(json.loads(path.read_text())) == 2
    before = path.stat()
    listed(two, "--format=prometheus", "--output=%s" % path)
    assert path.stat().st_ino == before.st_ino      # it had that already
    done = discover([two.url()], "--output=/proc/none/x")
    assert done.returncode == 1 and "/proc/none/x" in done.stderr


def test_etcd_that_fails(own_etcd):
    etcd = own_etcd
    etcd.kill()
    done = discover([etcd.url()])
    assert done.returncode == 1
    assert "cannot connect to 127.0.0.1:%d" % etcd.port in done.stderr
    assert done.stdout == ""
    etcd.arguments = ["--enable-v2=false"]
    etcd.is_ready = lambda: True
    etcd.start()

    def answered():
        answer = discover([etcd.url()])
        return None if "cannot connect" in answer.stderr else answer
    done = await_true(answered, 20)
    assert done.returncode == 1
    assert "start etcd with --enable-v2=true" in done.stderr
    assert etcd.url() in done.stderr


@pytest.mark.long
def test_without_a_quorum(etcd_cluster):
    etcd_cluster.put(ONE, LOGIN1)
    for member in etcd_cluster.members[1:]:
        member.kill()
    url = etcd_cluster.members[0].url()
    done = discover([url], "--allow-stale", "--format=hosts")
    assert done.stdout == "10.0.0.7\t0001-0001.login-servers\n"
    done = discover([url])
    assert done.returncode == 1 and done.stdout == ""
    assert url in done.stderr


# --- how etcd is reached ---


def write_http_config(path, **config):
    path.write_text(json.dumps(config))         # JSON is YAML
    return "--http.config.file=%s" % path


def test_tls(started, tmp_path, watching):
    certificates = str(tmp_path / "certificates")
    make_ca(certificates)
    make_certificate(certificates, "server")
    etcd = started(TlsEtcd(tmp_path / "etcd", certificates))
    etcd.put(ONE, LOGIN1)
    done = discover([etcd.secure_url()])
    assert done.returncode == 1 and "certificate" in done.stderr
    flag = write_http_config(tmp_path / "http.yml", tls_config={
        "ca_file": certificates + "/ca.pem"})
    done = discover([etcd.secure_url()], flag, "--format=hosts")
    assert done.stdout == "10.0.0.7\t0001-0001.login-servers\n"
    watched = watching([etcd.secure_url()], flag)
    watched.await_lines(1)
    etcd.delete(ONE)
    assert watched.await_changes(2)[1][0] == "deregistered"


def test_auth(started, tmp_path):
    etcd = started(GuardedEtcd(tmp_path / "etcd"))
    etcd.put(ONE, LOGIN1)
    etcd.enable("secret", "/login_servers/*")
    done = discover([etcd.url()])
    assert done.returncode == 1 and done.stdout == ""
    assert "401" in done.stderr or "credentials" in done.stderr.lower()
    flag = write_http_config(tmp_path / "http.yml", basic_auth={
        "username": "rollcall", "password": "secret"})
    done = discover([etcd.url()], flag, "--format=hosts")
    assert done.stdout == "10.0.0.7\t0001-0001.login-servers\n"


def test_config_of_a_server(two, tmp_path, watching):
    """The file of msg_server has all that is needed; flags go before it."""
    path = tmp_path / "msgserver.conf"
    path.write_text(MSGSERVER % ("127.0.0.1", two.port))
    done = command_line("discover", "--config=%s" % path, "--format=hosts")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 2
    path.write_text(MSGSERVER % ("1.15.184.62", 2379))
    two.put("/elsewhere/x", "10.0.0.9:1")
    done = discover([two.url()], "--config=%s" % path, "--format=hosts",
                    directories=("/elsewhere",))
    assert done.stdout == "10.0.0.9\tx.elsewhere\n"
    watched = watching([two.url()], "--config=%s" % path, directories=())
    watched.await_lines(2)
