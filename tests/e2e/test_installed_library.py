"""What `make install` puts in place is enough: the examples are compiled
against the installed files alone, somewhere else, and run on a real etcd."""
import os
import re
import subprocess

import pytest

from support.process import Process
from support.rollcall import BINARY
from support.servers import TOP
from support.wait import await_true

# A program's own functions, of names that are the library's inside.
OWN_NAMES = """
#include <rollcall/etcd.h>
int buf_init(void) { return 1; }
int xmalloc(void) { return 2; }
int table_new(void) { return 4; }
int log_write(void) { return 8; }
int main(void)
{
	struct err e;
	struct etcd_client *c = etcd_open("http://127.0.0.1:1", 0, &e);
	int failed = etcd_do(c, etcd_get("/a"))->outcome == ETCD_FAILED;

	etcd_close(c);
	return failed ? buf_init() + xmalloc() + table_new() + log_write() : 0;
}
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The folder that everything was installed into."""
    prefix = str(tmp_path_factory.mktemp("prefix"))
    # Of a sanitized build there is nothing to install.
    build = os.path.join(TOP, "build") if re.search(
        "/[at]san/", BINARY) else os.path.dirname(BINARY)
    environment = {k: v for k, v in os.environ.items()
                   if not k.startswith("MAKE") and k != "MFLAGS"}
    done = subprocess.run(
        ["make", "-s", "install", "PREFIX=" + prefix, "BUILD=" + build],
        cwd=TOP, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return prefix


@pytest.fixture(scope="module")
def compiled(installed, tmp_path_factory):
    """compiled(source): the program, made with the installed files alone."""
    place = tmp_path_factory.mktemp("elsewhere")

    def make(source, name):
        path = place / (name + ".c")
        path.write_text(source)
        done = subprocess.run(
            "cc -std=c11 -Wall -Wextra -Werror $(pkg-config --cflags "
            "rollcall-etcd) %s.c -o %s $(pkg-config --libs rollcall-etcd)" % (
                name, name), shell=True, cwd=place, text=True,
            capture_output=True, env={
                **os.environ, "PKG_CONFIG_PATH":
                installed + "/lib/pkgconfig"})
        assert done.returncode == 0, done.stderr
        return str(place / name)
    return make


@pytest.fixture(scope="module")
def example(installed, compiled):
    def make(name):
        path = "%s/share/doc/rollcall/examples/%s.c" % (installed, name)
        with open(path) as f:
            source = f.read()
        assert len(source.splitlines()) < 40
        return compiled(source, name)
    return make


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, timeout=20)


def test_links_of_the_documents_lead_somewhere(installed):
    place = installed + "/share/doc/rollcall"
    dead = []
    for directory, _, names in os.walk(place):
        for name in (n for n in names if n.endswith(".md")):
            with open(os.path.join(directory, name)) as f:
                links = re.findall(r"\]\(([^)#:]+)[)#]", f.read())
            dead += [link for link in links if not os.path.exists(
                os.path.join(directory, link))]
    assert not dead


def test_get_and_set(example, etcd):
    get, set_ = example("get"), example("set")
    endpoints = "http://127.0.0.1:1," + etcd.url()      # the first is dead
    key, value = "/登录/a b%?;", 'x "y" \n;&=+'
    done = run(set_, endpoints, key, value, "60")
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"%s at index \d+\n" % re.escape(key), done.stdout)
    assert etcd.get(key)["value"] == value
    assert 58 <= etcd.get(key)["ttl"] <= 60
    done = run(get, endpoints, key)
    assert (done.returncode, done.stdout) == (0, value + "\n")
    done = run(get, endpoints, "/nothing")
    assert done.returncode == 1
    assert "Key not found (/nothing)" in done.stderr
    assert etcd.url() in done.stderr


def test_the_program_in_the_readme(compiled, installed, etcd):
    with open(installed + "/share/doc/rollcall/etcd/README.md") as f:
        program = f.read().split("```c\n")[1].split("```")[0]
    program = program.replace("http://10.0.0.1:2379", "http://127.0.0.1:1")
    program = program.replace("http://10.0.0.2:2379", etcd.url())
    done = run(compiled(program, "readme"))
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"%s says: set at index \d+\n" % etcd.url(),
                        done.stdout)


class Watch(Process):
    name = "watch"

    def __init__(self, directory, arguments):
        super().__init__(directory)
        self.arguments = arguments

    def command(self):
        return self.arguments

    def is_ready(self):
        return self.log() != ""


def test_watch_for_ever(example, etcd, started, tmp_path):
    etcd.put("/services/a", "1")
    watch = started(Watch(tmp_path / "watch", [
        example("watch"), etcd.url(), "/services"]))
    etcd.put("/services/b", "2")
    etcd.put("/elsewhere", "no")
    etcd.delete("/services/a")
    etcd.restart()
    etcd.put("/services/b", "3")

    def told():
        return [x for x in watch.log().splitlines()
                if not x.startswith("/v2/keys")]
    await_true(lambda: len(told()) >= 4, 15, lambda: watch.log())
    assert told() == ["is /services/a 1", "set /services/b 2",
                      "delete /services/a ", "set /services/b 3"]


def test_only_what_the_header_declares_is_exported(installed):
    names = run("nm", "-g", "--defined-only",
                installed + "/lib/librollcall-etcd.a").stdout
    names = {x.split()[-1] for x in names.splitlines() if len(x.split()) == 3}
    with open(installed + "/include/rollcall/etcd.h") as f:
        header = f.read()
    internal = {n for n in names if not re.search(r"\b%s\b" % n, header)}
    assert "etcd_do" in names
    assert all(n.startswith(("etcd_", "loop_", "timer_", "http_config_",
                             "clock_", "err_", "fetch_error_"))
               for n in names), names
    assert not internal, internal


def test_a_program_may_use_the_names_of_the_inside(compiled):
    assert run(compiled(OWN_NAMES, "own")).returncode == 15
