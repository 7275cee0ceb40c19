"""CSV in both shapes: what it says, how it is refused, and that it comes back the same."""

from __future__ import annotations

import csv
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotator.domain import State, name_key
from annotator.errors import FormatError, NotFound
from annotator.formats import CategoryRecord, ImageRecord, LabelFile, PairRecord, csv_formulas
from annotator.formats.csv_columns import is_tag_name
from annotator.formats.csv_labels import write
from annotator.formats.csv_reading import read
from annotator.formats.options import ReadOptions

PRESENT, ABSENT = State.PRESENT, State.ABSENT
REST_ABSENT = ReadOptions(unlisted="absent")


def saved(folder: Path, content: str | bytes) -> Path:
    path = folder / "labels.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def told(labels: LabelFile) -> dict[str, dict[str, State]]:
    return {i.file_name: {p.category: p.state for p in i.pairs} for i in labels.images}


def names(labels: LabelFile) -> list[str]:
    return [category.name for category in labels.categories]


TABLE = {"a.jpg": {"cat": PRESENT, "dog": ABSENT}, "b.jpg": {"dog": PRESENT}, "c.jpg": {}}


@pytest.mark.parametrize(
    "content",
    [
        "file,cat,dog\na.jpg,1,0\nb.jpg,,1\nc.jpg,,\n",
        "\ufefffile,cat,dog\r\na.jpg,1,0\r\nb.jpg,,1\r\nc.jpg,,\r\n",
        "file,cat,dog\ra.jpg,1,0\rb.jpg,,1\rc.jpg,,",
        "file;cat;dog\na.jpg;1;0\nb.jpg;;1\nc.jpg;;\n",
        "file\tcat\tdog\na.jpg\t1\t0\nb.jpg\t\t1\nc.jpg\t\t\n",
        '"file","cat","dog"\n"a.jpg","1","0"\n"b.jpg","","1"\n"c.jpg","",""\n',
        "filename, cat, dog\na.jpg, 1, 0\nb.jpg, , 1\nc.jpg, ,\n",
        "File,cat,dog\n\na.jpg,1.0,0.0\nb.jpg,,1.0\n\nc.jpg,,\n\n",
    ],
    ids=["plain", "Windows", "old Mac", "semicolons", "tabs", "quoted", "spaced", "pandas"],
)
def test_every_dialect_says_the_same(tmp_path: Path, content: str) -> None:
    labels = read(saved(tmp_path, content))

    assert names(labels) == ["cat", "dog"]
    assert told(labels) == TABLE


def test_an_empty_cell_is_absent_only_when_that_is_said(tmp_path: Path) -> None:
    path = saved(tmp_path, "file,cat,dog\na.jpg,1,\n")

    assert told(read(path)) == {"a.jpg": {"cat": PRESENT}}
    assert told(read(path, REST_ABSENT)) == {"a.jpg": {"cat": PRESENT, "dog": ABSENT}}


def test_names_may_hold_commas_quotes_and_newlines(tmp_path: Path) -> None:
    content = 'file,"cat, small","the ""dog""","two\nlines",猫\n"a, ""b""\n.jpg",1,0,1,\n'

    labels = read(saved(tmp_path, content))

    assert names(labels) == ["cat, small", 'the "dog"', "two\nlines", "猫"]
    assert told(labels) == {
        'a, "b"\n.jpg': {"cat, small": PRESENT, 'the "dog"': ABSENT, "two\nlines": PRESENT}
    }


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "the file is empty; its first line must name the columns"),
        ("\n\n", "the file is empty"),
        (
            "cat,dog\n1,0\n",
            "line 1: expected a column of file names called file, .* got 'cat', 'dog'",
        ),
        ("file,cat\na.jpg,maybe\n", "line 2, column 'cat': expected 1, 0 or empty, .* got 'maybe'"),
        (
            "file,cat\na.jpg,1\nb.jpg,-1\n",
            "line 3, column 'cat': -1 means absent in some files .*CelebA",
        ),
        ("file,cat\na.jpg,1,0\n", "line 2: expected 2 cells like the first line, got 3"),
        ("file,cat,dog\na.jpg,1\n", "line 2: expected 3 cells like the first line, got 2"),
        ("file,cat\n,1\n", "line 2, column 'file': expected a name, got nothing"),
        (
            'file,cat\n"a\nb",1\nc,1\n"a\nb",0\n',
            r"line 5: 'a\\nb' is already listed in line 2; keep one of the two lines",
        ),
        ("file,cat,\na,1,0\n", "line 1, column 3: expected the name of a category, got nothing"),
        ("file,cat,Cat\n", "line 1, column 3: 'Cat' names the same category as column 2; rename"),
        ("file,cat,cat\n", "line 1, column 3: 'cat' names the same category as column 2"),
        ('file,cat\n"a.jpg,1\nb.jpg,0\n', "line 2: .*check the quotes from this line on"),
        ('file,cat\n"a"b,1\n', "line 2: .*check the quotes"),
        (b"file,cat\n\xff.jpg,1\n", "byte 9 is not UTF-8; save the file as UTF-8"),
        (b"PK\x03\x04\x00\x00", "a spreadsheet or a zip archive; save it as CSV"),
        ("file,labels\na.jpg,Sky\nb.jpg,sky\n", "line 3, .*'sky' is spelled 'Sky' in line 2"),
        ("file,labels\na.jpg,sky,sea\n", "line 2: expected 2 cells like the first line, got 3"),
    ],
)
def test_what_is_wrong_names_line_column_and_cure(
    tmp_path: Path, content: str | bytes, message: str
) -> None:
    path = saved(tmp_path, content)

    with pytest.raises(FormatError, match=message) as caught:
        read(path)

    assert str(caught.value).startswith(f"{path}: ")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="does not exist"):
        read(tmp_path / "missing.csv")


def test_tags_are_present_and_the_rest_as_said(tmp_path: Path) -> None:
    path = saved(tmp_path, "file,labels\na.jpg,sky|sea\nb.jpg,\nc.jpg, sun | sky |sky|\n")

    unknown, absent = read(path), read(path, REST_ABSENT)

    assert names(unknown) == ["sky", "sea", "sun"]
    assert told(unknown) == {
        "a.jpg": {"sky": PRESENT, "sea": PRESENT},
        "b.jpg": {},
        "c.jpg": {"sun": PRESENT, "sky": PRESENT},
    }
    assert told(absent)["a.jpg"] == {"sky": PRESENT, "sea": PRESENT, "sun": ABSENT}
    assert set(told(absent)["b.jpg"].values()) == {ABSENT}


def test_a_real_list_of_tags_is_read(shared: Path) -> None:
    labels = read(shared / "data" / "corel5k" / "labels.csv")

    assert (len(labels.images), len(labels.categories)) == (4500, 371)
    assert told(labels)["1000.jpg"] == dict.fromkeys(["city", "mountain", "sky", "sun"], PRESENT)


TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)

COLUMNS = st.sampled_from(
    ["labels", "Tags", "class", "id", "name", "file", "image", "index", "Unnamed: 0", "state", "1"]
)
"""Names that mean something in other files; here they are categories."""


@st.composite
def label_files(draw: st.DrawFn) -> LabelFile:
    name = COLUMNS | TEXTS.map(str.strip).filter(bool)
    known = st.lists(name, max_size=4, unique_by=name_key)
    categories = draw(known.filter(lambda found: len(found) != 1 or not is_tag_name(found[0])))
    files = draw(st.lists(TEXTS.filter(lambda name: name.strip()), max_size=4, unique=True))
    states = st.sampled_from([PRESENT, ABSENT, None])
    images = []
    for file in files:
        drawn = [(name, draw(states)) for name in categories]
        pairs = tuple(PairRecord(name, state) for name, state in drawn if state is not None)
        images.append(ImageRecord(file_name=file, pairs=pairs))
    return LabelFile(
        categories=tuple(CategoryRecord(name=name) for name in categories), images=tuple(images)
    )


@settings(max_examples=200, deadline=None)
@given(label_files())
def test_what_is_written_reads_back_the_same(labels: LabelFile) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (path,) = write(labels, Path(folder) / "labels.csv")

        assert read(path) == labels


CAT = (CategoryRecord(name="cat"),)
GUESS = PairRecord("cat", PRESENT, "model")


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (
            LabelFile(
                categories=CAT,
                images=(ImageRecord(file_name="a", suggestions=(GUESS,)),),
                content="completed",
            ),
            "CSV has no place for who decided a pair",
        ),
        (
            LabelFile(categories=(CategoryRecord(name="Labels"),)),
            "would read back as a list of tags; rename the category or export COCO",
        ),
        (
            LabelFile(images=(ImageRecord(file_name="caf\udce9.jpg"),)),
            "is not UTF-8; rename the file",
        ),
    ],
    ids=["suggestions", "one category called labels", "not UTF-8"],
)
def test_what_csv_cannot_say_is_not_written(
    tmp_path: Path, labels: LabelFile, message: str
) -> None:
    with pytest.raises(FormatError, match=message):
        write(labels, tmp_path / "labels.csv")

    assert list(tmp_path.iterdir()) == []


FORMULAS = ["=1+1", "+1", "-1.jpg", "@SUM(A1)", "\tx", "'=1", "''@x", "\uff1d1", "=HYPERLINK(1)|x"]


@pytest.mark.parametrize("name", FORMULAS)
def test_no_spreadsheet_takes_a_name_for_a_formula(tmp_path: Path, name: str) -> None:
    categories = (CategoryRecord(name=name.strip()), CategoryRecord(name="'cat"))
    pairs = (PairRecord(name.strip(), PRESENT),)
    labels = LabelFile(categories=categories, images=(ImageRecord(file_name=name, pairs=pairs),))

    (path,) = write(labels, tmp_path / "labels.csv")

    with path.open(encoding="utf-8", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert not [cell for cell in cells if cell.startswith(tuple("=+-@\t\r\uff1d"))]
    assert "'cat" in cells
    assert read(path) == labels


@given(st.text(alphabet="'=+-@\t\ra", max_size=6))
def test_every_cell_reads_back_unchanged(text: str) -> None:
    written = csv_formulas.harmless(text)

    assert csv_formulas.plain(written) == text
    assert written[:1] not in tuple("=+-@\t\r")
