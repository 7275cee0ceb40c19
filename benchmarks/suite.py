"""Seconds that the tests of each folder take, as the table in `CONTRIBUTING.md`.

    python benchmarks/suite.py [--workers 2] [--report FILE] [--least 20]

Runs `make test`, or reads the JUnit report of an earlier run: `PYTEST_ADDOPTS=--junitxml=FILE make
test`. A test's seconds include what it waits for. Machine and commit are those of this moment.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import tempfile
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

from store import commit, machine

ROOT = Path(__file__).resolve().parents[1]


def run_suite(workers: int, report: Path) -> None:
    """Run the whole suite as everybody does, and keep its report; its own output is shown."""
    options = {"WORKERS": str(workers), "PYTEST_ADDOPTS": f"--junitxml={report}"}
    subprocess.run(["make", "test"], cwd=ROOT, env=os.environ | options, check=False)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(
        f"\n{used.ru_utime + used.ru_stime:,.0f} CPU seconds of all processes that ended in order"
    )


def folder_of(classname: str) -> str:
    """Return the folder of a test below `tests/`, at most two levels of it."""
    folders = classname.split(".")[1:]
    end = next(place for place, name in enumerate(folders) if name.startswith("test_"))
    return "/".join(folders[: min(end, 2)])


def table(cases: list[tuple[str, float]], least: float) -> list[str]:
    """Return the rows of a Markdown table, the slowest folder first.

    Args:
        cases: Folder and seconds of each test.
        least: Seconds below which folders are taken together.
    """
    tests, took = Counter(folder for folder, _ in cases), Counter[str]()
    for folder, spent in cases:
        took[folder] += spent
    large = [folder for folder, spent in took.most_common() if folder and spent >= least]
    rows = [(f"`{folder}`", tests[folder], took[folder]) for folder in large]
    rest = tests.total() - sum(tests[folder] for folder in large)
    rows.append(("all other", rest, sum(took[folder] for folder in took if folder not in large)))
    lines = ["| folder | tests | seconds |", "| --- | ---: | ---: |"]
    return lines + [f"| {name} | {number:,} | {spent:,.0f} |" for name, number, spent in rows]


def main() -> None:
    """Run or read, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--workers", type=int, help="processes that share the files; 2 unless a report is read"
    )
    parser.add_argument("--report", type=Path, help="a report to read instead of running the suite")
    parser.add_argument("--least", type=float, default=20, help="seconds of a row of its own")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report = options.report or Path(folder) / "report.xml"
        if options.report is None:
            options.workers = options.workers or 2
            run_suite(options.workers, report)
        try:
            suite = ElementTree.parse(report).getroot().find("testsuite")
        except (OSError, ElementTree.ParseError) as error:
            raise SystemExit(f"{report} cannot be read as a JUnit report: {error}") from None
    if suite is None:
        raise SystemExit(f"{report} is no JUnit report; give pytest --junitxml to get one.")
    cases = [
        (folder_of(case.get("classname", "")), float(case.get("time", 0)))
        for case in suite.iter("testcase")
    ]
    workers = f", {options.workers} workers" if options.workers else ""
    print(f"{machine()}, commit {commit()}{workers}")
    print(f"{len(cases):,} tests in {float(suite.get('time', 0)):,.0f} s\n")
    print("\n".join(table(cases, options.least)))


if __name__ == "__main__":
    main()
