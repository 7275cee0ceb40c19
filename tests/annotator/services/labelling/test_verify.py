"""Pages with many images of one category: which come, which are checks, what is recorded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from annotator.arrays.features import FeatureFiles
from annotator.errors import AnnotatorError
from annotator.services.app import Services
from annotator.store import categories, images
from annotator.store.images import FoundImage
from annotator.store.tables import SOURCE_OF, answer, attention_check, operation
from annotator.wire.recording import BackRequest, SaveRequest
from annotator.wire.verify import PageRequest, SavePageRequest

CAT, DOG, BIRD = 1, 2, 3
PICTURES = 60


def page(services: Services, mode: str = "confirm", *, tab: str = "t", **fields: Any) -> Any:
    data = {"category": CAT, "mode": mode, "count": 12} | fields
    return services.verification.page("ann", PageRequest.read({**data, "tab": tab}))


def ids(found: dict[str, Any]) -> list[int]:
    return [item["id"] for item in found["items"]]


def commit(
    services: Services,
    shown: dict[str, Any],
    *,
    flipped: Sequence[int] = (),
) -> dict[str, Any]:
    other = {"present": "absent", "absent": "present"}
    changes = [
        {
            "image": item["id"],
            "state": other[item["guess"]] if item["id"] in flipped else item["guess"],
            "source": "human" if item["id"] in flipped else "accepted_in_bulk",
        }
        for item in shown["items"]
    ]
    data = {k: shown[k] for k in ("category", "mode", "version")}
    return services.verification.save("ann", SavePageRequest(**data, op="a", changes=changes))


def say(services: Services, image: int, state: str, category: int = CAT, who: str = "ann") -> None:
    change = {"category": category, "state": state, "source": "human"}
    data = {"op": f"{who}{image}{category}", "kind": "answer", "image": image, "changes": [change]}
    services.recording.save(who, SaveRequest(**data))


def embed(services: Services, angles: Sequence[float]) -> FeatureFiles:
    made = FeatureFiles.create(
        services.project.features_path, backbone="test", pooled_dim=2, rows=len(angles)
    )
    search = np.zeros((len(angles), 128), np.float32)
    search[:, 0], search[:, 1] = np.cos(angles), np.sin(angles)
    made.write(
        np.arange(len(angles)), np.ones((len(angles), 2)), np.zeros((len(angles), 0, 0)), search
    )
    return made


def test_the_likely_come_highest_first_and_ties_in_the_order_of_the_project(
    many: Services, publish_cats: Any
) -> None:
    publish_cats(many, [0.5, 2, 0, 2, -1e-6, *[-5.0] * 55], threshold=0.0)

    found = page(many)

    assert ids(found) == [2, 4, 1, 3]
    assert {item["guess"] for item in found["items"]} == {"present"}
    assert found["basis"] == "scores"


def test_looking_ahead_leases_nothing(many: Services, publish_cats: Any) -> None:
    publish_cats(many, np.linspace(3, -1, PICTURES))
    mine = page(many)

    ahead = page(many, hold=False, shown=ids(mine))
    others = page(many, tab="other")

    assert len(ids(ahead)) == 12
    assert ids(others) == ids(ahead)


def test_what_others_have_taken_of_a_page_loaded_ahead_is_told(
    many: Services, publish_cats: Any
) -> None:
    publish_cats(many, np.linspace(3, -1, PICTURES))
    ahead = ids(page(many, hold=False))
    say(many, ahead[2], "absent", who="bob")
    page(many, tab="other", exclude=ahead[1:])

    after = page(many, shown=ahead, unheld=ahead)

    assert after["gone"] == sorted([ahead[0], ahead[2]])
    assert not set(ahead) & set(ids(after))


def test_the_unlikely_come_lowest_first(many: Services, publish_cats: Any) -> None:
    publish_cats(many, [3.0, -1, -9, *[-2.0] * 57])

    found = page(many, "sweep")

    assert ids(found)[:3] == [3, 4, 5]
    assert 1 not in ids(found)
    assert {item["guess"] for item in found["items"]} == {"absent"}


def test_the_uncertain_are_those_nearest_to_the_threshold_and_show_their_score(
    many: Services,
    publish_cats: Any,
) -> None:
    publish_cats(many, [1.5, 0.75, 1.0, *[9.0] * 57], threshold=1.0)

    first = page(many, "uncertain")["items"][:3]

    assert [(item["id"], item["guess"]) for item in first] == [
        (3, "present"),
        (2, "absent"),
        (1, "present"),
    ]
    assert first[0]["score"] == 0.5


def test_images_that_are_settled_missing_or_in_use_are_left_out(
    many: Services, publish_cats: Any
) -> None:
    publish_cats(many, [9.0, 8, 7, 6, 5, 4, 3, *[-1.0] * 53])
    say(many, 1, "absent")
    say(many, 2, "unsure")
    say(many, 3, "unsure", who="bob")
    with many.store.writing() as tx:
        images.mark_missing(tx, "images", ["03.png"])

    found = page(many, exclude=[5], shown=[6])

    assert ids(found) == [3, 7]


def test_a_category_that_is_only_ranked_takes_nothing_untouched(
    many: Services, publish_cats: Any
) -> None:
    number = publish_cats(many, [3.0, 2, 1, *[-1.0] * 57], ranked=True)

    found = page(many)
    data = {"op": "a", "category": CAT, "mode": "confirm", "version": number}
    bulk = {"image": 1, "state": "present", "source": "accepted_in_bulk"}
    with pytest.raises(AnnotatorError, match="marked yourself"):
        many.verification.save("ann", SavePageRequest(**data, changes=[bulk]))
    many.verification.save("ann", SavePageRequest(**data, changes=[bulk | {"source": "human"}]))

    assert ids(found) == [1, 2, 3]
    assert found["bulk"] is False
    assert {item["guess"] for item in found["items"]} == {None}
    assert many.progress.overview()["counts"]["answered"] == 1


def sweep(
    services: Services, shown: dict[str, Any], *, present: Sequence[int] = (), op: str = "a"
) -> dict[str, Any]:
    """Save a page on which some images were marked and the rest was called absent."""
    changes = [
        {"image": image, "state": "present", "source": "human"}
        if image in present
        else {"image": image, "state": "absent", "source": "swept"}
        for image in ids(shown)
    ]
    data = {k: shown[k] for k in ("category", "mode", "version")}
    return services.verification.save("ann", SavePageRequest(**data, op=op, changes=changes))


@pytest.mark.parametrize("mode", ["confirm", "sweep", "uncertain", "like"])
def test_where_nothing_is_guessed_the_rest_is_absent_and_no_check_comes_of_it(
    many: Services, publish_cats: Any, mode: str
) -> None:
    embed(many, np.linspace(0, 3, PICTURES).tolist())
    publish_cats(many, np.linspace(3, -3, PICTURES), ranked=True)
    say(many, 60, "present")
    shown = page(many, mode, count=20)

    saved = sweep(many, shown, present=ids(shown)[:2])

    assert saved["agreement"]["checks"] == 0
    with many.store.reading() as tx:
        rows = tx.execute(
            sa.select(answer.c.image_id, answer.c.state, answer.c.source)
            .join(operation, operation.c.id == answer.c.operation_id)
            .where(operation.c.kind == "page")
        ).all()
        checks = tx.execute(sa.select(sa.func.count()).select_from(attention_check)).scalar()
    sources = {row.image_id: (row.state, SOURCE_OF[row.source].value) for row in rows}
    marked = dict.fromkeys(ids(shown)[:2], (1, "human"))
    assert sources == {**dict.fromkeys(ids(shown), (0, "swept")), **marked}
    assert (len(sources), checks) == (20, 0)
    many.recording.undo("ann", BackRequest(op="u"))
    assert many.progress.overview()["counts"]["answered"] == 1  # the one that was there before


def test_the_rest_may_be_absent_before_there_is_a_version(
    many: Services, publish_cats: Any
) -> None:
    shown = page(many)
    publish_cats(many, np.linspace(3, -3, PICTURES))  # while the page is looked at

    saved = sweep(many, shown, present=[3])

    assert (shown["basis"], shown["bulk"]) == ("files", False)
    assert saved["agreement"]["checks"] == 0
    assert many.progress.overview()["counts"]["answered"] == 12


@pytest.mark.parametrize("mode", ["confirm", "sweep", "uncertain", "like"])
def test_where_there_is_a_guess_the_rest_is_not_absent_at_a_stroke(
    many: Services, publish_cats: Any, mode: str
) -> None:
    embed(many, np.linspace(0, 3, PICTURES).tolist())
    publish_cats(many, np.linspace(3, -3, PICTURES))
    say(many, 60, "present")
    shown = page(many, mode)
    publish_cats(many, np.linspace(3, -3, PICTURES), ranked=True)  # the page went by the one before

    with pytest.raises(AnnotatorError, match=r"has a guess for each of these images.*reload"):
        sweep(many, shown, present=ids(shown)[:2])

    assert shown["bulk"] is True
    assert many.progress.overview()["counts"]["answered"] == 1


def test_images_that_the_version_has_not_scored_have_no_guess(
    many: Services, publish_cats: Any
) -> None:
    embed(many, np.linspace(0, 3, PICTURES).tolist())
    publish_cats(many, np.linspace(3, -3, PICTURES - 12))
    say(many, 55, "present")
    shown = page(many, "like", exclude=list(range(1, 49)))

    sweep(many, shown)

    assert (shown["bulk"], ids(shown)) == (False, sorted(ids(shown), key=lambda i: abs(i - 55)))
    assert many.progress.overview()["counts"]["answered"] == 1 + len(ids(shown)) == 12


def test_a_category_that_is_only_ranked_comes_most_alike_first(
    many: Services, publish_cats: Any
) -> None:
    embed(many, np.linspace(0, 3, PICTURES).tolist())
    scores = np.random.default_rng(3).permutation(np.linspace(-3, 3, PICTURES))
    publish_cats(many, scores, ranked=True)
    say(many, 20, "present")

    confirm, like = page(many, hold=False), page(many, "like", hold=False)

    surest = [int(o) + 1 for o in np.argsort(-scores) if o != 19]
    assert ids(confirm) == surest[:12]
    distances = [abs(image - 20) for image in ids(like)]
    assert distances == sorted(distances)
    assert {item["guess"] for item in confirm["items"] + like["items"]} == {None}


def test_without_a_version_the_images_most_like_the_present_ones_come_first(many: Services) -> None:
    embed(many, np.linspace(0, 3, PICTURES).tolist())
    say(many, 40, "present")

    found = page(many)
    chosen = page(many, "like", like=1)

    assert set(ids(found)[:2]) == {39, 41}
    assert found["basis"] == "likeness"
    assert found["bulk"] is False
    assert ids(chosen)[:3] == [1, 2, 3]


def test_without_any_present_answer_the_most_different_images_come_first(many: Services) -> None:
    before = page(many)
    features = embed(many, np.linspace(0, 3, PICTURES).tolist())
    features.write_order(np.array([50, 7, 20], np.int32))

    found = page(many, shown=ids(before)[1:])

    assert (before["basis"], ids(before)[:2]) == ("files", [1, 2])
    assert (found["basis"], ids(found)[:4]) == ("diversity", [51, 21, 1, 13])


def test_a_category_the_model_was_not_taught_goes_by_likeness(
    many: Services, publish_cats: Any
) -> None:
    embed(many, np.linspace(0, 3, PICTURES).tolist())
    publish_cats(many, [1.0] * PICTURES)
    say(many, 10, "present", DOG)
    say(many, 20, "present", BIRD)

    dog, bird = page(many, category=DOG), page(many, category=BIRD)

    assert (dog["basis"], dog["version"]) == ("likeness", None)
    assert set(ids(dog)[:2]) == {9, 11}
    assert set(ids(bird)[:2]) == {19, 21}


def test_images_like_one_carry_the_guess_where_the_model_is_sure_enough(
    many: Services, publish_cats: Any
) -> None:
    embed(many, np.linspace(0, 3, PICTURES).tolist())
    publish_cats(many, [2.0, -2.0, *[-1.0] * 58])

    found = page(many, "like", like=1)

    assert [item["guess"] for item in found["items"][:3]] == ["present", "absent", "absent"]
    assert found["bulk"] is True


def test_two_tabs_never_get_the_same_images(many: Services, publish_cats: Any, clock: Any) -> None:
    publish_cats(many, [*[2.0] * 18, *[-2.0] * 42])

    one, two, three = page(many, tab="1"), page(many, tab="2"), page(many, tab="3")
    page(many, "sweep", tab="1")
    after = page(many, tab="3")
    clock.forward(3600)
    later = page(many, tab="4")

    assert (len(ids(one)), len(ids(two)), ids(three)) == (12, 6, [])
    assert not set(ids(one)) & set(ids(two))
    assert three["elsewhere"] == 18
    assert ids(after) == ids(one)
    assert ids(later) == ids(one)


def test_undo_opens_a_whole_page_again(many: Services, publish_cats: Any) -> None:
    publish_cats(many, [*[2.0] * 12, *[-2.0] * 48])
    shown = page(many)
    commit(many, shown)
    after = page(many)

    many.recording.undo("ann", BackRequest(op="u"))

    assert ids(after) == []
    assert ids(page(many)) == ids(shown)


def test_the_counts_say_what_waits_in_each_category(many: Services, publish_cats: Any) -> None:
    publish_cats(many, [5.0, 0.1, -0.1, *[-5.0] * 57])
    say(many, 1, "present")

    counts = many.verification.start("ann")["counts"]

    assert counts["1"] == {
        "open": 59, "present": 1, "answered": 1, "rare": False, "suggested": 1, "uncertain": 2,
        "taught": True, "calibrated": True,
    }  # fmt: skip
    assert (counts["2"]["taught"], counts["3"]["open"]) == (False, 60)


@pytest.mark.parametrize(
    "fields",
    [{"category": 99}, {"category": "1"}, {"mode": "all"}, {"count": "x"}, {"shown": ["1"]}],
    ids=["category", "text", "mode", "count", "shown"],
)
def test_what_the_page_would_never_ask_is_refused(many: Services, fields: dict[str, Any]) -> None:
    with pytest.raises(AnnotatorError, match="reload"):
        page(many, **fields)


def test_an_archived_category_is_not_asked_about(many: Services) -> None:
    with many.store.writing() as tx:
        categories.archive(tx, CAT, True)

    with pytest.raises(AnnotatorError, match="'cat' is archived; restore it"):
        page(many)


def test_ten_thousand_images_are_searched_in_place(many: Services, publish_cats: Any) -> None:
    count = 10_000
    found = [
        FoundImage(path=f"x/{n}.png", size=1, modified_ns=1, content_hash=f"{n:064x}", width=8,
                   height=6, format="PNG")
        for n in range(count - PICTURES)
    ]  # fmt: skip
    with many.store.writing() as tx:
        images.add(tx, "images", found, [])
    scores = np.random.default_rng(1).normal(size=count).astype(np.float32)
    publish_cats(many, scores)

    for mode, keys in (("confirm", -scores), ("sweep", scores), ("uncertain", np.abs(scores))):
        given = ids(page(many, mode, count=12))
        assert given == [int(o) + 1 for o in np.argsort(keys, kind="stable")[:12]]

    _, arrays = many.suggestions.current()
    assert arrays is not None
    assert isinstance(arrays.scores_by_category, np.memmap)
