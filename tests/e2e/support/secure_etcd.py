"""An etcd behind TLS, and one that asks who is there."""
import base64
import json
import os
import subprocess
import urllib.parse

from . import http
from .etcd import Etcd
from .process import free_port


def _openssl(directory, *arguments):
    subprocess.run(["openssl", *arguments], cwd=directory, check=True,
                   capture_output=True)


def make_ca(directory, name="ca"):
    """NAME.pem and NAME.key there."""
    os.makedirs(directory, exist_ok=True)
    _openssl(directory, "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
             "-subj", "/CN=test " + name, "-keyout", name + ".key",
             "-out", name + ".pem")
    return os.path.join(directory, name + ".pem")


def make_certificate(directory, name, ca="ca", addresses="IP:127.0.0.1",
                     usage="serverAuth"):
    """NAME.pem and NAME.key there, signed by that CA."""
    extensions = os.path.join(directory, name + ".ext")
    with open(extensions, "w") as f:
        f.write("subjectAltName=%s\nextendedKeyUsage=%s\n" % (
            addresses, usage))
    _openssl(directory, "req", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:prime256v1", "-nodes", "-subj",
             "/CN=" + name, "-keyout", name + ".key", "-out", name + ".csr")
    _openssl(directory, "x509", "-req", "-in", name + ".csr", "-CA",
             ca + ".pem", "-CAkey", ca + ".key", "-CAcreateserial", "-days",
             "2", "-extfile", extensions, "-out", name + ".pem")


class TlsEtcd(Etcd):
    """url() is for the test and plain; secure_url() is for rollcall."""

    def __init__(self, directory, certificates, arguments=(),
                 name="server"):
        super().__init__(directory, arguments=[
            "--cert-file=%s/%s.pem" % (certificates, name),
            "--key-file=%s/%s.key" % (certificates, name), *arguments])
        self.secure_port = free_port()

    def secure_url(self):
        return "https://127.0.0.1:%d" % self.secure_port

    def command(self):
        command = super().command()
        at = command.index("--listen-client-urls") + 1
        command[at] += "," + self.secure_url()
        return command


class GuardedEtcd(Etcd):
    """With v2 auth: root may do all, the user "rollcall" may read all (or
    what `readable` names), a guest nothing.  enable() it while it runs."""

    user = None

    def call(self, method, key, params=None, form=None, timeout=10):
        url = self.url() + "/v2/keys" + urllib.parse.quote(key)
        if params:
            url += "?" + urllib.parse.urlencode(params)
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        headers.update(self.user or {})
        body = urllib.parse.urlencode(form) if form is not None else None
        return http.request(method, url, body, headers, timeout)

    def _put(self, path, value=None):
        headers = {"Content-Type": "application/json", **(self.user or {})}
        answer = http.request(
            "PUT", self.url() + "/v2/auth" + path,
            json.dumps(value) if value else None, headers)
        assert answer.status in (200, 201), answer.text

    def enable(self, password, readable="/*"):
        self._put("/users/root", {"user": "root", "password": "secret"})
        self._put("/roles/reader", {"role": "reader", "permissions": {
            "kv": {"read": [readable], "write": []}}})
        self._put("/users/rollcall", {
            "user": "rollcall", "password": password, "roles": ["reader"]})
        self._put("/enable")
        self.user = {"Authorization": "Basic " + base64.b64encode(
            b"root:secret").decode()}
        self._put("/roles/guest", {"role": "guest", "revoke": {
            "kv": {"read": ["/*"], "write": ["/*"]}}})
