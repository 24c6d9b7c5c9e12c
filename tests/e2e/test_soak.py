"""Nothing grows: two minutes of ever new names that come, beat, expire and
are deleted, with scrapes in between."""
import itertools
import os
import threading
import time

import pytest

SECONDS = float(os.environ.get("SOAK_SECONDS", "120"))
SERVICES = {"path": "/s", "service_name": "s", "instances": "ephemeral",
            "forget_after": "10s"}
WARM_UP = 1 / 3


class Churn:
    """Registers one new name after the other; every third is deleted, every
    third expires, every third is deleted a little later."""

    def __init__(self, etcd):
        self.etcd = etcd
        self.made = 0
        self.going = True
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        late = []
        for n in itertools.count():
            if not self.going:
                return
            key = "/s/%07d" % n
            self.etcd.put(key, '{"ip":"127.0.0.1","port":%d}' % (n % 60000),
                          2 if n % 3 == 1 else 60)
            if n % 3 == 0:
                self.etcd.delete(key)
            elif n % 3 == 2:
                late.append(key)
            if len(late) > 50:
                self.etcd.delete(late.pop(0))
            self.made = n

    def stop(self):
        self.going = False
        self.thread.join()


@pytest.mark.long
def test_memory_does_not_grow(etcd, rollcall):
    watched = rollcall([etcd.url()], [SERVICES])
    watched.await_looking()
    churn = Churn(etcd)
    resident = []
    try:
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            resident.append(watched.metric("process_resident_memory_bytes"))
            assert watched.metric("rollcall_looking") == 1
            time.sleep(1)
    finally:
        churn.stop()
    settled = resident[int(len(resident) * WARM_UP):]
    half = len(settled) // 2
    before, after = max(settled[:half]), max(settled[half:])
    print("%d names, resident %.1f MB then %.1f MB" % (
        churn.made, before / 1e6, after / 1e6))
    assert churn.made > 100 * SECONDS
    assert after < before + 2e6
    assert watched.metric("rollcall_db_failures_total") == 0
    assert watched.metric("rollcall_log_dropped_total") == 0
    assert not watched.log_lines(level="error")
