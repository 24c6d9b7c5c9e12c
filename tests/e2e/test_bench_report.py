"""bench/run's table: what is compared with what, and whether an aim is met."""
import os
import subprocess
import sys

import pytest

from support.servers import TOP

sys.path.insert(0, os.path.join(TOP, "bench"))
import figures      # noqa: E402
import report       # noqa: E402


def test_every_figure_is_whole():
    names = [f.name for f in figures.FIGURES]
    assert len(names) == len(set(names))
    for figure in figures.FIGURES:
        assert figure.against is None or figure.against in names
        assert not figure.own or figure.says.endswith(".")


@pytest.mark.parametrize("ours, met", [(4.0, "yes"), (16.0, "NO")])
def test_a_row_says_what_came_out(ours, met):
    values = {"scrape_plain_wall": ([ours - 1, ours, ours + 2], "ms"),
              "scrape_plain_wall_floor": ([10, 8, 9], "ms")}
    row = report.rows(values)[0][0]
    assert row.columns()[1:] == (
        "%d ms" % ours, "9 ms floor", "%.2f" % (ours / 9),
        "%.0f %%" % (300 / ours), "<= 1.50 x", met)
    assert ("Falls short" in report.sentence(row, "")) == (met == "NO")


def test_a_small_ratio_is_a_fraction():
    values = {"history_peers_rollcall": ([2.0], "ms"),
              "history_peers_prometheus": ([500.0], "ms")}
    row = report.rows(values)[0][0]
    assert row.columns()[3:] == ("1/250", "-", "<= 1/300", "NO")
    assert report.sentence(row, "").endswith(
        "*Falls short: 1/250 times, where at most 1/300 times is aimed at.*")


def test_the_table_fits_and_leaves_nothing_out():
    values = {f.name: ([123456.7, 234567.8], "ms") for f in figures.FIGURES}
    values["not_in_the_list"] = ([1.25], "s")
    lines = report.table(values)
    assert max(len(line) for line in lines) <= 100
    assert len(lines) == 2 + sum(f.own for f in figures.FIGURES)
    assert lines[-1].split() == ["not_in_the_list", "1.25", "s", "-"]


def test_what_is_printed_is_read(tmp_path):
    """A measurement of three runs, of which the last fails, by bench/run
    itself."""
    program = tmp_path / "bench" / "again"
    program.parent.mkdir()
    program.write_text(
        "#!/bin/sh\necho '# 1 for the eye'\necho again_took 2.5 ms\n"
        "echo x >>%s/runs\n[ $(wc -l <%s/runs) -lt 3 ]\n" % (
            tmp_path, tmp_path))
    program.chmod(0o755)
    done = subprocess.run(
        [os.path.join(TOP, "bench/run"), "again"], capture_output=True,
        text=True, env={**os.environ, "ROLLCALL": str(tmp_path / "rollcall")})
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[-1] == "failed: again"
    assert lines[-2].split() == ["again_took", "2.50", "ms", "0", "%"]
    kept = report.Store(str(tmp_path / "bench/results.json")).values(["again"])
    assert kept == {"again_took": ([2.5] * 3, "ms")}
