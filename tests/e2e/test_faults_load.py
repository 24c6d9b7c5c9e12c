"""What else happens in the store is nobody's vanishing."""
import threading

from support.delay import VANISHED, Detection

LOGIN = {"path": "/login_servers", "service_name": "login_server"}


class Writers:
    """Writes elsewhere, as many as etcd takes, until stopped."""

    def __init__(self, etcd):
        self.etcd = etcd
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def start(self):
        self.thread.start()

    def _run(self):
        while not self.ended.is_set():
            self.etcd.put_many([("/elsewhere/%d" % (k % 100), "x", 600)
                                for k in range(400)])

    def stop(self):
        self.ended.set()
        self.thread.join(20)


def test_single_expiries_in_a_busy_store(etcd, rollcall, webhook, started):
    """Between an expiry and the next poll there are many events of others:
    they are no mass vanish, and the alert is not held."""
    etcd.put_many([("/login_servers/kept%d" % n, "h:1", 600)
                   for n in range(8)])
    watched = rollcall([etcd.url()], [LOGIN], webhook=webhook.url())
    watched.await_looking()
    detect = started(Detection(etcd, webhook), start=False)
    started(Writers(etcd))
    for _ in range(3):
        key = detect.register(watched)
        assert detect.await_told(key) < 1
    assert not webhook.alerts("EtcdRegistryMassVanish")
    assert len(webhook.alerts(VANISHED, "firing")) == 3
