"""The script that measures the screens runs, on a project small enough for a test."""

from __future__ import annotations

import argparse
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import pytest

from annotator.services.app import Services
from annotator.store import answers, categories, images, visits
from annotator.store.repair import recompute, recount
from annotator.wire.recording import VisitRequest


@pytest.fixture
def screens(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[2] / "benchmarks"))
    import screens

    return screens


@pytest.fixture
def small(screens: ModuleType, tmp_path: Path) -> tuple[Path, object]:
    size = screens.Size(60, 5, 3, pixels=(400, 300), labels_per_image=2)
    return screens.build(tmp_path, size), size


def test_the_project_is_whole_and_is_built_once(
    screens: ModuleType, small: tuple[Path, object], tmp_path: Path
) -> None:
    project, size = small
    written = (project / "labels.db").stat().st_mtime_ns

    again = screens.build(tmp_path, size)

    assert (again, (project / "labels.db").stat().st_mtime_ns) == (project, written)
    services = Services.open(project)
    try:
        with services.store.reading() as tx:
            assert (images.count(tx), len(categories.every(tx))) == (60, 5)
            assert len(visits.visited(tx)) == 12
            labels = answers.label_table(tx)
            number, arrays = services.suggestions.current(tx)
        assert set(labels.image[:60]) == set(range(12))
        assert 80 <= len(labels.image) <= 160
        assert number == 1
        assert arrays is not None
        assert arrays.scores.shape == (60, 5)
        assert services.labelling.next_images("ann", "tab", count=2)["images"][0] > 12
        small = list((project / "thumbnails" / "256").rglob("*.webp"))
        assert {path.stat().st_nlink for path in small} == {21}
        assert len(small) == 60
        with services.store.writing() as tx:
            assert recompute(tx) == recount(tx) == []
    finally:
        services.close()


def test_a_copy_to_work_in_has_a_database_of_its_own_and_nothing_prepared(
    screens: ModuleType, small: tuple[Path, object]
) -> None:
    project, _ = small
    for _ in range(2):
        copy = screens.fresh_copy(project, project.parent / "measured")
        assert [path.name for path in (copy / "thumbnails").iterdir()] == ["256"]
        services = Services.open(copy)
        services.labelling.visit("ann", VisitRequest(op="v", image=30, shown=[]))
        services.media.content(30, 1280)
        services.close()

    bare = screens.fresh_copy(project, project.parent / "measured", bare=True)

    assert not (bare / "thumbnails").exists()
    original = Services.open(project)
    with original.store.reading() as tx:
        assert 30 not in visits.visited(tx)
    original.close()


def test_a_table_says_which_targets_are_met(screens: ModuleType) -> None:
    results = screens.Results()
    results.add("paint", 20, 30)
    results.add("commit", *range(90, 190))

    lines = screens.table(results).splitlines()[2:]

    assert [line.split(" | ")[0] for line in lines] == [
        "| key press to paint",
        "| key press to committed",
    ]
    assert [line.rstrip(" |").split("| ")[-1] for line in lines] == ["met", "missed"]


@pytest.mark.browser
@pytest.mark.slow
def test_every_screen_is_measured(
    screens: ModuleType, small: tuple[Path, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    if screens.find_browser() is None:
        reason = "no browser: install chromium or set CHROME=/path/to/chrome"
        if os.environ.get("CI") in ("1", "true"):
            pytest.fail(reason)
        pytest.skip(reason)
    project, size = small
    options = argparse.Namespace(
        session=3, pace=0.03, jumps=1, loads=1, seed=0, pages=1, items=12, mode="sweep"
    )
    options.categories = size.categories
    monkeypatch.setattr(screens, "SECONDS_A_GRID", 1)
    monkeypatch.setattr(screens, "SECONDS_A_CATEGORY", 1)

    copy = screens.fresh_copy(project, project.parent / "m")
    with ThreadPoolExecutor(1) as thread:  # browser tests of the same run keep a loop in this one
        results = thread.submit(screens.measure, copy, size, options).result()

    unsure = {"next", "late"}  # whether a picture came in time depends on the machine
    assert set(results.times) - unsure == set(screens.TARGETS) - unsure
    assert len(results.times["next"] + results.times["late"]) == 3
    assert len(results.times["paint"]) == len(results.times["commit"]) == 9
    assert all(value > 0 for values in results.times.values() for value in values)
    assert any(line.startswith("RssAnon at the end") for line in results.notes)
    assert any(line.startswith("largest answer: 0.") for line in results.notes)
