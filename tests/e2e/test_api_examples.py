"""The examples of docs/API.md, as they stand there."""
import os
import re
import subprocess

from support.wait import await_true

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
SERVICES = {"path": "/services", "pattern": "{service_name}/{instance_id}"}


def examples():
    """Each command of the blocks marked as sh."""
    with open(os.path.join(TOP, "docs/API.md"), encoding="utf-8") as page:
        blocks = re.findall(r"^```sh\n(.*?)^```", page.read(), re.M | re.S)
    return [command for block in blocks
            for command in block.replace("\\\n", " ").strip().split("\n")]


def test_each_is_answered(etcd, rollcall):
    etcd.put("/services/login_server/0001-0001", "127.0.0.1:1", 600)
    watched = rollcall([etcd.url()], [SERVICES])
    watched.await_metric("rollcall_service_up", 1,
                         service_name="login_server")
    await_true(lambda: watched.get(
        "/api/registry/v1/badge/login_server/uptime/30d.svg").status == 200,
        20, "it is expected by history, too")
    commands = examples()
    assert len(commands) >= 11
    for command in commands:
        done = subprocess.run(
            ["sh", "-c", command.replace("http://127.0.0.1:10379",
                                         watched.url("").rstrip("/")) +
             " -w '\\n%{http_code}'"],
            capture_output=True, text=True, timeout=20, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stdout.endswith("\n200"), "%s: %s" % (
            command, done.stdout)
