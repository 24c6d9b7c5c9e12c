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
