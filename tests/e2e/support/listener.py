"""A server on a free port of 127.0.0.1, in a thread."""
import socket
import threading

from .process import free_port


class Listener:
    """Whoever inherits from it says what becomes of a connection: serve(),
    which is called in the thread that accepts, so it must not wait."""

    def __init__(self):
        self.port = free_port()
        self.ended = threading.Event()
        self.listener = None

    def url(self):
        return "http://127.0.0.1:%d" % self.port

    def start(self):
        self.listener = socket.create_server(("127.0.0.1", self.port),
                                             backlog=128)
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def stop(self):
        self.ended.set()
        if self.listener:
            self.listener.shutdown(socket.SHUT_RDWR)
            self.listener.close()
            self.listener = None

    def _accept(self):
        while not self.ended.is_set():
            try:
                connection, _ = self.listener.accept()
            except (OSError, AttributeError):
                return
            self.serve(connection)
