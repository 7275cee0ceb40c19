from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotator.domain import ImagePath
from annotator.errors import NotFound
from annotator.services.catalogue.name_spellings import spelled
from annotator.services.catalogue.picture_names import BY_ENDING as END
from annotator.services.catalogue.picture_names import PictureNames
from annotator.services.catalogue.pictures import names_of, search, written_names
from annotator.store import Store, Transaction, images
from annotator.store.images import BrokenFile, FoundImage

GONE = -1


def listed(*files: tuple[str, str] | tuple[str, str, int | None]) -> list[ImagePath]:
    """Return paths with an image each, or with the given one."""
    return [
        ImagePath(id=number, image_id=file[2] if len(file) > 2 else number, root=file[0],
                  path=file[1])
        for number, file in enumerate(files, start=1)
    ]  # fmt: skip


def names(*paths: str, root: str = "images", folder: str = "/data/img") -> PictureNames:
    return PictureNames(listed(*((root, path) for path in paths)), {root: Path(folder)})


def meant(known: PictureNames, name: str) -> str | None:
    path = known.match(name).path
    return None if path is None else known.written(path)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """An empty database; use it with `undone`."""
    made = Store.create(f"sqlite:///{tmp_path_factory.mktemp('names') / 'labels.db'}")
    yield made
    made.close()


class _Undone(Exception):
    pass


@contextmanager
def undone(store: Store) -> Iterator[Transaction]:
    """Return a transaction that is rolled back."""
    with suppress(_Undone), store.writing() as tx:
        yield tx
        raise _Undone


def add(tx: Transaction, *files: tuple[str, str]) -> None:
    for number, (root, path) in enumerate(files):
        images.add(tx, root, [FoundImage(path, f"{number:064}", 9, 9, "PNG", 1, 1)], [])


PARTS = st.sampled_from(["a", "A", "b", "valid", "my%20a", "my a", "caf\u00e9", "cafe\u0301", " x"])
PATHS = st.builds(
    lambda folders, ending: "/".join(folders) + ending,
    st.lists(PARTS, min_size=1, max_size=3),
    st.sampled_from([".jpg", ".JPG", ".png", ""]),
)
ROOTS = st.sampled_from(["images", "valid", "a", "a/b", "A"])
FILES = st.lists(st.tuples(ROOTS, PATHS), min_size=1, max_size=12, unique=True)


@settings(deadline=None)
@given(FILES)
def test_every_file_has_a_name_of_its_own_that_leads_back_to_it(
    files: Sequence[tuple[str, str]],
) -> None:
    paths = listed(*files)
    known = PictureNames(paths)

    written = [known.written(path) for path in paths]

    assert len(set(written)) == len(paths)
    for path, name in zip(paths, written, strict=True):
        match = known.match(name)
        assert (match.path, match.reasons) == (path, [])


@settings(deadline=None)
@given(FILES, st.data())
def test_a_name_never_means_another_picture_because_files_were_added(
    files: Sequence[tuple[str, str]], data: st.DataObject
) -> None:
    paths = listed(*files)
    fewer = paths[: data.draw(st.integers(1, len(paths)))]
    before, after = PictureNames(fewer), PictureNames(paths)

    for path in fewer:
        match = after.match(before.written(path))
        assert match.path == path or path in match.candidates


@settings(deadline=None, max_examples=30)
@given(FILES)
def test_the_names_of_a_few_files_are_those_that_they_have_among_all(
    store: Store, files: Sequence[tuple[str, str]]
) -> None:
    known = PictureNames(listed(*files))

    with undone(store) as tx:
        add(tx, *files)
        one = images.every_path(tx)[-1]
        found = written_names(tx, [one]), names_of(tx, [one.image_id or 0])

    assert found == ({one.id: known.written(one)}, {one.image_id: known.written(one)})


def test_a_root_that_is_called_like_a_folder_of_another_is_told_from_it() -> None:
    paths = listed(("images", "a.jpg"), ("images", "valid/a.jpg"), ("valid", "a.jpg"))
    known = PictureNames(paths)

    assert [known.written(p) for p in paths] == [
        "images/a.jpg", "images/valid/a.jpg", "valid/./a.jpg"
    ]  # fmt: skip
    with pytest.raises(NotFound) as raised:
        known.get("valid/a.jpg")
    assert "'valid/a.jpg' could be valid/./a.jpg or images/valid/a.jpg" in str(raised.value)


def test_the_root_is_left_out_where_there_is_one_only() -> None:
    paths = listed(("images", "a.jpg"), ("images", "images/a.jpg"))
    known = PictureNames(paths)

    assert [known.written(p) for p in paths] == ["a.jpg", "images/a.jpg"]


UNLIKE = st.lists(
    st.text("abcdeé ü%", min_size=1, max_size=6).map(str.strip).filter(bool),
    min_size=1,
    max_size=6,
    unique_by=lambda stem: [*spelled(stem)][-1],
)
"""Names that no spelling makes the same."""
SPELL = {
    "in another case": str.upper,
    "with % codes": quote,
    "decomposed": lambda name: unicodedata.normalize("NFD", name),
    "composed": lambda name: unicodedata.normalize("NFC", name),
    "blanks": lambda name: f"  {name}\t",
    "dots": lambda name: f"./{name}".replace("/", "/.//"),
    "backslashes": lambda name: name.replace("/", "\\"),
    "above": lambda name: f"/somewhere/else/{name}",
    "the folder": lambda name: f"img/{name}",
    "bare": lambda name: name.rpartition("/")[2],
    "without ending": lambda name: name.rpartition(".")[0],
}


@settings(deadline=None)
@given(UNLIKE, st.sampled_from(sorted(SPELL)), st.sampled_from(["", "s/", "ö/Two/"]))
def test_another_spelling_finds_the_only_picture_that_fits(
    stems: Sequence[str], how: str, folder: str
) -> None:
    paths = [f"{folder}{stem}.jpg" for stem in stems]
    known = names(*paths)

    found = [meant(known, SPELL[how](path)) for path in paths]

    assert found == paths


@pytest.mark.parametrize(
    ("paths", "name", "reasons"),
    [
        (["a.jpg"], "a.JPG", ["in another case"]),
        (["S/a.jpg"], "s/A.jpg", ["in another case"]),
        (["my a.jpg"], "my%20a.jpg", ["with % codes"]),
        (["my%20a.jpg"], "my a.jpg", ["with % codes"]),
        (["100%.jpg"], "100%25.jpg", ["with % codes"]),
        (["up/a.jpg"], "up%2Fa.jpg", ["with % codes"]),
        (["a.jpg"], "a", ["without ending"]),
        (["a.b.jpg"], "A.b", ["without ending"]),
        (["s/a.jpg"], "s//a.jpg", ["with other separators, blanks or accents"]),
        (["s/a.jpg"], "x/../s/./a.jpg", ["with other separators, blanks or accents"]),
        (["s/a.jpg"], "s\\a.jpg", ["with other separators, blanks or accents"]),
        (["caf\u00e9.jpg"], "cafe\u0301.jpg", ["with other separators, blanks or accents"]),
        (["s/a.jpg"], "a.jpg", [END]),
        (["a.jpg"], "/data/s/a.jpg", ["with other separators, blanks or accents", END]),
        (["a.jpg"], "data/s/a.jpg", [END]),
        (["a.jpg"], "C:\\data\\A.JPG", ["in another case", END]),
    ],
)
def test_the_reason_of_an_inexact_match_is_known(
    paths: list[str], name: str, reasons: list[str]
) -> None:
    match = names(*paths).match(name)

    assert match.path is not None
    assert match.reasons == reasons


@pytest.mark.parametrize(
    ("paths", "name", "fits"),
    [
        pytest.param(["a.jpg", "A.jpg"], "A.jpg", "A.jpg", id="as written before other case"),
        pytest.param(["caf\u00e9", "cafe\u0301"], "cafe\u0301", "cafe\u0301", id="both accents"),
        pytest.param(["my%20a.jpg", "my a.jpg"], "my a.jpg", "my a.jpg", id="both blanks"),
        pytest.param(["s/a.jpg", "a.jpg"], "a.jpg", "a.jpg", id="from the root before an end"),
        pytest.param(["Train/a.jpg", "a.jpg"], "train/a.jpg", "Train/a.jpg", id="more folders"),
        pytest.param(["a.jpg", "t/a.jpg"], "/x/t/a.jpg", "t/a.jpg", id="more folders of an end"),
        pytest.param(["a.jpg", "b/img/a.jpg"], "/data/img/a.jpg", "a.jpg", id="place on disk"),
        pytest.param(["a.jpg", "a.png"], "a.png", "a.png", id="its ending"),
    ],
)
def test_the_picture_that_fits_best_is_meant(paths: list[str], name: str, fits: str) -> None:
    assert meant(names(*paths), name) == fits


@pytest.mark.parametrize(
    ("paths", "name"),
    [
        (["x/a.jpg", "y/a.jpg"], "a.jpg"),
        (["a.jpg", "A.jpg"], "A.JPG"),
        (["a.jpg", "a.png"], "a"),
        (["caf\u00e9.jpg", "cafe\u0301.jpg"], "CAF\u00c9.jpg"),
        (["s/A.JPG", "a.jpg"], "A.JPG"),
    ],
)
def test_where_several_pictures_fit_none_is_taken(paths: list[str], name: str) -> None:
    known = names(*paths)

    match = known.match(name)

    assert match.path is None
    assert {p.path for p in match.candidates} == set(paths)
    with pytest.raises(NotFound, match=r"could be .* or .*; write the name of the folder"):
        known.get(name)


@pytest.mark.parametrize("name", ["b.jpg", "val/a.jpg", "a.png", "a.jpg.png", "", "/", ".", "rain"])
def test_what_no_picture_is_called_means_none(name: str) -> None:
    match = names("train/a.jpg").match(name)

    assert (match.path, match.candidates) == (None, ())


def test_bytes_that_are_no_text_keep_names_apart() -> None:
    assert meant(names("%fe.jpg"), "%ff.jpg") is None


def test_two_paths_of_one_picture_are_not_ambiguous() -> None:
    known = PictureNames(listed(("images", "x/a.jpg", 5), ("valid", "y/a.jpg", 5)))

    assert known.get("a.jpg").image_id == 5


def test_many_copies_of_one_picture_do_not_hide_another() -> None:
    copies = [("images", f"{number:02}/a.jpg", 1) for number in range(50)]
    known = PictureNames(listed(*copies, ("images", "z/a.jpg", 2)))

    assert len(known.match("a.jpg").candidates) == 2


def test_a_bare_name_is_asked_where_two_roots_have_it_and_the_folder_decides() -> None:
    paths = listed(("images", "a.jpg"), ("valid", "a.jpg"), ("valid", "v.jpg"))
    known = PictureNames(paths, {"images": Path("/d/train"), "valid": Path("/d/valid")})

    assert meant(known, "v.jpg") == "v.jpg"
    assert meant(known, "a.jpg") is None
    assert meant(known, "valid/a.jpg") == "valid/a.jpg"
    assert meant(known, "VALID\\a.jpg") == "valid/a.jpg"
    assert meant(known, "train/a.jpg") == "images/a.jpg"
    assert meant(known, "test/a.jpg") is None
    assert meant(known.below("valid"), "a.jpg") == "valid/a.jpg"


def test_a_file_that_cannot_be_used_keeps_its_name() -> None:
    bad = ImagePath(id=9, image_id=None, root="images", path="t/a.jpg", problem="is empty")
    known = PictureNames([*listed(("images", "s/t/a.jpg")), bad])

    assert meant(known, "t/a.jpg") is None
    with pytest.raises(NotFound, match=r"'t/a.jpg' cannot be used because it is empty; repair it"):
        known.get("t/a.jpg")


def test_a_broken_file_that_has_gone_is_in_nobodys_way() -> None:
    bad = ImagePath(id=9, image_id=None, root="images", path="t/a.jpg", size=GONE)

    assert meant(PictureNames([*listed(("images", "s/t/a.jpg")), bad]), "t/a.jpg") == "s/t/a.jpg"


def test_the_first_candidates_are_listed_and_signs_that_cannot_be_seen_spelled_out() -> None:
    known = names("x\n/a.jpg", *(f"{number}/a.jpg" for number in range(6)))

    with pytest.raises(NotFound) as raised:
        known.get("a.jpg")

    text = str(raised.value)
    assert "could be 'x\\n/a.jpg', 0/a.jpg, 1/a.jpg, 2/a.jpg or others" in text


def test_a_search_finds_a_picture_by_any_spelling_of_its_name(store: Store) -> None:
    with undone(store) as tx:
        add(
            tx, ("images", "a.jpg"), ("images", "my b.jpg"), ("valid", "a.jpg"), ("valid", "ba.jpg")
        )
        images.add(tx, "valid", [], [BrokenFile("a.png", "is empty", 0, 1)])

        def found(text: str) -> list[str]:
            paths = search(tx, text, 20)
            called = written_names(tx, paths)
            return [called[path.id] for path in paths]

        assert found("valid/a.jpg") == ["valid/a.jpg"]
        assert found("my%20b") == ["my b.jpg"]
        assert found("/data/x/my b.jpg") == ["my b.jpg"]
        assert found("A.jpg") == ["images/a.jpg", "valid/a.jpg", "ba.jpg"]
        assert found("valid/") == ["valid/a.jpg", "ba.jpg"]
        assert found("nothing like it") == []


def test_a_picture_is_called_by_its_first_file_that_is_there(store: Store) -> None:
    with undone(store) as tx:
        for path in ("z.jpg", "a.jpg", "m.jpg"):
            add(tx, ("images", path))
        (image,) = images.every(tx)
        told = [names_of(tx, [image.id])[image.id]]
        images.mark_missing(tx, "images", ["z.jpg"])
        told += names_of(tx, [image.id]).values()
        images.mark_missing(tx, "images", ["a.jpg", "m.jpg"])
        told += names_of(tx, [image.id, 7000]).values()

    assert told == ["z.jpg", "a.jpg", "z.jpg", "image 7000"]
