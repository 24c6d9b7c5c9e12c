"""Results, kept from run to run, as a table for the terminal and as the page
docs/BENCHMARKS.md.  Called by bench/run."""
import json
import os
import platform
import re
import statistics
import subprocess
import textwrap
import time

import figures

COLUMNS = "%-38s %11s  %-19s %6s %7s %-9s %s"
TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Store:
    """{bench: {"when", "revision", "runs": [[(name, value, unit)]]}}"""

    def __init__(self, path):
        self.path = path
        self.results = {}
        if os.path.exists(path):
            with open(path) as f:
                self.results = json.load(f)

    def keep(self, bench, runs):
        self.results[bench] = {
            "when": time.strftime("%Y-%m-%d"), "revision": revision(),
            "runs": runs}
        os.makedirs(os.path.dirname(self.path), exist_ok=True)
        with open(self.path, "w") as f:
            json.dump(self.results, f, indent=1)

    def values(self, benches=None):
        """{name: ([value of each run], unit)}, in order."""
        found = {}
        for bench in benches or figures.BENCHES + figures.SELDOM:
            for run in self.results.get(bench, {}).get("runs", []):
                for name, value, unit in run:
                    found.setdefault(name, ([], unit))[0].append(value)
        return found


def revision():
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=TOP,
                          capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def number(v):
    """Three digits that count."""
    if v == int(v) and abs(v) < 1e7:
        return "%d" % v
    return "%.*f" % (2 if abs(v) < 10 else 1 if abs(v) < 100 else 0, v)


def ratio(v):
    """0.00 would say nothing."""
    return "1/%.0f" % (1 / v) if 0 < v < 0.05 else "%.2f" % v


def spread(values):
    """Of the runs, in percent of their median; nothing of one run."""
    middle = statistics.median(values)
    if len(values) < 2 or middle == 0:
        return "-"
    return "%.0f %%" % (100 * (max(values) - min(values)) / abs(middle))


class Row:
    """One figure of ours with what came out."""

    def __init__(self, figure, values):
        self.figure = figure
        self.values, self.unit = values[figure.name]
        self.value = statistics.median(self.values)
        self.other, self.ratio = "", None
        if figure.against in values:
            others, unit = values[figure.against]
            middle = statistics.median(others)
            what = next(f.what for f in figures.FIGURES
                        if f.name == figure.against)
            self.other = "%s %s %s" % (number(middle), unit, what)
            self.ratio = self.value / middle if middle else None

    def judged(self):
        """The number that the aim is about; None if it cannot be said."""
        if not self.figure.aim:
            return None
        return self.ratio if self.figure.aim[0] == "ratio" else self.value

    def aim(self):
        if not self.figure.aim:
            return ""
        of, relation, value = self.figure.aim
        return "%s %s" % (relation, number(value) if of == "value" else
                          ratio(value) if value < 0.05 else
                          number(value) + " x")

    def met(self):
        """None: there is no aim, or nothing to compare with."""
        judged = self.judged()
        if judged is None:
            return None
        _, relation, value = self.figure.aim
        return judged <= value if relation == "<=" else judged >= value

    def columns(self):
        return (self.figure.what[:38],
                ("%s %s" % (number(self.value), self.unit)).strip(),
                self.other[:19],
                "" if self.ratio is None else ratio(self.ratio),
                spread(self.values), self.aim(),
                {True: "yes", False: "NO", None: ""}[self.met()])


def rows(values):
    known = [Row(f, values) for f in figures.FIGURES
             if f.own and f.name in values]
    return known, sorted(set(values) - {f.name for f in figures.FIGURES})


def table(values):
    known, unknown = rows(values)
    lines = [COLUMNS % ("what", "ours", "floor or peer", "ratio", "spread",
                        "aim", "met")]
    lines += [(COLUMNS % row.columns()).rstrip() for row in known]
    for name in unknown:
        runs, unit = values[name]
        lines.append((COLUMNS % (
            name[:38], ("%s %s" % (number(statistics.median(runs)),
                                   unit)).strip(),
            "", "", spread(runs), "", "")).rstrip())
    return lines


def print_table(values):
    print("\n".join(table(values)))


# --- the page ---

def machine():
    with open("/proc/cpuinfo") as f:
        model = re.search(r"model name\s*: (.*)", f.read())
    with open("/proc/meminfo") as f:
        kib = int(re.search(r"MemTotal:\s*(\d+)", f.read()).group(1))
    return "%d CPUs (%s), %.0f GB, Linux %s" % (
        os.cpu_count(), model.group(1) if model else platform.machine(),
        kib / 1e6, platform.release().split("-")[0])


def version_of(command, pattern):
    try:
        done = subprocess.run(command, capture_output=True, text=True,
                              cwd=TOP)
    except OSError:
        return None
    found = re.search(pattern, done.stdout + done.stderr)
    return found.group(1) if found else None


def versions():
    unpacked = os.path.join(TOP, ".cache/servers/usr/bin/")
    asked = [
        ("etcd", ["etcd", "--version"], r"etcd Version: (\S+)"),
        ("pushgateway", ["prometheus-pushgateway", "--version"],
         r"version (\S+)"),
        ("Prometheus", ["prometheus", "--version"], r"version ([0-9.]+)"),
        # It does not say.
        ("VictoriaMetrics", ["ls", ".cache/debs"],
         r"victoria-metrics_([0-9.]+)"),
    ]
    told = []
    for name, command, pattern in asked:
        version = version_of(command, pattern) or version_of(
            [unpacked + command[0], *command[1:]], pattern)
        if version:
            told.append("%s %s" % (name, version.rstrip(",")))
    return ", ".join(told)


INTRO = """# Benchmarks

`make bench` measures this and writes the page; `bench/run NAME` measures one
part. Nothing here can fail a test: what can be counted is counted there, in
`tests/`. bench/fake-etcd stands for etcd wherever a directory has more keys,
or events come faster, than a real etcd can be brought to hold or make beside
the rest on one machine.

Machine: %(machine)s.
%(peers)s
Measured %(when)s, rollcall %(revision)s, with everything (etcd, clients,
scrapers) on the same CPUs.

*ratio* is ours for one of the other's, *spread* the distance of the extreme
runs from each other in percent of their median; `-` where there was time for
one run. Values are medians of the runs.

```
%(table)s
```

## What each number means
"""


def title(row, head):
    """What is indented in the table says nothing without its head."""
    what = row.figure.what
    return what if what == what.lstrip() else "%s: %s" % (
        head.split(":")[0], what.strip())


def sentence(row, head):
    text = "- **%s**: %s" % (title(row, head), row.figure.says)
    if row.met() is False:
        of, relation, value = row.figure.aim
        say, unit = (ratio, "times") if of == "ratio" else (number, row.unit)
        text += " *Falls short: %s, where %s %s is aimed at.*" % (
            ("%s %s" % (say(row.judged()), unit)).strip(),
            "at most" if relation == "<=" else "at least",
            ("%s %s" % (say(value), unit)).strip())
    return text


def sentences(known):
    head = ""
    for row in known:
        if not row.figure.what.startswith(" "):
            head = row.figure.what
        yield sentence(row, head)


def wrap(text, width=79):
    words, lines = text.split(" "), [""]
    for word in words:
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append("  ")
        lines[-1] += (" " if lines[-1].strip() else "") + word
    return "\n".join(lines)


def page(store):
    values = store.values()
    kept = [store.results[b] for b in figures.BENCHES + figures.SELDOM
            if b in store.results]
    known, unknown = rows(values)
    for name in unknown:        # a row that nobody explains; bench/run fails
        del values[name]
    text = INTRO % {
        "machine": machine(), "peers": textwrap.fill(
            "Peers: %s." % versions(), 80),
        "when": ", ".join(sorted({k["when"] for k in kept})),
        "revision": ", ".join(sorted({k["revision"] for k in kept})),
        "table": "\n".join(table(values))}
    return text + "\n" + "\n".join(
        wrap(line) for line in sentences(known)) + "\n"


def write_page(path, store):
    with open(path, "w") as f:
        f.write(page(store))
    print("%s written" % os.path.relpath(path))
