"""Lists of tags in CSV: however they are joined, and only where that has one meaning."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotator.domain import State
from annotator.errors import FormatError
from annotator.formats import LabelFile
from annotator.formats.csv_reading import read
from annotator.formats.options import ReadOptions

PRESENT, ABSENT = State.PRESENT, State.ABSENT


def saved(folder: Path, content: str) -> Path:
    path = folder / "labels.csv"
    path.write_text(content, encoding="utf-8")
    return path


def tags_of(labels: LabelFile) -> dict[str, set[str]]:
    return {i.file_name: {p.category for p in i.pairs if p.state is PRESENT} for i in labels.images}


def from_cells(cells: list[str], options: ReadOptions | None = None) -> list[set[str]]:
    """Return the tags of a file with one row for each cell."""
    rows = ["file;labels"]
    rows += [f'{n}.jpg;"{cell.replace(chr(34), chr(34) * 2)}"' for n, cell in enumerate(cells)]
    with tempfile.TemporaryDirectory() as folder:
        return list(
            tags_of(read(saved(Path(folder), "\n".join(rows)), options or ReadOptions())).values()
        )


NAMES = st.sampled_from(["cat", "dog", "hot dog", "traffic light", "owl", "C-3"])
JOINS = {
    "bars": " | ".join,
    "commas": ", ".join,
    "commas without blanks": ",".join,
    "semicolons": ";".join,
    "hashes": "#".join,
    "tabs": "\t".join,
    "Python": lambda tags: str(list(tags)),
    "JSON": json.dumps,
    "NumPy": lambda tags: "[" + " ".join(f"'{tag}'" for tag in tags) + "]",
    "brackets": lambda tags: "[" + ", ".join(tags) + "]",
}


@pytest.mark.parametrize("way", JOINS)
@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(NAMES, unique=True, max_size=4), max_size=4))
def test_a_column_that_is_joined_in_one_way_is_taken_apart(way: str, rows: list[list[str]]) -> None:
    rows = [["cat", "dog", "hot dog", "traffic light"], *rows]  # which shows how tags are joined
    if way == "brackets":
        rows = [row for row in rows if len(row) != 1 or " " not in row[0]]

    assert from_cells([JOINS[way](row) for row in rows]) == [set(row) for row in rows]


@pytest.mark.parametrize(
    ("cells", "tags"),
    [
        (["cat dog", "cat,dog"], [{"cat", "dog"}] * 2),
        (["cat,dog", "cat#dog"], [{"cat", "dog"}] * 2),
        (["cat dog", "dog", "cat"], [{"cat", "dog"}, {"dog"}, {"cat"}]),
        (["#cat #dog", "#owl"], [{"cat", "dog"}, {"owl"}]),
        (["C#", "C#|F#"], [{"C#"}, {"C#", "F#"}]),
        (["C#", "Java"], [{"C#"}, {"Java"}]),
        (["bear, brown|cat", "cat"], [{"bear, brown", "cat"}, {"cat"}]),
        (["hot dog|dog", "hot dog", "hot|dog"], [{"hot dog", "dog"}, {"hot dog"}, {"hot", "dog"}]),
        (["polar bear", "cat,dog"], [{"polar bear"}, {"cat", "dog"}]),
        (["cat,", ", dog ,"], [{"cat"}, {"dog"}]),
        (["['cat']", "[]", ""], [{"cat"}, set(), set()]),
        (['["it\'s", "a \\"b\\""]'], [{"it's", 'a "b"'}]),
        (["{'cat', 'dog'}"], [{"cat", "dog"}]),
    ],
    ids=lambda value: str(value[0]) if isinstance(value[0], str) else "",
)
def test_other_rows_show_what_a_cell_means(cells: list[str], tags: list[set[str]]) -> None:
    assert from_cells(cells) == tags


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (["cat dog"], "'cat dog' may be one tag or several, joined by a blank; .* none .* blank"),
        (["cat dog", "owl"], "'cat dog' may be one tag or several"),
        (["cat dog", "dog"], "'cat dog' may be one tag or several"),
        (["cat, dog; owl"], "may be joined by a semicolon or a comma; .*--separator semicolon"),
        (["a;b", "a;c", "a,b\td"], "may be joined by a comma or a tab"),
        (["a,b", "a,c", "d;e"], "'d;e' may be one tag or several, joined by a semicolon"),
    ],
    ids=lambda value: str(value[0])[:20],
)
def test_what_no_row_shows_is_asked(cells: list[str], message: str) -> None:
    with pytest.raises(FormatError, match=message) as caught:
        from_cells(cells)

    assert ", column 'labels': " in str(caught.value)


@pytest.mark.parametrize(
    ("separator", "tags"),
    [
        ("blank", {"a,b;c|d#e", "f"}),
        ("comma", {"a", "b;c|d#e f"}),
        ("semicolon", {"a,b", "c|d#e f"}),
        ("bar", {"a,b;c", "d#e f"}),
        ("hash", {"a,b;c|d", "e f"}),
        ("none", {"a,b;c|d#e f"}),
    ],
)
def test_a_separator_that_is_named_is_the_only_one(separator: str, tags: set[str]) -> None:
    assert from_cells(["a,b;c|d#e f"], ReadOptions(separator=separator)) == [tags]


def test_a_file_on_several_rows_has_the_tags_of_all(tmp_path: Path) -> None:
    content = (
        "filename,width,height,class,xmin,ymin,xmax,ymax\n"
        "a.jpg,64,48,cat,0,0,5,5\na.jpg,64,48,hot dog,1,1,1,1\nb.jpg,64,48,cat,0,0,1,1\n"
        "a.jpg,64,48,cat,2,2,8,8\n"
    )

    labels = read(saved(tmp_path, content))

    assert tags_of(labels) == {"a.jpg": {"cat", "hot dog"}, "b.jpg": {"cat"}}
    assert "Columns beside the tags, left out: 6 (for example 'width')." in labels.notes


def test_a_column_of_states_beside_the_tags_counts(tmp_path: Path) -> None:
    content = (
        "ImageID,Source,LabelName,Confidence\n"
        "a,verification,cat,1\na,verification,dog,0\nb,verification,dog,1\nb,machine,owl,?\n"
    )

    labels = read(saved(tmp_path, content), ReadOptions(unlisted="absent"))

    said = {i.file_name: {p.category: p.state for p in i.pairs} for i in labels.images}
    assert said == {
        "a": {"cat": PRESENT, "dog": ABSENT, "owl": ABSENT},
        "b": {"cat": ABSENT, "dog": PRESENT},
    }


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("a,cat,1\na,cat,0", "line 3, column 'label': an earlier line says otherwise about 'cat'"),
        ("a,cat,0.7", "line 2, column 'confidence': expected 1, 0 or empty"),
        ("a,cat,", "line 2, column 'confidence'"),
        ("a,cat,-1", "line 2, column 'confidence': -1 means absent in some files"),
    ],
)
def test_states_beside_tags_that_say_nothing_clear_are_refused(
    tmp_path: Path, rows: str, message: str
) -> None:
    with pytest.raises(FormatError, match=message):
        read(saved(tmp_path, f"file,label,confidence\n{rows}\n"))
