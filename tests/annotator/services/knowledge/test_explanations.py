"""Reasons from known labels: what counts as one, what is too little, and the words for it."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from annotator.domain import Category
from annotator.services.knowledge.explanations import Question, explanation, share_text
from annotator.services.knowledge.known_labels import ABSENT, PRESENT, KnownLabels
from annotator.store.changes import Moment

CHAIR, TABLE, CUP, SUN = (
    Category(id=10 + n, ordinal=n, name=name)
    for n, name in enumerate(["chair", "table", "cup", "sun"])
)
ALL = [CHAIR, TABLE, CUP, SUN]
NONE = np.zeros(0, np.int64)


def known(*groups: tuple[int, tuple[int, int, int, int]]) -> KnownLabels:
    """Return groups of images with the same labels of chair, table, cup, sun, after an open one."""
    rows = [(0, 0, 0, 0), *(row for count, row in groups for _ in range(count))]
    labels = np.array(rows, np.int8)
    ids = np.arange(1, len(rows) + 1)
    made_at = datetime(2026, 1, 1, tzinfo=UTC)
    return KnownLabels.counted(labels, ids, moment=Moment(1, 0), made_at=made_at)


def plain(text: str | None) -> str:
    """Return a sentence without the marks around names."""
    return (text or "").replace("\u2068", "").replace("\u2069", "").replace("\u00a0", " ")


KITCHENS = known(
    (31, (1, 1, 0, 0)), (19, (-1, 1, 0, 0)), (5, (1, -1, 0, 0)), (195, (-1, -1, 0, 0)),
    (40, (0, 1, 0, 0)),
)  # fmt: skip


def test_a_label_that_goes_with_the_category_speaks_for_it() -> None:
    found = explanation(Question(KITCHENS, 0, CHAIR, NONE), {1: PRESENT}, ALL)

    (reason,) = found["reasons"]
    assert plain(reason["text"]) == (
        "table is present. With it, 62 % of images have chair; of all images, 14 %."
    )
    assert reason["for"] is True
    assert reason["share"] > 0.6 > 0.2 > reason["base"]
    assert reason["near"] is None
    assert found["text"] == ""
    assert found["near"] is None


def test_what_is_absent_speaks_against_it_where_that_is_rare_indeed() -> None:
    found = explanation(Question(KITCHENS, 0, CHAIR, NONE), {1: ABSENT}, ALL)

    (reason,) = found["reasons"]
    assert plain(reason["text"]) == (
        "table is absent. Without it, 2 % of images have chair; of all images, 14 %."
    )
    assert reason["for"] is False


def test_few_pictures_are_counted_out_loud() -> None:
    table = known((6, (1, 1, 0, 0)), (1, (-1, 1, 0, 0)), (40, (-1, 0, 0, 0)))

    found = explanation(Question(table, 0, CHAIR, NONE), {1: PRESENT}, ALL)

    assert plain(found["reasons"][0]["text"]).startswith(
        "table is present. With it, 6 of 7 images have chair; of all images, 13 %."
    )
    assert share_text((3, 4), "pictures") == "3 of 4 pictures"
    assert share_text((3, 4)) == "3 of 4"


@pytest.mark.parametrize(
    ("labels", "own", "says"),
    [
        (known((4, (1, 1, 0, 0))), {1: PRESENT}, "Too few images are known to have chair or not"),
        (known((40, (1, 0, 0, 0))), {}, "No other category of this image is known yet."),
        (known((40, (1, 0, 0, 0)), (4, (1, 1, 0, 0))), {1: PRESENT}, "to have both chair and"),
        (known((9, (1, 1, 0, 0)), (9, (-1, 1, 0, 0))), {1: PRESENT}, "say little about chair."),
    ],
)
def test_without_a_reason_it_says_why(labels: KnownLabels, own: dict[int, int], says: str) -> None:
    found = explanation(Question(labels, 0, CHAIR, NONE), own, ALL)

    assert found["reasons"] == []
    assert says in plain(found["text"])


def test_what_chance_explains_is_no_reason() -> None:
    table = known((11, (-1, 0, 0, -1)), (24, (1, 0, 0, 0)), (165, (-1, 0, 0, 0)))

    found = explanation(Question(table, 0, CHAIR, NONE), {3: ABSENT}, ALL)  # 0 of 11, where 12 % do

    assert found["reasons"] == []


def test_a_single_picture_is_no_reason() -> None:
    table = known((1, (1, 1, 0, 0)), (4, (-1, 1, 0, 0)), (5, (1, 0, 0, 0)), (140, (-1, 0, 0, 0)))

    found = explanation(Question(table, 0, CHAIR, NONE), {1: PRESENT}, ALL)  # 1 of 5, where 4 % do

    assert found["reasons"] == []


def test_the_strongest_of_many_reasons_comes_first_and_four_are_enough() -> None:
    rng = np.random.default_rng(0)
    labels = np.where(rng.random((400, 7)) < 0.3, 1, -1).astype(np.int8)
    for column, copied in enumerate((0.9, 0.5, 0.7, 0.4, 0.6, 0.8), start=1):
        same = rng.random(400) < copied
        labels[same, column] = labels[same, 0]
    labels[0] = 0
    made_at = datetime(2026, 1, 1, tzinfo=UTC)
    table = KnownLabels.counted(labels, np.arange(1, 401), moment=Moment(1, 0), made_at=made_at)
    listed = [Category(id=n, ordinal=n, name=f"c{n}") for n in range(7)]
    question = Question(table, 0, listed[0], NONE)

    found = explanation(question, dict.fromkeys(range(1, 7), PRESENT), listed)

    names = [plain(reason["text"]).split()[0] for reason in found["reasons"]]
    assert names == ["c1", "c6", "c3", "c5"]


def test_an_image_is_no_evidence_for_itself() -> None:
    table = known((5, (1, 1, 0, 0)), (20, (-1, -1, 0, 0)))

    inside = explanation(Question(table, 1, CHAIR, NONE), {1: PRESENT}, ALL)
    outside = explanation(Question(table, 0, CHAIR, NONE), {1: PRESENT}, ALL)

    assert plain(inside["text"]).startswith("Too few images are known to have both chair")
    assert "5 of 5" in outside["reasons"][0]["text"]


def test_similar_pictures_are_counted_beside_all_of_them() -> None:
    near = np.array([*range(1, 11), *range(32, 42)])  # ten with both, ten with a table only

    found = explanation(Question(KITCHENS, 0, CHAIR, near), {1: PRESENT}, ALL)

    assert plain(found["near"]) == (
        "Of the 20 most similar images, 50 % have chair; of all images, 14 %."
    )
    assert plain(found["reasons"][0]["near"]) == "Of similar images with it, 50 %."


def test_a_category_newer_than_the_table_has_no_reasons() -> None:
    new = Category(id=99, ordinal=4, name="new")

    asked = explanation(Question(KITCHENS, 0, new, NONE), {1: PRESENT}, [*ALL, new])
    given = explanation(Question(KITCHENS, 0, CHAIR, NONE), {4: PRESENT}, [*ALL, new])

    assert plain(asked["text"]) == "Too few images are known to have new or not: 0 so far."
    assert given["reasons"] == []
