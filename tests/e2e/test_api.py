"""The API as it is documented: every example of docs/API.md on a real etcd, and
what it says at the edges."""
import http.client
import json
import re
import subprocess
import time
import urllib.parse

import pytest

from support.http import request as http_request
from support.rollcall import SLOW
from support.servers import TOP
from support.wait import await_true

V1 = "/api/registry/v1/"
LOGIN = {"path": "/login_servers", "service_name": "login_server",
         "instance_detail": True}


def await_events(watched, n):
    await_true(lambda: len(watched.get(V1 + "events").json()) == n,
               10 * SLOW, "%d events" % n)


@pytest.fixture
def world(etcd, rollcall):
    """Two instances, one of which was down for a moment."""
    watched = rollcall([etcd.url()], [LOGIN])
    watched.await_looking()
    etcd.put("/login_servers/0001-0001", "10.0.0.1:8000", 600)
    etcd.put("/login_servers/0001-0002", "10.0.0.2:8000", 1)
    watched.await_metric("rollcall_instance_up", 0, instance_id="0001-0002")
    etcd.put("/login_servers/0001-0002", "10.0.0.2:8000", 600)
    await_events(watched, 4)
    return watched


def examples():
    """(command, answer as it is documented)"""
    with open(TOP + "/docs/API.md", encoding="utf-8") as f:
        text = f.read()
    return re.findall(r"^```console\n\$ (curl .*)\n((?s:.*?))^```", text,
                      re.M)


def commands():
    """Those whose answer is not documented, in order."""
    with open(TOP + "/docs/API.md", encoding="utf-8") as f:
        blocks = re.findall(r"^```sh\n((?s:.*?))^```", f.read(), re.M)
    return [command for block in blocks
            for command in block.replace("\\\n", " ").splitlines()]


def run(watched, command):
    done = subprocess.run(
        ["sh", "-c", command.replace("http://127.0.0.1:10379",
                                     watched.url())],
        capture_output=True, text=True, timeout=20 * SLOW)
    assert done.returncode == 0, command
    return done.stdout


def keys_of(text):
    """The keys of a JSON object, or of the first one of an array."""
    value = json.loads(text)
    return list(value[0] if isinstance(value, list) else value)


def test_examples(world):
    """Each command is run as it stands, and answers what it says: the same
    fields in the same order, or the same text."""
    found = examples()
    assert len(found) >= 9
    for command, documented in found:
        said = run(world, command)
        if documented[0] in "[{":
            assert keys_of(said) == keys_of(documented), command
        else:
            start = documented.rstrip().removesuffix("...").rstrip()
            assert said.strip().startswith(start), said
        if '"status":"error"' in documented:
            assert said == documented


def test_commands(world):
    found = commands()
    assert len(found) == 3
    for command in found:
        assert run(world, command + " -w '\\n%{http_code}'").endswith(
            "\n200"), command


def sections():
    """The text below each headline, by its first word."""
    with open(TOP + "/docs/API.md", encoding="utf-8") as f:
        return dict(re.findall(r"^## (\w+).*\n((?s:.*?))(?=^## |\Z)",
                               f.read(), re.M))


def test_every_path_and_parameter_is_documented(world):
    """Unknown parameters are told with those there are: docs/API.md has all
    of them in the section of each path."""
    documented = sections()
    for what in ("services", "instances", "uptime", "outages", "events"):
        answer = world.get(V1 + what + "?xyzzy=1")
        assert answer.status == 400
        names = answer.json()["error"].split("here is only ")[1]
        for name in names.split(", "):
            assert "`%s`" % name in documented[what], (what, name)
    assert "here is none" in world.get(V1 + "overview?xyzzy=1").text


def documented_paths():
    """Those of the table at the top of docs/API.md."""
    with open(TOP + "/docs/API.md", encoding="utf-8") as f:
        table = re.search(r"^\| path \|.*\n\|-.*\n((?:\|.*\n)+)", f.read(),
                          re.M)
    return {V1 + path for row in table[1].splitlines()
            for path in re.findall(r"`([\w/.]+)`", row.split("|")[1])}


def test_list_of_paths(world):
    """It has those that are documented, and they take what it says."""
    listed = {row["path"]: row["methods"].split(", ")
              for row in world.get(V1).json()}
    assert world.get(V1.rstrip("/")).json() == world.get(V1).json()
    assert set(listed) == documented_paths() | {V1}
    for path, methods in listed.items():
        path = path.replace("SERVICE", "login_server").replace("ID", "1")
        if "GET" in methods:
            answer = world.get(path)
            assert answer.status == 200, path
            assert answer.headers.get_all("Cache-Control") == [
                "max-age=60" if "badge" in path else "no-store"], path
        refused = http_request("PUT", world.url(path))
        assert refused.status == 405
        assert refused.headers["Allow"].split(", ") == methods, path


def fields_of(section):
    """The names in the first column of its table of fields."""
    table = re.search(r"^\| field \|.*\n\|-.*\n((?:\|.*\n)+)", section, re.M)
    assert table, section
    return [name for row in table[1].splitlines()
            for name in re.findall(r"`(\w+)`", row.split("|")[1])]


def change(watched, what, **body):
    connection = http.client.HTTPConnection(watched.address(), timeout=10)
    connection.request("POST", V1 + what, json.dumps(body),
                       {"Content-Type": "application/json"})
    answer = connection.getresponse()
    text = answer.read().decode()
    assert answer.status == 200, text
    return text


def test_every_field_is_documented(world):
    """And every documented one is given, once."""
    given = {what: keys_of(world.get(V1 + what).text)
             for what in ("overview", "services", "instances", "uptime",
                          "outages", "events")}
    given["Maintenance"] = keys_of(change(
        world, "maintenance", service="login_server", **{"for": "1h"}))
    assert keys_of(world.get(V1 + "maintenance").text) == given["Maintenance"]
    documented = sections()
    for what, names in given.items():
        fields = fields_of(documented[what])
        assert len(set(fields)) == len(fields), what
        missing = set(names) - set(fields)
        assert not missing, "%s: not in docs/API.md: %s" % (what, missing)
        gone = set(fields) - set(names)
        assert not gone, "%s: in docs/API.md alone: %s" % (what, gone)


def test_what_forgetting_answers_is_documented(world, etcd):
    etcd.put("/login_servers/0001-0003", "10.0.0.3:8000", 1)
    world.await_metric("rollcall_instance_up", 0, instance_id="0001-0003")
    for name in keys_of(change(world, "forget", service="login_server",
                               instance="0001-0003")):
        assert "`%s`" % name in sections()["Maintenance"].split(
            "POST .../forget")[1], name


def test_heads(world):
    for what in ("overview", "instances", "uptime", "events?limit=1"):
        full = world.get(V1 + what)
        connection = http.client.HTTPConnection(world.address(), timeout=10)
        connection.request("HEAD", V1 + what)
        head = connection.getresponse()
        assert head.status == 200 and head.read() == b""
        assert head.headers["Content-Type"] == full.headers["Content-Type"]
        assert head.headers.get("Link") == full.headers.get("Link")
        connection.close()


def test_methods(world):
    for method in ("POST", "PUT", "DELETE"):
        connection = http.client.HTTPConnection(world.address(), timeout=10)
        connection.request(method, V1 + "uptime")
        answer = connection.getresponse()
        assert answer.status == 405
        assert answer.headers["Allow"] == "GET, HEAD"
        connection.close()


def linked(answer, rel):
    links = dict(reversed(x) for x in re.findall(
        r'<([^>]*)>; rel="(\w+)"', answer.headers.get("Link", "")))
    return links.get(rel)


def walk(watched, path, rel="next"):
    """All rows from page to page, and the last page's path."""
    rows = []
    while True:
        answer = watched.get(path)
        assert answer.status == 200, answer.text
        rows += answer.json()
        following = linked(answer, rel)
        if following is None:
            return rows, path
        path = following


def test_pages_in_both_orders(world):
    newest, last = walk(world, V1 + "events?limit=1")
    assert [e["state"] for e in newest] == ["up", "expired", "up", "up"]
    oldest, _ = walk(world, V1 + "events?limit=3&order=asc")
    assert oldest == newest[::-1]
    back, _ = walk(world, last, rel="prev")
    assert back == oldest


def test_pages_of_uptime_keep_their_range(world):
    """`to` is now by default, but the same on all pages."""
    rows, _ = walk(world, V1 + "uptime?of=instances&step=10d&limit=2")
    assert len(rows) == 6
    assert len({(r["instance_id"], r["from"]) for r in rows}) == 6
    for name in ("0001-0001", "0001-0002"):
        parts = [r for r in rows if r["instance_id"] == name]
        assert [r["to"] for r in parts[:-1]] == [
            r["from"] for r in parts[1:]]
    assert len({r["to"] for r in rows}) == 3


def test_many_edges(world):
    """As many as the hours of three months, in one request line."""
    now = int(time.time()) * 1000
    edges = [now - 3600000 * h for h in range(2208, -1, -1)]
    path = V1 + "uptime?" + urllib.parse.urlencode({
        "edges": ",".join(map(str, edges)), "service": "login_server",
        "limit": 2000})
    rows, _ = walk(world, path)
    assert len(rows) == 2208
    assert sum(r["outages"] for r in rows) >= 1


def test_times_in_every_form(world):
    """The same moment, in seconds, milliseconds, with an offset whose + is
    not escaped."""
    rows = [world.get(V1 + "uptime?to=1800000000&from=" + text).json()
            for text in ("1700000000", "1700000000.000", "1700000000000",
                         "2023-11-14T22:13:20Z",
                         "2023-11-15T06:13:20%2B08:00",
                         "2023-11-15T06:13:20+08:00")]
    assert {r[0]["from"] for r in rows} == {"2023-11-14T22:13:20.000Z"}


def test_links_below_an_external_url(etcd, rollcall):
    for n in range(3):
        etcd.put("/login_servers/%d" % n, "x", 600)
    watched = rollcall([etcd.url()], [LOGIN], arguments=[
        "--web.external-url", "https://example.org/roll/"])
    watched.await_metric("rollcall_service_instances", 3)
    following = linked(watched.get(V1 + "instances?limit=1"), "next")
    assert following == "/roll" + V1 + "instances?limit=1&offset=1"
    page = watched.get("/").text
    assert 'href="/roll/api/registry/v1/overview"' in page


def test_while_not_looking(world, etcd):
    """What was seen last stays, and says that it may be old."""
    etcd.stop()
    world.await_metric("rollcall_looking", 0, 20)
    rows = world.get(V1 + "instances").json()
    assert {r["state"] for r in rows} == {"up"}
    assert {r["looking"] for r in rows} == {False}
    overview = world.get(V1 + "overview").json()
    assert not overview["looking"] and overview["clusters_looking"] == 0
