"""The right format is found by name or ending."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from annotator.errors import FormatError
from annotator.formats import FORMATS, LabelFile, format_for, register


@pytest.mark.parametrize(
    ("path", "name", "expected"),
    [
        ("labels.json", None, "coco"),
        ("LABELS.JSON", None, "coco"),
        ("labels.csv", None, "csv"),
        ("labels.txt", "csv", "csv"),
        ("labels.json", "csv", "csv"),
    ],
)
def test_a_name_counts_before_the_ending(path: str, name: str | None, expected: str) -> None:
    assert format_for(Path(path), name).name == expected


@pytest.mark.parametrize(
    ("path", "name", "message"),
    [
        ("labels.xml", None, r"'.xml' belongs to no known format; known: coco \(.json\), csv"),
        ("labels", None, "the suffix '' belongs to no known format"),
        ("labels.json", "voc", "unknown format 'voc'; known: coco, csv"),
    ],
)
def test_an_unknown_format_lists_the_known_ones(path: str, name: str | None, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        format_for(Path(path), name)


@pytest.mark.parametrize(
    "changes", [{"suffixes": (".new",)}, {"name": "new"}], ids=["name", "ending"]
)
def test_a_format_cannot_take_the_place_of_another(changes: dict[str, object]) -> None:
    double = dataclasses.replace(FORMATS["coco"], **changes)  # type: ignore[arg-type]

    with pytest.raises(ValueError, match="is already registered"):
        register(double)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_reads_what_it_writes(tmp_path: Path, name: str) -> None:
    chosen = FORMATS[name]
    (path,) = chosen.write(LabelFile(), tmp_path / ("labels" + chosen.suffixes[0]))

    assert format_for(path).read(path) == LabelFile()
