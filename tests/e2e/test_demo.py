"""The demo, as the README has it, on a cluster of three: it ends by itself and
has seen what it shows."""
import os
import re
import subprocess

import pytest

from support.rollcall import BINARY
from support.servers import TOP, server


@pytest.mark.parametrize("cluster", ["3"])
def test_demo(cluster):
    server("etcd")              # it is there, or the demo would fetch it
    done = subprocess.run(
        ["demo/run"], cwd=TOP, capture_output=True, text=True, timeout=150,
        env={**os.environ, "ROLLCALL": BINARY, "CLUSTER": cluster,
             "DEMO_SECONDS": "1"})
    said = done.stdout
    assert done.returncode == 0, said + done.stderr
    assert said.count("   up\n") == 15          # of eight, then of seven
    once = re.sub(r"\s+", " ", said)
    assert re.search(r"critical EtcdRegistryServiceGone push_server in .*"
                     r"warning EtcdRegistryInstanceVanished push_server/", once)
    assert max(map(len, said.splitlines())) < 80
    assert "push_server       0007-0001   expired" in said
    assert re.search(r"kill -9 (etcd-\d), the leader", said)
    assert re.search(r"etcd-\d leads now, after \d\.\d s", said)


@pytest.mark.parametrize("name, value", [
    ("DEMO_SECONDS", "abc"), ("DEMO_SECONDS", "-1"), ("DEMO_SECONDS", "1.5"),
    ("CLUSTER", "2"), ("CLUSTER", "x")])
def test_what_makes_no_sense(tmp_path, name, value):
    """Refused before anything is started, or even made."""
    done = subprocess.run(
        ["demo/run"], cwd=TOP, capture_output=True, text=True, timeout=10,
        env={**os.environ, "ROLLCALL": BINARY, "CLUSTER": "1",
             "DEMO_SECONDS": "1", "TMPDIR": str(tmp_path), name: value})
    assert done.returncode == 2
    assert done.stderr.startswith("demo: %s=%s: " % (name, value))
    assert done.stderr.count("\n") == 1 and not done.stdout
    assert not os.listdir(tmp_path)
