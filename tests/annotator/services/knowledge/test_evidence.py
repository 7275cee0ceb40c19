"""The answer to why: a map, reasons and similar pictures, or a sentence that says why not."""

from __future__ import annotations

import numpy as np
import pytest

from annotator.arrays import versions as files
from annotator.arrays.evidence import Where, write_where
from annotator.arrays.features import FeatureFiles
from annotator.arrays.versions import Queue, VersionParameters
from annotator.domain import JobKind
from annotator.errors import NotFound
from annotator.services.app import Services
from annotator.store import categories, images, jobs, versions
from annotator.wire.recording import SaveRequest

CAT, DOG, BIRD = 1, 2, 3


def say(services: Services, image: int, **states: str) -> None:
    ids = {"cat": CAT, "dog": DOG, "bird": BIRD}
    changes = [{"category": ids[name], "state": state} for name, state in states.items()]
    op = f"{image}-{'-'.join(states)}"
    data = {"op": op, "kind": "answer", "image": image, "changes": changes}
    services.recording.save("ann", SaveRequest(**data))


def embed(services: Services, rows: int = 6, positions: int = 4) -> FeatureFiles:
    """Write features in which pictures with near numbers are alike; tokens peak at the corner."""
    made = FeatureFiles.create(
        services.project.features_path,
        backbone=services.project.settings.backbone,
        pooled_dim=2,
        positions=positions,
        token_dim=2,
        rows=rows,
    )
    angles = np.arange(rows) * 0.2
    search = np.zeros((rows, 128), np.float32)
    search[:, 0], search[:, 1] = np.cos(angles), np.sin(angles)
    tokens = np.full((rows, positions, 2), (-1.0, 1.0))
    tokens[:, 3:] = (3, 1)
    made.write(np.arange(rows), np.ones((rows, 2)), tokens, search)
    return made


def publish(services: Services, where: Where | None, *, ordinals: tuple[int, ...] = (0, 1)) -> int:
    """Publish a version that knows some categories, with or without directions."""
    now, store, count = services.recording._clock(), services.store, len(ordinals)
    backbone = services.project.settings.backbone
    with store.writing() as tx:
        jobs.enqueue(tx, JobKind.TRAIN, {}, now)
        job = jobs.claim(tx, "me", [JobKind.TRAIN], now)
        assert job is not None
        number = versions.reserve(
            tx, job, method="kernel_ridge", backbone=backbone, trained_answers=1,
            trained_present=1, last_operation=1, now=now,
        )  # fmt: skip

    def save(path: object) -> None:
        path.write_bytes(b"")  # type: ignore[attr-defined]
        if where is not None:
            write_where(path.parent, where)  # type: ignore[attr-defined]

    parameters = VersionParameters(
        method="kernel_ridge", backbone=backbone, category_ordinals=ordinals, slope=1.0,
        intercepts=(0.0,) * count, thresholds=(0.0,) * count, ranked_only=(),
    )  # fmt: skip
    queue = Queue(np.arange(6, dtype=np.int32), np.zeros((count, 2), np.int32))
    scores = np.zeros((6, count), np.float32)
    path = files.folder(services.project, number)
    files.write(path, parameters, scores, queue, {}, save_weights=save)
    with store.writing() as tx:
        versions.publish(
            tx, job, number, metrics={}, training_seconds=1.0, promote=True, note="", now=now
        )
    return number


GOOD = Where(np.array([[1.0, 0.0], [0.0, -1.0]], np.float32), np.array([0.9, 0.9], np.float32))


def plain(text: str) -> str:
    return text.replace("\u2068", "").replace("\u2069", "")


def test_the_map_is_small_and_says_which_parts_speak_for_it(services: Services) -> None:
    embed(services)
    number = publish(services, GOOD)

    found = services.evidence.of(1, CAT)

    assert found["version"] == number
    assert (found["image"], found["category"], found["pending"]) == (1, CAT, False)
    where = found["where"]
    assert plain(where["text"]) == "The coloured parts of the image support cat."
    assert (where["rows"], where["columns"]) == (2, 2)
    assert where["values"][3] == 1
    assert max(where["values"][:3]) < 0.5


def test_a_picture_in_which_nothing_speaks_for_it_has_no_map(services: Services) -> None:
    embed(services)
    publish(services, GOOD)

    where = services.evidence.of(1, DOG)["where"]

    assert plain(where["text"]) == "No part of this image supports dog."
    assert "values" not in where


@pytest.mark.parametrize(
    ("explained", "says", "drawn"),
    [
        (0.05, "The model cannot say where it sees cat.", False),
        (np.nan, "The model cannot say where it sees cat.", False),
        (0.3, "Take it as a rough hint.", True),
    ],
)
def test_a_stand_in_that_explains_little_is_owned_up_to(
    services: Services, explained: float, says: str, drawn: bool
) -> None:
    embed(services)
    publish(services, Where(GOOD.directions, np.array([explained, 0.9], np.float32)))

    where = services.evidence.of(1, CAT)["where"]

    assert says in plain(where["text"])
    assert ("values" in where) is drawn


def test_what_is_not_there_yet_is_said_in_a_sentence(services: Services) -> None:
    said = [services.evidence.of(1, CAT)]
    embed(services, rows=3)
    said.append(services.evidence.of(1, CAT))
    publish(services, None)
    said += [services.evidence.of(image, c) for image, c in ((1, CAT), (1, BIRD), (5, CAT))]

    assert [plain(e["where"]["text"]) for e in said] == [
        "No version has been trained yet; the first one will show this.",
        "No version has been trained yet; the first one will show this.",
        "This version has no attention maps; one that learns from 20 images or more has them.",
        "This version does not know bird yet; the next one will.",
        "This image has no features yet.",
    ]
    assert plain(said[1]["similar"]) == "No other image is labelled with cat yet."
    assert said[0]["similar"] == said[4]["similar"] == "This image has no features yet."


def test_features_without_a_map_or_of_another_network_show_none(services: Services) -> None:
    features = embed(services, positions=0)
    publish(services, None)

    without = services.evidence.of(1, CAT)["where"]["text"]
    meta = features.path / "meta.json"
    meta.write_text(meta.read_text().replace(services.project.settings.backbone, "another"))
    other = services.evidence.of(1, CAT)["where"]["text"]

    assert without == "This backbone has no token maps, so there is no attention map."
    assert other == "The image features must be recomputed before this can be shown."


def test_the_nearest_pictures_with_and_without_it_are_shown(services: Services) -> None:
    embed(services)
    for image in (1, 3, 6):
        say(services, image, cat="present")
    for image in (4, 5):
        say(services, image, cat="absent")

    found = services.evidence.of(2, CAT)
    own = services.evidence.of(3, CAT)

    assert found["alike"][-1] == {"id": 6, "name": "5.png"}
    assert {one["id"] for one in found["alike"][:2]} == {1, 3}
    assert [one["id"] for one in found["unlike"]] == [4, 5]
    assert found["similar"] == ""
    assert [one["id"] for one in own["alike"]] == [1, 6]


def test_known_labels_of_the_image_are_reasons(services: Services) -> None:
    embed(services)
    say(services, 1, dog="present")
    for image in (2, 3, 4, 5, 6):
        say(services, image, cat="present" if image < 6 else "absent", dog="present")

    found = services.evidence.of(1, CAT)["explanation"]

    assert found["reasons"] == []  # all five have a dog, so it tells nothing apart
    assert plain(found["text"]) == "The known labels of this image say little about cat."
    assert plain(found["near"]) == (
        "Of the 5 most similar images, 4 have cat; of all images, 4 of 5."
    )


def test_pictures_whose_file_is_gone_are_not_shown(services: Services) -> None:
    embed(services)
    for image in (2, 3):
        say(services, image, cat="present")
    with services.store.writing() as tx:
        (path,) = images.paths_of(tx, [2])[2]
        images.mark_missing(tx, path.root, [path.path])

    found = services.evidence.of(1, CAT)

    assert [one["id"] for one in found["alike"]] == [3]


def test_what_is_not_in_the_project_is_refused(services: Services) -> None:
    with services.store.writing() as tx:
        categories.archive(tx, BIRD, True)

    for image, category in ((1, 99), (1, BIRD), (99, CAT)):
        with pytest.raises(NotFound, match="reload the page"):
            services.evidence.of(image, category)
