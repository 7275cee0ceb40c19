"""Records refuse what no file could say."""

from __future__ import annotations

import pytest

from annotator.domain import State
from annotator.errors import FormatError
from annotator.formats import (
    MODEL,
    AnnotationRecord,
    CategoryRecord,
    ImageRecord,
    LabelFile,
    PairRecord,
)
from annotator.formats.records import implied

CAT, DOG = CategoryRecord(name="cat"), CategoryRecord(name="dog")
PRESENT, ABSENT = PairRecord("cat", State.PRESENT), PairRecord("cat", State.ABSENT)
GUESS = PairRecord("cat", State.PRESENT, source=MODEL)


@pytest.mark.parametrize(
    ("categories", "images", "message"),
    [
        ([CAT, CategoryRecord(name="Cat")], [], "categories 'cat' and 'Cat' clash; rename one"),
        ([CAT, CAT], [], "categories 'cat' and 'cat' clash"),
        (
            [CategoryRecord(name="caf\u00e9"), CategoryRecord(name="cafe\u0301")],
            [],
            "clash; rename one",
        ),
        ([], [ImageRecord(file_name="a"), ImageRecord(file_name="a")], "'a' is listed twice"),
        ([DOG], [ImageRecord(file_name="a", pairs=(PRESENT,))], "'cat': the category is not liste"),
        (
            [DOG],
            [ImageRecord(file_name="a", annotations=(AnnotationRecord(category="cat"),))],
            "'cat': the category is not listed",
        ),
        ([DOG], [ImageRecord(file_name="a", not_exhaustive=("cat",))], "'cat': the category is no"),
        ([CAT], [ImageRecord(file_name="a", pairs=(PRESENT, ABSENT))], "the pair is named twice"),
        (
            [CAT],
            [ImageRecord(file_name="a", pairs=(PRESENT,), suggestions=(GUESS,))],
            "the pair is named twice",
        ),
        (
            [CAT],
            [ImageRecord(file_name="a", pairs=(PairRecord("cat", State.UNSURE),))],
            "the state is unsure; leave unknown pairs out",
        ),
        ([CAT], [ImageRecord(file_name="a", pairs=(GUESS,))], "makes it a suggestion; list it"),
        ([CAT], [ImageRecord(file_name="a", suggestions=(PRESENT,))], "has source 'model', not No"),
        ([CAT], [ImageRecord(file_name="a", suggestions=(GUESS,))], "content 'completed'"),
    ],
)
def test_what_contradicts_itself_is_refused(
    categories: list[CategoryRecord], images: list[ImageRecord], message: str
) -> None:
    with pytest.raises(FormatError, match=message):
        LabelFile(categories=tuple(categories), images=tuple(images))


def test_all_suggestions_of_a_file_are_listed_with_their_image() -> None:
    labels = LabelFile(
        categories=(CAT,),
        images=(ImageRecord(file_name="a", suggestions=(GUESS,)), ImageRecord(file_name="b")),
        content="completed",
    )

    assert list(labels.suggestions) == [("a", GUESS)]


def test_only_unknown_or_absent_can_be_meant_by_silence() -> None:
    with pytest.raises(ValueError, match="unlisted must be None"):
        implied([CAT], State.PRESENT)

    assert implied([CAT], None) == {}
    assert implied([CAT], State.ABSENT) == {"cat": ABSENT}
