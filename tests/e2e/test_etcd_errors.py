"""Every error code of etcd's v2 API, provoked on a real etcd: what the client
of etcd/ makes of it."""
import pytest

from support.etcd import Etcd, EtcdCluster
from support.etcd_driver import (  # noqa: F401 (fixtures)
    driver, new_driver)
from support.rollcall import SLOW
from support.secure_etcd import GuardedEtcd
from support.wait import await_true


@pytest.fixture(scope="module")
def etcd(tmp_path_factory):
    server = Etcd(tmp_path_factory.mktemp("etcd")).start()
    server.put("/dir/key", "v")
    server.put("/key", "v")
    yield server
    server.kill()


@pytest.fixture(scope="module")
def raw(etcd, new_driver):
    """For what no typed request can say: raw(METHOD, TARGET, BODY)."""
    driver = new_driver(etcd.url())
    return lambda method, target, body: driver.do(
        "raw", method=method, target="/v2/keys" + target, body=body,
        kind="key", base="/key")


def check(told, code, name, status, message, cause):
    assert told["outcome"] == "error", told
    assert (told["error_code"], told["error"]) == (code, name)
    assert told["status"] == status
    assert told["message"] == message
    assert told["cause"] == cause
    assert "HTTP %d, errorCode %d, %s" % (
        status, code, message) in told["text"]
    assert cause in told["text"]


def test_100_key_not_found(driver):
    for op in "get", "update", "delete", "refresh", "update_dir", "rmdir":
        told = driver.do(op, key="/none/below", value="v" if op == "update"
                         else None, ttl=5)
        check(told, 100, "key_not_found", 404, "Key not found", "/none")
        assert told["error_index"] == told["meta"]["etcd_index"] > 0
        assert told["text"] == ("/v2/keys/none/below: HTTP 404, errorCode "
                                "100, Key not found (/none)")


def test_101_compare_failed(driver, etcd):
    index = etcd.get("/key")["modifiedIndex"]
    for fields, cause in (
            ({"prev_value": "w"}, "[w != v]"),
            ({"prev_index": 1}, "[1 != %d]" % index),
            ({"prev_value": "w", "prev_index": 1},
             "[w != v] [1 != %d]" % index)):
        for op in "compare_and_swap", "compare_and_delete":
            told = driver.do(op, key="/key", value="x" if "swap" in op
                             else None, **fields)
            check(told, 101, "compare_failed", 412, "Compare failed", cause)


def test_102_not_a_file(driver):
    for op, fields in (("set", {"value": "v"}), ("delete", {}),
                       ("mkdir", {}), ("update", {"value": "v"}),
                       ("compare_and_swap", {"value": "v",
                                             "prev_value": "w"})):
        told = driver.do(op, key="/dir", **fields)
        check(told, 102, "not_a_file", 403, "Not a file", "/dir")


def test_104_not_a_directory(driver):
    told = driver.do("set", key="/key/below", value="v")
    check(told, 104, "not_a_directory", 400, "Not a directory", "/key")
    told = driver.do("create_in_order", key="/key", value="v")
    check(told, 104, "not_a_directory", 400, "Not a directory", "/key")


def test_105_key_already_exists(driver):
    told = driver.do("create", key="/key", value="v")
    check(told, 105, "already_exists", 412, "Key already exists", "/key")
    told = driver.do("mkdir", key="/dir", prev_exist="false")
    check(told, 105, "already_exists", 412, "Key already exists", "/dir")


def test_107_root_is_read_only(driver):
    for op, fields in (("set", {"value": "v"}), ("delete", {"dir": True}),
                       ("rmdir", {"recursive": True}),
                       ("update", {"value": "v"})):
        told = driver.do(op, key="/", **fields)
        check(told, 107, "root_read_only", 400, "Root is read only", "/")
        assert told["text"].startswith("/v2/keys: ")


def test_108_directory_not_empty(driver):
    told = driver.do("rmdir", key="/dir")
    check(told, 108, "directory_not_empty", 403, "Directory not empty",
          "/dir")


def test_201_empty_previous_value(driver):
    for op in "compare_and_swap", "compare_and_delete":
        told = driver.do(op, key="/key", value="v" if "swap" in op else None,
                         prev_value="")
        check(told, 201, "prev_value_empty", 400,
              "PrevValue is Required in POST form",
              '"prevValue" cannot be empty')
        assert told["meta"]["etcd_index"] == told["error_index"] == 0


def test_202_ttl_is_no_number(driver):
    told = driver.do("set", key="/ttl", value="v", ttl=-1)
    check(told, 202, "ttl_invalid", 400,
          "The given TTL in POST form is not a number",
          'invalid value for "ttl"')


def test_203_index_is_no_number(raw):
    for method, target, body, cause in (
            ("PUT", "/key", "value=v&prevIndex=x", "prevIndex"),
            ("DELETE", "/key?prevIndex=-1", None, "prevIndex"),
            ("GET", "/key?wait=true&waitIndex=1.5", None, "waitIndex")):
        told = raw(method, target, body)
        check(told, 203, "index_invalid", 400,
              "The given index in POST form is not a number",
              'invalid value for "%s"' % cause)


def test_209_field_is_invalid(raw):
    for method, target, body, cause in (
            ("GET", "/dir?recursive=maybe", None,
             'invalid value for "recursive"'),
            ("PUT", "/key", "value=v&prevExist=",
             "invalid value for prevExist"),
            ("PUT", "/key?wait=true", "value=v",
             '"wait" can only be used with GET requests')):
        told = raw(method, target, body)
        check(told, 209, "field_invalid", 400, "Invalid field", cause)


def test_210_form_is_too_large(driver):
    told = driver.do("set", key="/key", value="v" * (11 << 20))
    check(told, 210, "form_invalid", 400, "Invalid POST form",
          "http: POST too large")
    assert driver.value("/key") == "v"


def test_210_form_is_invalid(raw):
    for body, cause in (
            ("value=%zz", 'invalid URL escape "%zz"'),
            ("value=a;b", "invalid semicolon separator in query")):
        check(raw("PUT", "/key", body), 210, "form_invalid", 400,
              "Invalid POST form", cause)


def test_211_refresh_with_a_value(driver):
    told = driver.do("refresh", key="/key", value="w", ttl=5)
    check(told, 211, "refresh_with_value", 400,
          "Value provided on refresh", "A value was provided on a refresh")


def test_212_refresh_without_ttl(driver):
    told = driver.do("refresh", key="/key", ttl=0)
    check(told, 212, "refresh_without_ttl", 400,
          "A TTL must be provided on refresh", "No TTL value set")


def test_401_history_is_cleared(driver, etcd):
    before = etcd.index()
    etcd.put_many([("/many", "", None) for _ in range(1000)])
    told = driver.do("watch", key="/key", wait_index=before)
    now = told["meta"]["etcd_index"]
    check(told, 401, "index_cleared", 400,
          "The event in requested index is outdated and cleared",
          "the requested history has been cleared [%d/%d]" % (
              now - 999, before))
    assert told["error_index"] == now
    assert told["text"].startswith("/v2/keys/key: HTTP 400, errorCode 401")


def test_110_no_permission(started, tmp_path, new_driver):
    etcd = started(GuardedEtcd(tmp_path / "etcd"))
    etcd.enable("secret")
    for way in "do", "send", "start":
        driver = new_driver(etcd.url(), way=way)
        for op in "get", "set", "delete", "list", "watch", "rmdir":
            told = driver.do(op, key="/a", value="v" if op == "set" else None)
            assert told["outcome"] == "unauthorized"
            assert told["status"] == 401
            assert told["error_code"] == 110
            assert told["error"] == "no_permission"
            assert told["message"] == (
                "The request requires user authentication")
            assert told["cause"] == "Insufficient credentials"
        told = driver.do("member_remove", key="1")
        assert told["outcome"] == "unauthorized"
        assert told["message"] == "Insufficient credentials"
        assert driver.ok("members")["members"], "that needs no user"


def test_300_without_a_quorum(started, tmp_path, new_driver):
    """etcd takes 7 s to say so, and says so to all who asked in time.  What
    needs no quorum is answered from what was known."""
    cluster = started(EtcdCluster(tmp_path / "etcd"))
    cluster.put("/key", "v")
    left, *others = cluster.members
    await_true(lambda: left.get("/key"))
    for member in others:
        member.kill()
    drivers = {op: new_driver(left.url(), deadline_ms=20000 * SLOW)
               for op in ("set", "compare_and_swap", "delete", "get",
                          "list", "refresh")}
    drivers["send"] = new_driver(left.url(), deadline_ms=20000 * SLOW,
                                 way="send")
    for op, driver in drivers.items():
        driver.begin("set" if op == "send" else op, key="/key",
                     value="w" if op in ("set", "send", "compare_and_swap")
                     else None, prev_value="v" if "swap" in op else None,
                     quorum=op in ("get", "list"), ttl=5)
    impatient = new_driver(left.url(), deadline_ms=300)
    told = impatient.do("set", key="/key", value="x")
    assert told["outcome"] == "failed" and told["fetch_error"] == "timeout"
    assert impatient.value("/key") == "v"
    assert len(impatient.ok("members")["members"]) == 3
    assert not impatient.ok("list", "/")["missing"]
    for driver in drivers.values():
        told = driver.end()
        assert told["outcome"] == "error"
        assert (told["error_code"], told["error"], told["status"]) == (
            300, "raft_internal", 500)
        assert told["message"] == "Raft Internal Error"
        assert told["cause"].startswith("etcdserver: request timed out")
    refused = impatient.do("leader")
    assert refused["outcome"] == "refused" and refused["status"] == 503
    assert "During election" in refused["text"]
    sick = impatient.do("health")
    assert sick["outcome"] == "refused" and sick["status"] == 503
    assert sick["healthy"] is False
