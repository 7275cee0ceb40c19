"""Bookmarks: kept for the person who set them, listed newest first."""

from __future__ import annotations

import pytest

from annotator.errors import NotFound
from annotator.services.app import Services
from annotator.store import images
from annotator.wire.label import BookmarkRequest


def listed(services: Services, person: str) -> list[int]:
    found = services.labelling.find_images(person, "")["images"]
    assert all(row["bookmarked"] for row in found)
    return [row["id"] for row in found]


def test_a_bookmark_is_its_persons_own(services: Services) -> None:
    said = services.bookmarks.set("ann", BookmarkRequest(image=2, on=True))

    mine, others = (services.labelling.items(who, [1, 2]) for who in ("ann", "bob"))
    assert said == {"image": 2, "bookmarked": True}
    assert [row["bookmarked"] for row in mine] == [False, True]
    assert [row["bookmarked"] for row in others] == [False, False]
    assert listed(services, "bob") == []
    assert listed(services, "nobody has come yet") == []


def test_bookmarks_are_listed_the_last_one_first(services: Services, clock: object) -> None:
    for image in (2, 5, 1):
        services.bookmarks.set("ann", BookmarkRequest(image=image, on=True))
        clock.forward(1)  # type: ignore[attr-defined]

    again = services.bookmarks.set("ann", BookmarkRequest(image=2, on=True))
    services.bookmarks.set("ann", BookmarkRequest(image=5, on=False))

    assert again["bookmarked"]
    assert listed(services, "ann") == [1, 2]


def test_what_is_found_by_its_name_says_whether_it_is_bookmarked(services: Services) -> None:
    services.bookmarks.set("ann", BookmarkRequest(image=3, on=True))

    found = services.labelling.find_images("ann", "png")["images"]

    assert {row["id"] for row in found if row["bookmarked"]} == {3}
    assert len(found) == 6


def test_an_image_that_is_missing_is_not_listed_until_its_file_is_back(services: Services) -> None:
    services.bookmarks.set("ann", BookmarkRequest(image=3, on=True))
    with services.store.writing() as tx:
        (path,) = images.paths_of(tx, [3])[3]
        images.mark_missing(tx, path.root, [path.path])

    assert listed(services, "ann") == []
    assert services.labelling.items("ann", [3])[0]["bookmarked"]


def test_an_image_that_never_was_cannot_be_bookmarked(services: Services) -> None:
    with pytest.raises(NotFound):
        services.bookmarks.set("ann", BookmarkRequest(image=99, on=True))
