"""Prometheus and Alertmanager, the real ones."""
import json
import os
import subprocess
import urllib.parse

from . import http
from .process import Process, free_port
from .servers import server
from .wait import await_true


class Prometheus(Process):
    """config is a dict; set it before start(), or call reload()."""

    name = "prometheus"

    def __init__(self, directory, config=None):
        super().__init__(directory)
        self.port = free_port()
        self.config = config or {}

    def url(self, path=""):
        return "http://127.0.0.1:%d%s" % (self.port, path)

    def scrape(self, address, job="rollcall", interval="1s"):
        self.config.setdefault("scrape_configs", []).append({
            "job_name": job, "scrape_interval": interval,
            "scrape_timeout": interval,
            "static_configs": [{"targets": [address]}]})

    def write_config(self):
        path = os.path.join(self.directory, "prometheus.yml")
        with open(path, "w") as f:
            json.dump(self.config, f, indent=1)     # JSON is YAML
        return path

    def command(self):
        return [server("prometheus"), "--config.file", self.write_config(),
                "--storage.tsdb.path", os.path.join(self.directory, "tsdb"),
                "--web.listen-address", "127.0.0.1:%d" % self.port,
                "--web.enable-lifecycle"]

    def is_ready(self):
        return http.get(self.url("/-/ready"), timeout=1).status == 200

    def reload(self):
        self.write_config()
        answer = http.request("POST", self.url("/-/reload"))
        assert answer.status == 200, answer.text

    def api(self, path, **params):
        query = "?" + urllib.parse.urlencode(params) if params else ""
        answer = http.get(self.url("/api/v1/" + path + query))
        assert answer.status == 200, answer.text
        return answer.json()["data"]

    def targets(self):
        return self.api("targets")["activeTargets"]

    def query(self, expression):
        """An instant vector as a list of (labels, value)."""
        return [(s["metric"], float(s["value"][1]))
                for s in self.api("query", query=expression)["result"]]

    def await_query(self, expression, expected, timeout=15):
        await_true(
            lambda: [v for _, v in self.query(expression)] == expected,
            timeout, lambda: "%s to be %s, it is %s" % (
                expression, expected, self.query(expression)))


class Alertmanager(Process):
    name = "alertmanager"

    def __init__(self, directory, webhook=None):
        super().__init__(directory)
        self.port = free_port()
        self.webhook = webhook

    def url(self, path=""):
        return "http://127.0.0.1:%d%s" % (self.port, path)

    def command(self):
        receiver = {"name": "all"}
        if self.webhook:
            receiver["webhook_configs"] = [{"url": self.webhook}]
        config = os.path.join(self.directory, "alertmanager.yml")
        with open(config, "w") as f:
            json.dump({"route": {"receiver": "all", "group_wait": "0s",
                                 "group_interval": "1s"},
                       "receivers": [receiver]}, f)
        return [server("prometheus-alertmanager"), "--config.file", config,
                "--storage.path", os.path.join(self.directory, "data"),
                "--web.listen-address", "127.0.0.1:%d" % self.port,
                "--cluster.listen-address="]

    def is_ready(self):
        return http.get(self.url("/-/ready"), timeout=1).status == 200

    def alerts(self, alertname=None, **labels):
        """What is active now.  A resolved alert is not in the list."""
        answer = http.get(self.url("/api/v2/alerts"))
        assert answer.status == 200, answer.text
        return [a for a in answer.json()
                if (not alertname or a["labels"]["alertname"] == alertname)
                and all(a["labels"].get(k) == v for k, v in labels.items())]

    def await_alert(self, alertname, timeout=10, **labels):
        return await_true(
            lambda: self.alerts(alertname, **labels), timeout,
            lambda: "%s %s in Alertmanager, which has %s" % (
                alertname, labels, self.names()))[0]

    def await_no_alert(self, alertname, timeout=10, **labels):
        await_true(
            lambda: not self.alerts(alertname, **labels), timeout,
            lambda: "no %s %s in Alertmanager, which has %s" % (
                alertname, labels, self.names()))

    def names(self):
        return [(a["labels"]["alertname"], a["labels"].get("instance_id"))
                for a in self.alerts()]


def promtool(*arguments, text=None):
    """(exit code, both streams)"""
    done = subprocess.run([server("promtool"), *arguments], input=text,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=30)
    return done.returncode, done.stdout
