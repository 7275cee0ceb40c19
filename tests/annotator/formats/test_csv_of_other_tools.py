"""CSV as other tools write it: columns, cells and encodings that have one meaning."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotator.domain import State
from annotator.errors import FormatError, NotFound
from annotator.formats import LabelFile, format_for
from annotator.formats.csv_reading import read
from annotator.formats.options import ReadOptions
from annotator.formats.validate import validate

PRESENT, ABSENT = State.PRESENT, State.ABSENT
TABLE = {"a.jpg": {"cat": PRESENT, "dog": ABSENT}, "b.jpg": {"dog": PRESENT}}


def saved(folder: Path, content: str | bytes, name: str = "labels.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def told(labels: LabelFile) -> dict[str, dict[str, State]]:
    return {i.file_name: {p.category: p.state for p in i.pairs} for i in labels.images}


FILE_COLUMNS = [
    "file", "File", "filename", "file_name", "File Name", "image", "image_name", "Image Name",
    "imageName", "image-file", "img", "img_path", "path", "Path", "filepath", "image_id", "id",
    "ID", "name", "picture",
]  # fmt: skip


@pytest.mark.parametrize("name", FILE_COLUMNS)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_the_column_of_files_has_many_names_and_any_place(
    tmp_path: Path, name: str, place: int
) -> None:
    rows = [["cat", "dog"], ["1", "0"], ["", "1"]]
    for row, cell in zip(rows, [name, "a.jpg", "b.jpg"], strict=True):
        row.insert(place, cell)
    content = "\n".join(",".join(row) for row in rows)

    assert told(read(saved(tmp_path, content))) == TABLE


@pytest.mark.parametrize(
    "content",
    [
        ",file,cat,dog\n0,a.jpg,1,0\n1,b.jpg,,1\n",
        "Unnamed: 0,file,cat,dog\n0,a.jpg,1,0\n1,b.jpg,,1\n",
        "id,filename,cat,dog\n17,a.jpg,1,0\n18,b.jpg,,1\n",
        "id,filename,cat,dog\n0,a.jpg,1,0\n1,b.jpg,,1\n",
        "#;Bild;cat;dog\n1;a.jpg;1;0\n2;b.jpg;;1\n",
        "file,cat,dog,,\na.jpg,1,0,,\nb.jpg,,1,,\n",
        "file,cat,dog\na.jpg,1,0,,\n,,\n\nb.jpg,,1\n,,,,\n",
        "sep=;\r\nfile;cat;dog\r\na.jpg;1,0;0,0\r\nb.jpg;;1,0\r\n",
        "file|cat|dog\na.jpg|1|0\nb.jpg||1\n",
        ",,\nfile,cat,dog\na.jpg,1,0\nb.jpg,,1\n",
        "file,cat,dog\na.jpg,1,0\nb.jpg,,1\na.jpg,1,0\n",
    ],
    ids=[
        "pandas index", "pandas index saved twice", "ids beside names", "ids that look like states",
        "a column of pictures by any name", "unnamed columns at the end", "empty rows and cells",
        "German spreadsheet", "bars", "empty row first", "a row twice",
    ],
)  # fmt: skip
def test_what_surrounds_the_table_does_not_matter(tmp_path: Path, content: str) -> None:
    assert told(read(saved(tmp_path, content))) == TABLE


@pytest.mark.parametrize("mark", ["\ufeff", ""], ids=["with mark", "without"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_unicode_of_every_kind_is_read(
    tmp_path: Path, mark: str, encoding: str, newline: str
) -> None:
    lines = ["file,猫,dog", "a.jpg,1,0", "b.jpg,,1"]
    path = saved(tmp_path, (mark + newline.join(lines)).encode(encoding))

    labels = read(path)

    assert told(labels)["a.jpg"] == {"猫": PRESENT, "dog": ABSENT}
    assert bool(labels.notes) is (encoding != "utf-8")


def test_another_encoding_is_refused_by_byte_and_cure(tmp_path: Path) -> None:
    path = saved(tmp_path, "file,Kätzchen\na.jpg,1\n".encode("cp1252"))

    with pytest.raises(FormatError, match="byte 6 is not UTF-8; save the file as UTF-8 text"):
        read(path)


@pytest.mark.parametrize(
    ("beginning", "kind"),
    [
        (b"\x1f\x8b\x08", "a gzip archive; unpack it"),
        (b"PK\x03\x04", "a spreadsheet or a zip archive; save it as CSV"),
        (b"\xd0\xcf\x11\xe0", "a spreadsheet; save it as CSV"),
        (b"PAR1", "a Parquet file"),
    ],
)
@pytest.mark.parametrize("name", ["labels.csv", "labels.json"])
def test_what_is_no_text_is_named(tmp_path: Path, name: str, beginning: bytes, kind: str) -> None:
    path = saved(tmp_path, beginning + bytes(range(256)), name)

    with pytest.raises(FormatError, match=kind):
        format_for(path).read(path)
    assert not validate(path).ok


WORDS = {
    PRESENT: ["1", "1.0", "1.00", "True", "TRUE", "t", "yes", "Y", "x", "X", "present", "1,0"],
    ABSENT: ["0", "0.0", "False", "f", "no", "N", "absent", "0,0", "negative"],
    None: ["", " ", "NaN", "nan", "NA", "N/A", "<NA>", "None", "null", "?", "unknown", "Uncertain"],
}
STATES = st.sampled_from([PRESENT, ABSENT, None])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(STATES, STATES), min_size=1, max_size=6), st.data())
def test_cells_say_the_same_in_all_words_and_those_in_unusual_ones_are_counted(
    rows: list[tuple[State | None, State | None]], data: st.DataObject
) -> None:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(["file", "cat", "dog"])
    cells = []
    for number, row in enumerate(rows):
        words = [data.draw(st.sampled_from(WORDS[state])) for state in row]
        cells += words
        writer.writerow([f"{number}.jpg", *words])

    with tempfile.TemporaryDirectory() as folder:
        labels = read(saved(Path(folder), buffer.getvalue()))

    for image, (cat, dog) in zip(labels.images, rows, strict=True):
        said = {"cat": cat, "dog": dog}
        assert {p.category: p.state for p in image.pairs} == {n: s for n, s in said.items() if s}
    unusual = [c for c in cells if c.strip() not in ("", "1", "0", "1.0", "0.0")]
    counts = [int(note.split(": ")[1].split(" ")[0]) for note in labels.notes]
    assert sum(counts) == len(unusual)


def test_unknown_in_words_stays_unknown_where_an_empty_cell_is_absent(tmp_path: Path) -> None:
    path = saved(tmp_path, "file,cat,dog,owl\na.jpg,?,NaN,\n")

    labels = read(path, ReadOptions(unlisted="absent"))

    assert told(labels) == {"a.jpg": {"dog": ABSENT, "owl": ABSENT}}


CHEXPERT = "file,cat,dog\na.jpg,1.0,-1.0\nb.jpg,0.0,\n"
CELEBA = "image_id,cat,dog\na.jpg,1,-1\nb.jpg,-1,1\n"


@pytest.mark.parametrize("content", [CHEXPERT, CELEBA])
def test_minus_one_has_two_meanings_and_is_asked(tmp_path: Path, content: str) -> None:
    with pytest.raises(FormatError, match=r"-1 means absent in .*CelebA.* uncertain in .*CheXpert"):
        read(saved(tmp_path, content))


def test_minus_one_is_what_was_said(tmp_path: Path) -> None:
    celeba, chexpert = saved(tmp_path, CELEBA, "a.csv"), saved(tmp_path, CHEXPERT, "b.csv")
    absent, unknown = ReadOptions(minus_one="absent"), ReadOptions(minus_one="unknown")

    assert told(read(celeba, absent)) == {
        "a.jpg": {"cat": PRESENT, "dog": ABSENT},
        "b.jpg": {"cat": ABSENT, "dog": PRESENT},
    }
    assert told(read(chexpert, unknown)) == {"a.jpg": {"cat": PRESENT}, "b.jpg": {"cat": ABSENT}}
    assert validate(chexpert).problems[0].endswith("--minus-one absent or --minus-one unknown.")
    assert validate(chexpert, options=unknown).ok


def test_zero_beside_a_minus_one_that_is_absent_is_unknown(tmp_path: Path) -> None:
    path = saved(tmp_path, "file,cat,dog\na.jpg,0,1\nb.jpg,-1,0\n")

    labels = read(path, ReadOptions(minus_one="absent"))

    assert told(labels) == {"a.jpg": {"dog": PRESENT}, "b.jpg": {"cat": ABSENT}}
    assert "Cells of -1 are absent as you said, so those of 0 are read as unknown." in labels.notes


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("file,cat\na.jpg,presnt\n", "column 'cat': .* got 'presnt'; did you mean 'present'"),
        ("file,cat\na.jpg,0.7\n", "expected 1, 0 or empty, or present, absent, .* got '0.7'"),
        ("file,cat\na.jpg,2\n", "line 2, column 'cat': expected 1, 0 or empty"),
        ("flie,cat\nx,1\n", "a column of file names called file, .* did you mean 'file' by 'flie'"),
        ("a.jpg,cat\nb.jpg,dog\n", "the first line must name the columns, as in 'file,cat,dog'"),
        ("x,y\na.jpg,b.jpg\n", "expected a column of file names called"),
        ("file,cat,dog\na.jpg,1\n", "line 2: expected 3 cells like the first line, got 2"),
        ("file,cat\na.jpg,1\na.jpg,0\n", "line 3: 'a.jpg' is already listed in line 2"),
        ("file,label\na.jpg,1\nb.jpg,0\n", "may be tags or say whether a category 'label' is"),
        ("file,label,cat\na.jpg,sky,1\n", "column 'cat': the cells may say whether 'cat' is"),
        ("file,tags,labels\na.jpg,sky,sea\n", "'tags' and 'labels' both list tags"),
    ],
)  # fmt: skip
def test_a_refusal_lists_what_is_accepted_and_what_is_nearest(
    tmp_path: Path, content: str, message: str
) -> None:
    path = saved(tmp_path, content)

    with pytest.raises(FormatError, match=message) as caught:
        read(path)

    assert validate(path).problems == (str(caught.value),)


@pytest.mark.parametrize("name", ["labels.tsv", "labels.TSV", "labels.txt", "labels.csv"])
def test_tabs_are_read_by_every_suffix(tmp_path: Path, name: str) -> None:
    path = saved(tmp_path, "file\tcat\tdog\na.jpg\t1\t0\nb.jpg\t\t1\n", name)

    assert told(format_for(path).read(path)) == TABLE


@pytest.mark.parametrize(
    "wrong", [{"unlisted": "no"}, {"minus_one": "maybe"}, {"separator": "and"}], ids=str
)
def test_a_choice_that_there_is_not_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(NotFound, match="must be"):
        ReadOptions(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("yes", "no"), [("WAHR", "FALSCH"), ("ja", "nein"), ("VRAI", "FAUX"), ("VERDADERO", "FALSO")]
)
def test_spreadsheets_write_true_and_false_in_their_language(
    tmp_path: Path, yes: str, no: str
) -> None:
    content = f"file;cat;dog\na.jpg;{yes};{no}\nb.jpg;;{yes.title()}\n"

    assert told(read(saved(tmp_path, content))) == TABLE


def test_findings_of_x_rays_are_tags(tmp_path: Path) -> None:
    content = "Image Index,Finding Labels,Follow-up #,Patient Age,\n" + (
        "a.jpg,Edema|Mass,2,58,\nb.jpg,No Finding,0,81,\n"
    )

    assert told(read(saved(tmp_path, content))) == {
        "a.jpg": {"Edema": PRESENT, "Mass": PRESENT},
        "b.jpg": {"No Finding": PRESENT},
    }


def test_what_is_said_about_boxes_beside_tags_is_no_category(tmp_path: Path) -> None:
    content = "ImageID,LabelName,Confidence,XMin,IsOccluded,IsGroupOf,bbox_x,image_width\n" + (
        "a,/m/01,1,0.5,0,1,1,1\nb,/m/02,0,0.5,1,0,0,1\n"
    )

    labels = read(saved(tmp_path, content))

    assert told(labels) == {"a": {"/m/01": PRESENT}, "b": {"/m/02": ABSENT}}


@pytest.mark.parametrize("name", ["Target", "choice", "Kategorien", "Sex"])
def test_a_column_of_other_text_is_refused_with_what_to_do(tmp_path: Path, name: str) -> None:
    content = f"file,{name}\na.jpg,Female\n"

    with pytest.raises(FormatError, match="call the column 'labels' if it lists tags, take it out"):
        read(saved(tmp_path, content))
