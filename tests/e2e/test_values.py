"""What services write into their keys, and where: any of it is read, or left
as it is, and never harms what is beside it."""
import base64
import collections

import pytest
from prometheus_client.openmetrics.parser import \
    text_string_to_metric_families

from support.delay import VANISHED
from support.rollcall import OPENMETRICS, TEXT
from support.wait import stays_true

SERVICES = {"path": "/s", "service_name": "s"}
BY_ZONE = {"path": "/z", "service_name": "z", "pattern": "{zone}/{instance_id}"}
UP = "rollcall_instance_up"
# value -> address
ADDRESSES = {
    '{"host":"10.0.0.1","port":80}': "10.0.0.1:80",
    '{"ip":"10.0.0.2","port":"81"}': "10.0.0.2:81",
    '{"address":"10.0.0.3","port":82,"weight":1.5}': "10.0.0.3:82",
    '{"address":"10.0.0.4:83"}': "10.0.0.4:83",
    ' {"host":"::1","port":84}\n': "[::1]:84",
    "db-1.example:5432": "db-1.example:5432",
    "[2001:db8::1]:85": "[2001:db8::1]:85",
    "": "", "rubbish": "", "{": "", "[]": "", "null": "", "12": "",
    '{"host":"h","port":99999}': "", '{"host":{},"port":[]}': "",
    '{"host":"a\\"b","port":1}': "", "ключ: значение\n\"'\\\t": "",
    '{"host":"h\\u0000x","port":1}': "",
    "x" * (1 << 20): "", '{"host":"%s","port":1}' % ("y" * (1 << 20)): "",
    "{" * 5000: "", '{"a":' * 3000: "", "host:port": "", ":80": "",
    "h:1:2": "",
}
KEYS = ['quote"s', "back\\slash", "new\nline", "名前", "<&>", "sp ace",
        "tab\t", "per%cent", "plus+", "ques?tion", "hash#", "semi;colon",
        "e\u0301", "\U0001f4a5", "eq=ual", "com,ma", "br{a}ce", "x" * 1000,
        "\x7f", "\x01", "a:b", "*", "..."]


def parsed(watched):
    """Both formats, read strictly: {name: [(labels, value)]}"""
    text = watched.exposition(OPENMETRICS).text
    found = collections.defaultdict(list)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found[sample.name].append((sample.labels, sample.value))
    watched.exposition(TEXT)
    watched.metrics()
    return found


def up(watched, service="s"):
    return {labels["instance_id"]: value for labels, value in
            watched.samples(UP, service_name=service)}


def await_up(watched, expected, service="s"):
    watched.await_metric("rollcall_service_instances", len(expected),
                         service_name=service)
    assert {i for i, v in up(watched, service).items() if v} == set(expected)


def causes(watched):
    story = collections.defaultdict(list)
    for event in watched.events():
        story[event["instance_id"]].append(event["cause"])
    return story


@pytest.mark.parametrize("before", [True, False], ids=["listed", "watched"])
def test_values(etcd, rollcall, webhook, before):
    """Both ways in: by a listing, and by events."""
    def write():
        for n, value in enumerate(ADDRESSES):
            etcd.put("/s/%03d" % n, value, ttl=600)
    if before:
        write()
    watched = rollcall([etcd.url()], [SERVICES], webhook=webhook.url())
    watched.await_looking()
    if not before:
        write()
    await_up(watched, {"%03d" % n for n in range(len(ADDRESSES))})
    info = {labels["instance_id"]: labels.get("address", "")
            for labels, _ in parsed(watched)["rollcall_instance_info"]}
    assert info == {"%03d" % n: address for n, address in
                    enumerate(ADDRESSES.values())}
    # A value that changes is no registration, and shows.
    etcd.put("/s/000", '{"host":"10.9.9.9","port":1}', ttl=600)
    watched.await_metric("rollcall_instance_info", 1, address="10.9.9.9:1")
    # One of them goes: the alert is made of what it left behind.
    etcd.put("/s/008", 'rub"bish\n\\', ttl=1)
    _, alert = webhook.await_alert(VANISHED, instance_id="008")
    assert alert["annotations"]["key"] == "/s/008"
    assert watched.metric("rollcall_service_registrations_total",
                          service_name="s") == len(ADDRESSES)


def test_keys(etcd, rollcall, webhook):
    for key in KEYS:
        etcd.put("/s/" + key, "h:1", ttl=600)
    watched = rollcall([etcd.url()], [SERVICES], webhook=webhook.url())
    await_up(watched, KEYS)
    # Again as events, and the other way round.
    for key in KEYS:
        etcd.delete("/s/" + key)
    await_up(watched, [])
    for key in KEYS:
        etcd.put("/s/" + key, "h:1", ttl=600)
    await_up(watched, KEYS)
    assert {labels["instance_id"] for labels, _ in parsed(watched)[
        UP]} == set(KEYS)
    watched.await_events(lambda es: len(es) == 3 * len(KEYS))
    assert {i: c for i, c in causes(watched).items()} == {
        k: ["registered", "delete", "registered"] for k in KEYS}
    assert len(watched.events(format="csv")) == 3 * len(KEYS)
    etcd.put("/s/" + KEYS[0] + "\n", "h:1", ttl=1)
    webhook.await_alert(VANISHED, instance_id=KEYS[0] + "\n")
    watched.restart()
    await_up(watched, KEYS)


def test_bad_keys_are_counted_and_harm_nobody(etcd, rollcall, webhook):
    bad = "rollcall_bad_keys_total"
    etcd.put("/s/good", "h:1", ttl=600)
    etcd.put("/s/nul\0key", "h:1", ttl=600)
    watched = rollcall([etcd.url()], [SERVICES, BY_ZONE],
                       webhook=webhook.url())
    await_up(watched, ["good"])
    watched.await_metric(bad, 1, directory="/s")
    etcd.put("/s/nul\0", "h:1", ttl=600)
    etcd.put("/s/too/deep", "h:1", ttl=600)
    etcd.put("/s/_hidden", "h:1", ttl=600)
    etcd.put("/s/_hidden_too/x", "h:1", ttl=600)
    etcd.put("/s/better", "h:1", ttl=600)
    await_up(watched, ["good", "better"])
    watched.await_metric(bad, 3, directory="/s")
    # Two keys of one identity: the first stays, the other takes over.
    etcd.put("/z/a/1", "h:1", ttl=600)
    etcd.put("/z/b/1", "h:2", ttl=600)
    watched.await_metric(bad, 1, directory="/z")
    watched.await_metric("rollcall_instance_info", 1, address="h:1",
                         service_name="z", zone="a")
    etcd.delete("/z/a/1")
    watched.await_metric("rollcall_instance_info", 1, address="h:2",
                         service_name="z", zone="b")
    watched.restart()
    watched.await_metric("rollcall_instance_info", 1, address="h:2",
                         service_name="z", zone="b")
    await_up(watched, ["good", "better"])
    watched.await_metric(bad, 3, directory="/s")
    # Bad ones come and go without a word.
    etcd.delete("/s/nul\0key")
    etcd.delete("/s/too", recursive=True)
    etcd.put("/s/nul\0", "h:1", ttl=1)
    etcd.put("/s/short", "h:1", ttl=1)
    webhook.await_alert(VANISHED, instance_id="short")
    parsed(watched)
    assert len(webhook.alerts(VANISHED)) == 1
    watched.await_metric(bad, 3, directory="/s")


def test_rivals_go_with_their_directory(etcd, rollcall, webhook):
    """Who waits for an identity in a directory that goes waits no more."""
    watched = rollcall([etcd.url()], [BY_ZONE], webhook=webhook.url())
    watched.await_looking()
    for zone in "abc":
        etcd.put("/z/%s/1" % zone, "h:1", ttl=600)
    watched.await_metric("rollcall_bad_keys_total", 2, directory="/z")
    etcd.delete("/z/b", recursive=True)
    etcd.delete("/z/a/1")
    watched.await_metric("rollcall_instance_info", 1, zone="c")
    etcd.put("/z/b/1", "h:1", ttl=600)
    etcd.delete("/z", recursive=True)
    watched.await_metric(UP, None, instance_id="1")
    watched.await_events(
        lambda es: es[-1]["cause"] == "dir_delete")
    stays_true(lambda: not watched.samples(UP), 1)


def test_directory_with_ttl_expires_with_its_children(etcd, rollcall,
                                                      webhook):
    """As one event, that names none of them."""
    etcd.put_many([("/s/kept%d" % n, "h:1", 600) for n in range(10)])
    watched = rollcall([etcd.url()], [{
        "path": "/s", "pattern": "{service_name}/{instance_id}"}, {
        "path": "/d", "service_name": "d"}], webhook=webhook.url())
    etcd.make_directory("/s/group", ttl=2)
    etcd.put("/s/group/1", "h:1", ttl=600)
    etcd.put("/s/group/2", "h:2")
    etcd.make_directory("/d/instance", ttl=2)
    etcd.put("/d/instance/port", "80")
    etcd.put("/d/instance/host", "h")
    await_up(watched, ["1", "2"], "group")
    await_up(watched, ["instance"], "d")
    for instance in ("1", "2", "instance"):
        webhook.await_alert(VANISHED, instance_id=instance)
        watched.await_metric(UP, 0, instance_id=instance)
    watched.await_events(lambda es: sum(
        e["state"] == "expired" for e in es) == 3)
    story = causes(watched)
    assert story["1"] == story["2"] == ["registered", "dir_expire"]
    assert story["instance"] == ["registered", "expire"]


def test_directory_deleted_with_its_children(etcd, rollcall, webhook):
    for path in ("/s/g/1", "/s/g/2", "/s/h/3", "/s/g2/4"):
        etcd.put(path, "h:1", ttl=600)
    watched = rollcall([etcd.url()], [{
        "path": "/s", "pattern": "{service_name}/{instance_id}"}],
        webhook=webhook.url())
    await_up(watched, ["1", "2"], "g")
    etcd.delete("/s/g", recursive=True)
    await_up(watched, [], "g")
    await_up(watched, ["4"], "g2")
    # The whole of what is watched, by its own name.
    etcd.delete("/s", recursive=True)
    await_up(watched, [], "h")
    await_up(watched, [], "g2")
    watched.await_events(lambda es: len(es) == 8)
    assert set(map(tuple, causes(watched).values())) == {
        ("registered", "dir_delete")}
    etcd.put("/s/g/1", "h:1", ttl=600)
    await_up(watched, ["1"], "g")
    assert not webhook.alerts(VANISHED)


def test_permanent_and_hidden_keys(etcd, rollcall):
    etcd.put("/s/_hidden", "h:1", ttl=600)
    etcd.put("/s/permanent", "h:1")
    etcd.put("/s/mortal", "h:1", ttl=600)
    watched = rollcall([etcd.url()], [SERVICES])
    await_up(watched, ["permanent", "mortal"])
    permanent = "rollcall_service_instances_permanent"
    assert watched.metric(permanent, service_name="s") == 1
    etcd.put("/s/mortal", "h:1")            # a beat that forgot its TTL
    watched.await_metric(permanent, 2, service_name="s")
    etcd.put("/s/permanent", "h:1", ttl=600)
    watched.await_metric(permanent, 1, service_name="s")
    etcd.put("/s/_hidden", "h:1", ttl=1)
    etcd.put("/s/_also/x", "h:1", ttl=600)
    etcd.put("/s/last", "h:1", ttl=600)
    await_up(watched, ["permanent", "mortal", "last"])
    assert watched.metric("rollcall_bad_keys_total", directory="/s") == 0


def test_value_of_any_bytes(etcd, rollcall):
    """Not even UTF-8: etcd hands it out as it can."""
    from support import http
    body = b"value=" + b"".join(b"%%%02X" % n for n in range(256))
    answer = http.request(
        "PUT", etcd.url() + "/v2/keys/s/bytes?ttl=600", body,
        {"Content-Type": "application/x-www-form-urlencoded"})
    assert answer.status == 201
    answer = http.request(
        "PUT", etcd.url() + "/v2/keys/s/key%FF%C3%28?ttl=600",
        b"value=" + base64.b64encode(b"x"),
        {"Content-Type": "application/x-www-form-urlencoded"})
    assert answer.status == 201
    watched = rollcall([etcd.url()], [SERVICES])
    watched.await_metric("rollcall_service_instances", 2, service_name="s")
    parsed(watched)
    etcd.put("/s/next", "h:1", ttl=600)
    watched.await_metric("rollcall_service_instances", 3, service_name="s")
