"""From the expiry of a registration to the webhook that is told of it."""
import itertools

from .longpoll import LongPoll

VANISHED = "EtcdRegistryInstanceVanished"
_numbers = itertools.count(1)


class Detection:
    """Lets registrations run out and measures the delay from the event at a
    bare long poll to the arrival of the alert.  etcd: a member to register
    and to poll at; follow() names another one."""

    def __init__(self, etcd, webhook, directory="/login_servers"):
        self.webhook = webhook
        self.directory = directory
        self.poll = None
        self.delays = []
        self.last = None        # the key registered last
        self.etcd = etcd

    def follow(self, etcd):
        self.stop()
        self.etcd = etcd
        self.poll = None

    def register(self, watched, ttl=1):
        """A new registration that rollcall has seen; the bare long poll
        waits behind it."""
        number = "exp%04d" % next(_numbers)
        self.last = key = "%s/%s" % (self.directory, number)
        self.etcd.put(key, "127.0.0.1:1", ttl=ttl)
        if not self.poll:
            self.poll = LongPoll(self.etcd.url(), self.directory,
                                 self.etcd.index())
        if watched:
            watched.await_metric("rollcall_instance_up", lambda v: v in (
                0, 1), instance_id=number)
        return key

    def expired(self, key):
        """When its event came to the bare long poll."""
        poll = self.poll

        def found():
            return [at for at, e in poll.events if e["action"] == "expire"
                    and e["node"]["key"] == key]
        with poll.condition:
            assert poll.condition.wait_for(found, 20), (
                "no expiry of %s (%r)" % (key, poll.error))
            return found()[0]

    def await_told(self, key, timeout=10):
        """The delay in seconds."""
        at = self.expired(key)
        message, _ = self.webhook.await_alert(
            VANISHED, timeout=timeout, instance_id=key.rsplit("/")[-1])
        self.delays.append(message.arrived - at)
        return self.delays[-1]

    def expiry(self, watched=None, within=0.5):
        """One registration from its birth to the alert.  The limit is far
        below every deadline of a request, and far above what a busy machine
        adds; bench/detect measures."""
        delay = self.await_told(self.register(watched))
        assert delay < within, "told after %.3f s" % delay
        return delay

    def stop(self):
        if self.poll:
            self.poll.stop()
