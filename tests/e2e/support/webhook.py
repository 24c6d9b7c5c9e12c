"""A webhook receiver that records what arrives, and when."""
import http.server
import json
import socket
import threading
import time

from .process import free_port
from .wait import Timeout


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


class Message:
    def __init__(self, path, body):
        self.arrived = time.monotonic()
        self.arrived_wall = time.time()
        self.path = path
        self.body = body
        try:
            self.payload = json.loads(body)
        except ValueError:
            self.payload = None


class Webhook:
    """url() is what rollcall posts to.  answer is the status given back;
    hang, while set, holds every request without an answer."""

    def __init__(self):
        self.port = free_port()
        self.answer = 200
        self.hang = threading.Event()
        self.messages = []
        self.condition = threading.Condition()
        self.server = None

    def url(self, path="/"):
        return "http://127.0.0.1:%d%s" % (self.port, path)

    def start(self):
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self):
                super().setup()
                self.connection.setsockopt(
                    socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

            def do_POST(self):
                length = int(self.headers.get("Content-Length") or 0)
                message = Message(self.path, self.rfile.read(length))
                while owner.hang.is_set():
                    time.sleep(0.05)
                status = owner.answer
                with owner.condition:
                    message.answer = status
                    owner.messages.append(message)
                    owner.condition.notify_all()
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = _Server(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self.server.serve_forever,
                         kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def stop(self):
        self.hang.clear()
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    def await_condition(self, condition, timeout=10, what="a message"):
        """Waits until condition(self) is true, looking at each arrival."""
        deadline = time.monotonic() + timeout
        with self.condition:
            while True:
                value = condition(self)
                if value:
                    return value
                left = deadline - time.monotonic()
                if left <= 0:
                    raise Timeout("not within %g s: %s; arrived: %s" % (
                        timeout, what, self.summary()))
                self.condition.wait(min(left, 0.5))

    def alerts(self, alertname=None, status=None, **labels):
        """Every alert of every accepted message, oldest first, as (message,
        alert), if it has these labels."""
        with self.condition:
            return [
                (m, a) for m in self.messages
                if m.answer < 300 and m.payload
                for a in m.payload.get("alerts", [])
                if (not alertname or a["labels"]["alertname"] == alertname)
                and (not status or a["status"] == status)
                and all(a["labels"].get(k) == v for k, v in labels.items())]

    def await_alert(self, alertname, status="firing", timeout=10, count=1,
                    **labels):
        """The count-th such alert, as (message, alert)."""
        return self.await_condition(
            lambda w: w.alerts(alertname, status, **labels)[count - 1:],
            timeout, "%s %s %s" % (alertname, status, labels))[0]

    def summary(self):
        return [(a["labels"].get("alertname"), a["status"],
                 a["labels"].get("instance_id")) for _, a in self.alerts()]
