"""Reads the text format 0.0.4, strictly enough for tests."""
import re

_LINE = re.compile(
    r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)( -?\d+)?$')
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"(?:,|$)')
_ESCAPES = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}


def _labels(text):
    found, at = [], 0
    while at < len(text):
        m = _LABEL.match(text, at)
        assert m, "not labels: %r" % text
        value = re.sub(r"\\.", lambda e: _ESCAPES[e.group()], m.group(2))
        found.append((m.group(1), value))
        at = m.end()
    assert len(dict(found)) == len(found), "a label twice: %r" % text
    return frozenset(found)


def parse(text):
    """{(name, frozenset of (label, value)): value}"""
    samples = {}
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        m = _LINE.match(line)
        assert m, "not a sample: %r" % line
        key = (m.group(1), _labels(m.group(2) or ""))
        assert key not in samples, "twice: %r" % line
        samples[key] = float(m.group(3))
    return samples


def select(samples, name, **labels):
    """The samples of that name which have these labels, as a list of
    (dict of labels, value)."""
    wanted = set(labels.items())
    return [(dict(have), value) for (n, have), value in samples.items()
            if n == name and wanted <= have]
