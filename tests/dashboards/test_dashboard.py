"""Lints dashboards/: the rules of Grafana's dashboard linter that matter for
provisioned boards, every metric against core/metrics.def, and every query and
the scrape configuration against Prometheus' own parser."""
import glob
import json
import os
import re
import subprocess

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
BOARDS = sorted(glob.glob(ROOT + "/dashboards/grafana/*.json"))
SUFFIX = {"GAUGE": "", "COUNTER": "_total", "INFO": "_info"}
DATASOURCE = {"type": "prometheus", "uid": "$datasource"}


def metrics():
    """Sample names in core/metrics.def, with their types."""
    with open(ROOT + "/core/metrics.def", encoding="utf-8") as f:
        found = re.findall(r'^M\(\w+, "(\w+)", (\w+),', f.read(), re.M)
    assert len(found) > 50
    return {name + SUFFIX[kind]: kind for name, kind in found}


METRICS = metrics()


def promtool():
    """Its path: .ci/servers fetches it where there is none."""
    line = subprocess.run([ROOT + "/.ci/servers", "promtool"], check=True,
                          stdout=subprocess.PIPE, text=True).stdout
    return line.strip().split("=", 1)[1]


def load(path):
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def panels(board):
    for panel in board["panels"]:
        if panel["type"] == "row":
            yield from panel["panels"]
        else:
            yield panel


def queries(board):
    """(where, expression) of every query to Prometheus."""
    for panel in panels(board):
        for target in panel["targets"]:
            yield panel["title"], target["expr"]


def variables(board):
    return {v["name"]: v for v in board["templating"]["list"]}


@pytest.fixture(params=BOARDS, ids=os.path.basename)
def board(request):
    return load(request.param)


def test_there_is_a_board():
    assert BOARDS


def test_unique():
    for key in ("uid", "title"):
        values = [load(path)[key] for path in BOARDS]
        assert len(values) == len(set(values))


def test_top(board):
    assert board["id"] is None
    assert 0 < len(board["uid"]) <= 40
    assert board["schemaVersion"] == 39
    assert board["editable"] is False
    assert board["tags"] and board["title"] and board["refresh"]
    assert board["time"] and "timezone" in board and "annotations" in board
    # Not replaced when a board is provisioned.
    text = json.dumps(board)
    assert "__inputs" not in text and "${DS_" not in text


def test_datasource_variable(board):
    v = board["templating"]["list"][0]
    assert (v["name"], v["type"], v["query"], v["label"]) == (
        "datasource", "datasource", "prometheus", "Data source")


def test_query_variables(board):
    found = variables(board)
    assert found["job"]["label"] == "Job"
    assert found["instance"]["label"] == "Instance"
    for v in found.values():
        if v["name"] == "datasource":
            continue
        assert v["type"] == "query" and v["datasource"] == DATASOURCE
        assert v["multi"] and v["includeAll"] and v["allValue"] == ".+"
        assert v["refresh"] == 2, "on a change of the time range"
        name = re.match(r"label_values\((\w+)", v["query"]["query"])[1]
        assert name in METRICS, name
        assert v["definition"] == v["query"]["query"]


def test_panels(board):
    ids = [p["id"] for p in board["panels"]]
    assert len(ids) == len(set(ids))
    for p in panels(board):
        assert p["title"] and p["description"], p["title"]
        assert p["datasource"] == DATASOURCE, p["title"]
        assert p["fieldConfig"]["defaults"]["unit"], p["title"]
        refs = [t["refId"] for t in p["targets"]]
        assert refs and len(refs) == len(set(refs)), p["title"]
        for t in p["targets"]:
            assert t["datasource"] == DATASOURCE, p["title"]


def test_grid(board):
    taken = {}
    for p in board["panels"]:
        g = p["gridPos"]
        assert g["x"] + g["w"] <= 24, p["title"]
        for x in range(g["x"], g["x"] + g["w"]):
            for y in range(g["y"], g["y"] + g["h"]):
                assert (x, y) not in taken, (p["title"], taken[x, y])
                taken[x, y] = p["title"]


def test_metrics_exist(board):
    for where, expr in queries(board):
        names = re.findall(r"\b(?:rollcall|process)_\w+", expr)
        assert names, where
        for name in names:
            assert name in METRICS, (where, name)


def test_selectors(board):
    """Every selector takes the job and instance chosen."""
    for where, expr in queries(board):
        for name, rest in re.findall(r"\b(rollcall_\w+)(\{[^}]*\})?", expr):
            assert 'job=~"$job"' in rest, (where, name)
            assert 'instance=~"$instance"' in rest, (where, name)


def test_counters(board):
    """Counters stand in rate() alone, over the interval Grafana gives."""
    for where, expr in queries(board):
        for name, kind in METRICS.items():
            uses = len(re.findall(r"\b%s\b" % name, expr))
            rates = len(re.findall(
                r"\b(?:rate|irate|increase)\(%s\{[^}]*\}"
                r"\[\$__rate_interval\]\)" % name, expr))
            assert uses == (rates if kind == "COUNTER" else uses), where
            assert kind == "COUNTER" or rates == 0, where


def test_legends(board):
    """No two lines are called the same: the legend has every label that the
    query keeps."""
    for panel in panels(board):
        if panel["type"] not in ("timeseries", "state-timeline"):
            continue
        for target in panel["targets"]:
            kept = re.search(r"\bby \(([^)]*)\)", target["expr"])[1]
            assert re.findall(r"{{(\w+)}}", target["legendFormat"]) == \
                kept.split(", "), panel["title"]


def test_variables_are_known(board):
    known = set(variables(board)) | {"__rate_interval", "__range",
                                     "__interval"}
    for where, expr in queries(board):
        for name in re.findall(r"\$\{?(\w+)", expr):
            assert name in known, (where, name)


def test_queries_parse(board, tmp_path):
    tool = promtool()
    rules = []
    for i, (where, expr) in enumerate(queries(board)):
        expr = re.sub(r"\$__\w+", "5m", expr)
        expr = re.sub(r"\$\w+", ".+", expr)
        rules.append({"record": "query:%d" % i, "expr": expr})
    file = tmp_path / "rules.yml"		# JSON is YAML
    file.write_text(json.dumps({"groups": [
        {"name": "queries", "rules": rules}]}))
    done = subprocess.run([tool, "check", "rules", file], timeout=60,
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_scrape_configuration():
    path = ROOT + "/dashboards/prometheus/scrape.yml"
    with open(path, encoding="utf-8") as f:
        text = f.read()
    assert "job_name: rollcall\n" in text
    assert '"127.0.0.1:10379"' in text
    tool = promtool()
    done = subprocess.run([tool, "check", "config", path], timeout=60,
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
