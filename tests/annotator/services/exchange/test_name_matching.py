from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from typer.testing import CliRunner

from annotator.cli import app
from annotator.domain import ImagePath, State
from annotator.errors import FormatError, NotFound
from annotator.formats.records import ImageRecord
from annotator.services.app import Services
from annotator.services.catalogue.picture_names import PictureNames
from annotator.services.commands import answer_by_name, status
from annotator.services.exchange.import_summary import ImportSummary
from annotator.services.exchange.name_matching import match_names
from annotator.services.exchange.transfer import Transfer
from annotator.services.project.creation import create_project
from annotator.settings import Project, Settings
from annotator.store import Store, categories, images
from annotator.store.categories import NewCategory
from annotator.store.images import FoundImage


def draw(folder: Path, *names: str) -> Path:
    """Put pictures into a folder, each with its own content."""
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.frombytes("RGB", (8, 8), f"{file}".encode().ljust(192, b" ")[-192:]).save(file)
    return folder


@pytest.fixture
def opened() -> Iterator[list[Services]]:
    """Return a list of services that are closed in the end."""
    services: list[Services] = []
    yield services
    for one in services:
        one.close()


@pytest.fixture
def made(tmp_path: Path, opened: list[Services]) -> Callable[..., Services]:
    """Return a function that makes a project of the files in folders; the first is `images`."""

    def make(**files: Sequence[str]) -> Services:
        first, *others = [draw(tmp_path / name, *listed) for name, listed in files.items()]
        create_project(tmp_path / "project", first, names=["cat", "dog"])
        services = Services.open(tmp_path / "project")
        for folder in others:
            services.image_roots.add(folder)
        opened.append(services)
        return services

    return make


def labels(services: Services, text: str) -> Path:
    file = services.project.path.parent / "labels.csv"
    file.write_text(text, encoding="utf-8")
    return file


def imported(services: Services, text: str, root: str | None = None) -> ImportSummary:
    return services.transfer.import_file(labels(services, text), annotator="me", root=root)


def exported(services: Services) -> list[str]:
    (file,) = services.transfer.export(services.project.path.parent / "out", formats=["csv"])
    return file.read_text(encoding="utf-8").splitlines()[1:]


def test_the_labels_of_one_folder_never_go_to_another_that_shares_file_names(
    made: Callable[..., Services],
) -> None:
    services = made(train=["a.png", "t.png"], valid=["a.png", "v.png"])

    summary = imported(services, "file,cat,dog\na.png,0,1\nv.png,0,1\n")

    assert (summary.root, summary.matched, summary.applied) == ("valid", 2, 4)
    assert "all names are relative to the image folder 'valid'" in summary.text()
    assert exported(services) == ["images/a.png,,", "t.png,,", "valid/a.png,0,1", "v.png,0,1"]


def test_a_name_that_two_folders_share_is_asked_and_decided_by_the_folder(
    made: Callable[..., Services],
) -> None:
    services = made(train=["a.png", "t.png"], valid=["a.png", "v.png"])

    summary = imported(services, "file,cat\na.png,1\nt.png,1\nv.png,1\n")
    assert (summary.matched, summary.ambiguous_count, summary.root) == (2, 1, "")
    assert summary.ambiguous == ("'a.png' could be images/a.png or valid/a.png",)
    assert (
        "in front of it, or choose the image folder that the file is about (--root"
        in summary.text()
    )
    assert summary.unmatched_count == 0

    assert imported(services, "file,cat\na.png,0\n", root="valid").applied == 1
    assert imported(services, "file,cat\ntrain/a.png,1\n").applied == 1
    assert [row for row in exported(services) if "/a.png" in row] == [
        "images/a.png,1,", "valid/a.png,0,"
    ]  # fmt: skip


def test_a_root_is_known_by_its_name_and_by_that_of_its_folder(
    made: Callable[..., Services],
) -> None:
    services = made(train=["a.png"], valid=["a.png"])

    for root in ("images", "train"):
        assert services.transfer.preview(labels(services, "file,cat\na.png,1\n"), root=root).present
    with pytest.raises(NotFound, match=r"no image folder 'test' .*'images' \(/.*train\), 'valid'"):
        imported(services, "file,cat\na.png,1\n", root="test")


def test_a_file_whose_every_name_is_ambiguous_is_refused_with_what_decides(
    made: Callable[..., Services],
) -> None:
    services = made(train=["a.png"], valid=["a.png"])

    with pytest.raises(FormatError) as raised:
        imported(services, "file,cat\na.png,1\n")

    assert "'a.png' could be images/a.png or valid/a.png; write the name" in str(raised.value)
    assert "--root" in str(raised.value)


def test_the_command_counts_each_reason_and_says_what_decides(
    made: Callable[..., Services],
) -> None:
    services = made(train=["a.png", "t.png"], valid=["a.png"])
    file = labels(services, "file,cat\na.png,1\nT.png,1\nx/t.png,0\nzz.png,1\n")
    command = ["import", str(services.project.path), str(file), "--by", "me"]

    told = CliRunner().invoke(app, [*command, "--dry-run"])
    decided = CliRunner().invoke(app, [*command, "--root", "valid", "--json"])

    lines = told.stdout.splitlines()
    assert "matched by: 1 in another case" in lines
    assert "unmatched: zz.png" in lines
    assert "ambiguous: 'a.png' could be images/a.png or valid/a.png" in lines
    assert "left out: 'x/t.png' would be t.png, which the file lists as 'T.png'" in lines
    assert "to decide: write the name of the folder in front of it, or choose" in told.stdout
    assert json.loads(decided.stdout)["root"] == "valid"
    assert json.loads(decided.stdout)["to_decide"] == ""


def test_the_name_on_the_page_is_that_of_the_command_line_and_of_the_export(
    made: Callable[..., Services],
) -> None:
    services = made(train=["a.png"], valid=["a.png", "v.png"])
    draw(services.project.path.parent / "valid")
    with services.store.reading() as tx:
        ids = [image.id for image in images.every(tx)]

    page = [item["name"] for item in services.labelling.items("me", ids)]
    told = [
        answer_by_name(services, image=name, category="cat", state=State.PRESENT, annotator="me")
        for name in page
    ]
    found = [services.labelling.find_images("ann", name)["images"] for name in page]

    assert page == ["images/a.png", "valid/a.png", "v.png"]
    assert [row["image"] for row in told] == page
    assert [[image["id"] for image in listed] for listed in found] == [[i] for i in ids]
    assert exported(services) == [f"{name},1," for name in page]


def test_what_cannot_be_used_is_called_the_same_everywhere(
    made: Callable[..., Services],
) -> None:
    services = made(train=["a.png"], valid=["v.png"])
    (services.project.path.parent / "valid" / "a.png").write_bytes(b"")
    services.image_roots.look()

    summary = imported(services, "file,cat\nvalid/a.png,1\nv.png,1\n")

    assert [f["path"] for f in status(services)["refused_files"]] == ["valid/a.png"]
    assert [f["name"] for f in services.image_roots.unusable()] == ["valid/a.png"]
    assert summary.left_out == ("'valid/a.png' cannot be used because it is empty (0 bytes)",)


def test_of_two_names_for_one_picture_the_exact_one_is_taken(
    made: Callable[..., Services],
) -> None:
    services = made(pictures=["train/a.png", "b.png"])

    summary = imported(services, "file,cat\ntrain/a.png,1\nval/train/a.png,0\n/x/b.png,1\n")

    assert summary.left_out == (
        "'val/train/a.png' would be train/a.png, which the file lists itself",
    )
    assert (summary.matched, summary.contradiction_count) == (2, 0)
    assert exported(services) == ["b.png,1,", "train/a.png,1,"]


def test_the_name_of_the_image_folder_makes_a_name_the_better_one(
    made: Callable[..., Services],
) -> None:
    services = made(train=["a.png"])

    summary = imported(services, "file,cat\nval/a.png,0\ntrain/a.png,1\n")

    assert summary.left_out == (
        "'val/a.png' would be a.png, which the file lists as 'train/a.png'",
    )
    assert exported(services) == ["a.png,1,"]


def test_of_two_names_that_fit_equally_well_none_is_taken(
    made: Callable[..., Services],
) -> None:
    services = made(pictures=["a.png", "b.png"])

    summary = imported(services, "file,cat\nx/a.png,1\ny/a.png,1\nb.png,1\n")

    assert summary.left_out == (
        "'x/a.png' would be a.png, and so would 'y/a.png'",
        "'y/a.png' would be a.png, and so would 'x/a.png'",
    )
    assert (summary.matched, summary.left_out_count) == (1, 2)
    with pytest.raises(FormatError, match=r"leads to an image of its own: .* so would 'y/a.png'"):
        imported(services, "file,cat\nx/a.png,1\ny/a.png,0\n")


def test_a_file_that_contradicts_itself_is_told_so_and_the_pair_left_out(
    made: Callable[..., Services],
) -> None:
    services = made(pictures=["a.png", "b.png"])

    summary = imported(services, "file,cat,dog\na.png,1,1\n./a.png,0,1\nb.png,,1\n")

    assert summary.contradictions == (
        "'a.png' says that 'cat' is present, './a.png' that 'cat' is absent",
    )
    assert (summary.contradiction_count, summary.disagreements, summary.repeated) == (1, 0, 1)
    assert (summary.present, summary.applied) == (2, 2)
    assert exported(services) == ["a.png,,1", "b.png,,1"]


def test_two_names_of_a_category_may_contradict_each_other(made: Callable[..., Services]) -> None:
    services = made(pictures=["a.png"])
    services.curation.edit(services.curation.find("cat"), name="feline")

    summary = imported(services, "file,cat,feline,dog\na.png,1,0,1\n")

    assert "'cat' is present, 'a.png' that 'feline' is absent" in summary.contradictions[0]
    assert exported(services) == ["a.png,,1"]


def test_boxes_of_a_name_that_comes_twice_are_kept_once(
    made: Callable[..., Services], tmp_path: Path
) -> None:
    services = made(pictures=["a.png"])
    box: dict[str, Any] = {"category_id": 1, "bbox": [1, 1, 5, 5], "area": 25, "iscrowd": 0}
    file = tmp_path / "twice.json"
    document = {
        "categories": [{"id": 1, "name": "cat"}],
        "images": [{"id": 1, "file_name": "a.png"}, {"id": 2, "file_name": "./a.png"}],
        "annotations": [{"id": i, "image_id": (i + 1) // 2, **box} for i in (1, 2, 3)],
    }
    file.write_text(json.dumps(document))

    summary = services.transfer.preview(file)

    assert summary.annotations == 2  # those of the first: a file may say a box twice


def test_one_picture_at_two_paths_that_the_file_lists_is_no_doubt(
    made: Callable[..., Services], tmp_path: Path
) -> None:
    draw(tmp_path / "pictures", "x/a.png")
    (tmp_path / "pictures" / "y").mkdir()
    (tmp_path / "pictures" / "y" / "a.png").write_bytes(
        (tmp_path / "pictures" / "x" / "a.png").read_bytes()
    )
    services = made(pictures=["b.png"])

    both = imported(services, "file,cat,dog\nx/a.png,1,0\ny/a.png,1,1\n")
    bare = services.transfer.preview(labels(services, "file,cat\na.png,1\n"))

    assert (both.matched, both.left_out_count, both.contradiction_count) == (2, 0, 1)
    assert (bare.matched, bare.ambiguous_count, bare.already_known) == (1, 0, 1)
    assert exported(services) == ["b.png,,", "x/a.png,1,", "y/a.png,1,"]


def test_the_summary_counts_why_names_were_matched_and_survives_json(
    made: Callable[..., Services],
) -> None:
    services = made(pictures=["a.png", "my b.png", "s/c.png"])

    summary = imported(services, "file,cat\nA.PNG,1\nmy%20b.png,1\nc,1\nzz.png,1\n")

    assert summary.matched_by == {
        "in another case": 1, "with % codes": 1, "without ending": 1, "by the end of the path": 1
    }  # fmt: skip
    assert "1 in another case, 1 with % codes, 1 without ending" in summary.text()
    assert "1 image is not in the project, such as 'zz.png'" in summary.text()
    assert ImportSummary.of(json.loads(json.dumps(summary.row()))) == summary


@pytest.mark.parametrize("folders", [1, 2], ids=["one image folder", "two image folders"])
def test_a_file_that_lies_beside_its_pictures_is_about_those(
    tmp_path: Path, opened: list[Services], folders: int
) -> None:
    names = ["a.png", "b.png"]
    top = draw(tmp_path / "set", *(f"{part}/{n}" for part in ("train", "valid") for n in names))
    roots = [top] if folders == 1 else [top / "train", top / "valid"]
    create_project(tmp_path / "project", roots[0], names=["cat"])
    services = Services.open(tmp_path / "project")
    opened.append(services)
    for root in roots[1:]:
        services.image_roots.add(root)
    text = "file,cat\na.png,1\nb.png,0\n"
    own, elsewhere = top / "valid" / "labels.csv", tmp_path / "labels.csv"
    for file in (own, elsewhere):
        file.write_text(text)

    beside = services.transfer.import_file(own, annotator="ann")
    known = [row for row in exported(services) if not row.endswith(",")]
    with pytest.raises(FormatError, match="could be"):
        services.transfer.preview(elsewhere)
    own.write_text(text + "c.png,1\n")
    with pytest.raises(FormatError, match="could be"):
        services.transfer.preview(own)

    assert (beside.folder, beside.matched) == ("valid", 2)
    assert "relative to 'valid', the folder in which the file lies" in beside.text()
    assert known == ["valid/a.png,1", "valid/b.png,0"]


RECORD = st.sampled_from(["a.jpg", "./a.jpg", "A.jpg", "x/a.jpg", "t/a.jpg", "u/t/a.jpg", "a", "b"])


@settings(deadline=None)
@given(st.lists(RECORD, min_size=1, unique=True))
def test_every_name_is_told_about_once_and_no_file_has_two(listed: list[str]) -> None:
    paths = [
        ImagePath(id=number, image_id=number, root="images", path=path)
        for number, path in enumerate(["a.jpg", "t/a.jpg", "v/b.jpg", "w/b.jpg"], start=1)
    ]

    found = match_names([ImageRecord(file_name=name) for name in listed], PictureNames(paths))

    told = [record.file_name for record, _ in found.matched]
    told += [*found.unmatched]
    told += [sentence.split("'")[1] for sentence in (*found.ambiguous, *found.left_out)]
    assert sorted(told) == sorted(listed)
    assert len({path.id for _, path in found.matched}) == len(found.matched) - found.repeated


NAME = st.text("abA \u00e9", min_size=1, max_size=3).map(lambda text: f"{text}.jpg")
PATH = st.one_of(NAME, st.builds(lambda f, n: f"{f}/{n}", st.sampled_from(["r", "s"]), NAME))


@settings(deadline=None, max_examples=25)
@given(
    st.lists(st.tuples(st.sampled_from(["r", "s", "q"]), PATH), min_size=1, unique=True),
    st.sampled_from(["csv", "coco"]),
    st.randoms(use_true_random=False),
)
def test_what_is_exported_comes_back_without_change(
    tmp_path_factory: pytest.TempPathFactory,
    files: list[tuple[str, str]],
    format: str,
    random: Any,
) -> None:
    folder = tmp_path_factory.mktemp("round trip")
    roots = {root: str(folder / root) for root, _ in files}
    project = Project(folder, Settings(name="names", roots=roots))
    store = Store.create(project.database_url)
    with store.writing() as tx:
        categories.add(tx, [NewCategory("cat"), NewCategory("dog")])
        for number, (root, path) in enumerate(files):
            images.add(tx, root, [FoundImage(path, f"{number:064}", 9, 9, "PNG", 1, 1)], [])
        names = PictureNames(images.every_path(tx))
        written = [names.written(path) for path in images.every_path(tx)]
    transfer = Transfer(project, store)
    first = folder / "first.csv"
    rows = [f'"{name}",{random.choice("01")},{random.choice("01")}' for name in written]
    first.write_text("\n".join(["file,cat,dog", *rows]), encoding="utf-8")

    taken = transfer.import_file(first, annotator="me")
    (out,) = transfer.export(folder / "out", formats=[format])
    again = transfer.preview(out)
    store.close()

    assert (taken.matched, taken.applied) == (len(files), 2 * len(files))
    assert (again.matched, again.already_known) == (len(files), 2 * len(files))
    assert (again.present, again.absent, again.matched_by) == (0, 0, {})


def test_an_export_of_two_roots_fits_a_project_over_their_parent(
    made: Callable[..., Services], tmp_path: Path
) -> None:
    services = made(train=["t.png"], valid=["a.png", "v.png"], test=["a.png"])
    imported(services, "file,cat\nvalid/a.png,1\ntest/a.png,0\nv.png,1\nt.png,1\n")
    (file,) = services.transfer.export(tmp_path / "out", formats=["csv"])
    parent = tmp_path / "parent"
    parent.mkdir()
    for name in ("train", "valid", "test"):
        (tmp_path / name).rename(parent / name)

    made_anew = create_project(tmp_path / "anew", parent, labels=file)

    assert made_anew.imported is not None
    assert (made_anew.imported.matched, made_anew.imported.applied) == (4, 4)
