"""The same operations by another client, python-etcd: what one writes the
other reads, whichever way round, and both are told the same."""
import itertools
import warnings

import pytest

from support.etcd import Etcd
from support.etcd_driver import Driver
from support.wait import await_true


@pytest.fixture(scope="module")
def etcd(tmp_path_factory):
    server = Etcd(tmp_path_factory.mktemp("etcd")).start()
    yield server
    server.kill()


@pytest.fixture(scope="module", params=["do", "send", "start"])
def ours(request, etcd, tmp_path_factory):
    driver = Driver(tmp_path_factory.mktemp("driver"), etcd.url(),
                    way=request.param).start()
    yield driver
    driver.stop()


@pytest.fixture(scope="module")
def peer():
    """The module; not to have it is a failure, so that it is not missed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")     # of what it imports itself
            import etcd as module
    except ImportError:
        pytest.fail("python-etcd is missing: install the Debian package "
                    "python3-etcd", pytrace=False)
    return module


@pytest.fixture(scope="module")
def theirs(peer, etcd):
    return peer.Client(host="127.0.0.1", port=etcd.port)


_numbers = itertools.count(1)


@pytest.fixture
def place():
    return "/peer%d" % next(_numbers)


def check_same(node, result):
    """A node of ours, and python-etcd's of the same."""
    assert node["key"] == result.key
    assert node["value"] == (result.value or "")
    assert node["dir"] == result.dir
    assert abs(node["ttl"] - (result.ttl or 0)) <= 1
    assert node["created_index"] == result.createdIndex
    assert node["modified_index"] == result.modifiedIndex
    assert (node["expiration"] is None) == (result.expiration is None)
    if result.expiration:
        assert result.expiration[:19] == node["expiration"][:19]


# It puts keys into URLs as they are: what is special there, urllib3 decodes.
KEYS = ["plain", "with space", "服务-一", "Ключ", "\U0001f600", "a+b", "a&b=c",
        "a;b", "a,b", "'q'", "<x>", "(y)", "~"]
VALUES = ["plain", "", "with space", "值", "a&b=c;d+e%41?#", "'\"\\",
          "line\nend\r\t", "<&>", "\u2028", "\0nul\0", "\x01\x7f",
          "{\"json\": [1, 2]}", "\U0001f600" * 100, "x" * 100000]


@pytest.mark.parametrize("name", KEYS, ids=ascii)
def test_any_key_either_way(ours, theirs, place, name):
    key = "%s/%s" % (place, name)
    check_same(ours.ok("set", key, "1")["node"], theirs.read(key))
    written = theirs.write(key, "2")
    told = ours.ok("get", key)["node"]
    assert told["value"] == "2"
    check_same(told, written)


@pytest.mark.parametrize("value", VALUES, ids=lambda v: ascii(v)[:20])
def test_any_value_either_way(ours, theirs, place, value):
    check_same(ours.ok("set", place, value)["node"], theirs.read(place))
    written = theirs.write(place, value)
    assert written.value == value
    check_same(ours.ok("get", place)["node"], written)


def test_ttl_and_heartbeat_either_way(ours, theirs, place):
    check_same(ours.ok("set", place, "v", ttl=100)["node"],
               theirs.read(place))
    beat = theirs.refresh(place, ttl=200)
    told = ours.ok("get", place)["node"]
    check_same(told, beat)
    assert told["value"] == "v" and 199 <= told["ttl"] <= 200
    again = ours.ok("refresh", place, ttl=300)["node"]
    check_same(again, theirs.read(place))
    assert again["created_index"] == beat.createdIndex
    theirs.write(place, "v", ttl="")
    assert ours.ok("get", place)["node"]["expiration"] is None


def test_delete_either_way(ours, theirs, peer, place):
    ours.ok("set", place, "v")
    gone = theirs.delete(place)
    assert gone.action == "delete"
    ours.fails(100, "get", place)
    theirs.write(place, "w")
    assert ours.ok("delete", place)["prev"]["value"] == "w"
    with pytest.raises(peer.EtcdKeyNotFound):
        theirs.read(place)


def test_directories_either_way(ours, theirs, peer, place):
    theirs.write(place, None, dir=True, ttl=100)
    ours.fails(102, "mkdir", place)
    ours.ok("mkdir", place + "/a")
    ours.ok("set", place + "/a/1", "x")
    theirs.write(place + "/b/2", "y")
    seen = {n.key: n for n in theirs.read(
        place, recursive=True).get_subtree() if n.key != place}
    listed = {n["key"]: n for n in ours.ok(
        "list", place, recursive=True)["nodes"]}
    assert set(listed) == set(seen) == {
        place + end for end in ("/a", "/a/1", "/b", "/b/2")}
    for key, node in listed.items():
        check_same(node, seen[key])
    with pytest.raises(peer.EtcdDirNotEmpty):
        theirs.delete(place + "/a", dir=True)
    ours.fails(108, "rmdir", place + "/b")
    theirs.delete(place + "/b", recursive=True)
    ours.ok("rmdir", place + "/a", recursive=True)
    assert ours.ok("list", place)["nodes"] == []
    assert ours.ok("rmdir", place)["prev"]["dir"]


def test_compare_and_swap_either_way(ours, theirs, peer, place):
    ours.ok("create", place, "1")
    swapped = theirs.test_and_set(place, "2", "1", ttl=100)
    told = ours.ok("compare_and_swap", place, "3",
                   prev_index=swapped.modifiedIndex)
    check_same(told["prev"], swapped)
    with pytest.raises(peer.EtcdCompareFailed):
        theirs.test_and_set(place, "4", "2")
    with pytest.raises(peer.EtcdAlreadyExist):
        theirs.write(place, "5", prevExist=False)
    ours.fails(105, "create", place, "5")
    ours.fails(101, "compare_and_delete", place, prev_value="2")
    theirs.delete(place, prevValue="3")
    ours.fails(100, "compare_and_delete", place, prev_value="3")


def test_keys_in_order_by_both(ours, theirs, place):
    made = []
    for n in range(6):
        if n % 2:
            made.append(ours.ok("create_in_order", place, str(n))[
                "node"]["key"])
        else:
            made.append(theirs.write(place, str(n), append=True).key)
    assert [n.key for n in theirs.read(place, sorted=True).leaves] == made
    listed = ours.ok("list", place, sorted=True)["nodes"]
    assert [(n["key"], n["value"]) for n in listed] == [
        (key, str(n)) for n, key in enumerate(made)]


def test_watches_either_way(ours, theirs, etcd, place):
    ours.begin("watch", key=place, recursive=True)
    await_true(lambda: etcd.status("/v2/stats/store")["watchers"] == 1)
    written = theirs.write(place + "/k", "v", ttl=100)
    event = ours.end()
    check_same(event["node"], written)
    index = written.modifiedIndex
    swapped = ours.ok("compare_and_swap", place + "/k", "w", prev_value="v")
    gone = ours.ok("delete", place + "/k")
    seen = theirs.watch(place, index=index + 1, recursive=True, timeout=10)
    assert seen.action == "compareAndSwap"
    check_same(swapped["node"], seen)
    seen = theirs.watch(place, index=index + 2, recursive=True, timeout=10)
    assert seen.action == "delete"
    check_same(gone["prev"], seen._prev_node)


def test_quorum_reads_by_both(ours, theirs, place):
    theirs.write(place, "v")
    seen = theirs.read(place, quorum=True)
    told = ours.ok("get", place, quorum=True)
    check_same(told["node"], seen)
    assert told["meta"]["etcd_index"] == seen.etcd_index
    assert told["meta"]["raft_index"] > seen.raft_index


def test_members_leader_and_statistics_by_both(ours, theirs):
    members = theirs.members
    assert {m["id"]: (m["name"], [m["client_url"]], [m["peer_url"]])
            for m in ours.ok("members")["members"]} == {
        k: (m["name"], m["clientURLs"], m["peerURLs"])
        for k, m in members.items()}
    assert ours.ok("leader")["leader"]["id"] == theirs.leader["id"]
    told = ours.ok("version")
    assert (told["server"], told["cluster"]) == (
        theirs.version, theirs.cluster_version)
    told = ours.ok("stats_self")
    assert told["name"] == theirs.stats["name"]
    assert told["state"] == theirs.stats["state"]
    assert ours.ok("stats_leader")["leader"] == theirs.leader_stats["leader"]
    raw, told = theirs.store_stats, ours.ok("stats_store")
    for name in "sets", "create", "update", "delete":
        assert told["%s_success" % name.rstrip("s")] == raw[name + "Success"]
    assert told["cas_fail"] == raw["compareAndSwapFail"]
    assert told["cad_success"] == raw["compareAndDeleteSuccess"]
    assert told["expire_count"] == raw["expireCount"]
