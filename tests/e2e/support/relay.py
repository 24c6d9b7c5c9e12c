"""Between a client and a server on loopback: hands each answer on as it is
and remembers how it was encoded."""
import http.server
import threading

from . import http as plain


class Relay:
    """encodings: Content-Encoding of each answer that went through."""

    def __init__(self, port):
        self.encodings = []
        relay = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):       # pylint: disable=invalid-name
                answer = plain.get(
                    "http://127.0.0.1:%d%s" % (port, self.path),
                    headers=dict(self.headers), timeout=30)
                relay.encodings.append(answer.headers["Content-Encoding"])
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)

    def address(self):
        return "127.0.0.1:%d" % self.server.server_address[1]

    def start(self):
        self.thread.start()
        return self

    def stop(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
