"""Drills: a file of a version or of the features is damaged, and the printed advice mends it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from annotator.arrays import likeness
from annotator.arrays import versions as files
from annotator.arrays.error_correlation import ERRORS
from annotator.arrays.features import FeatureFiles
from annotator.domain import JobKind
from annotator.errors import NotReady, ProjectError
from annotator.services import commands, doctor
from annotator.services.app import Services
from annotator.services.doctor import Finding, examine
from annotator.store import jobs, versions
from annotator.wire.verify import Mode, PageRequest, SavePageRequest

Damage = Callable[[Path], None]


def cut(name: str) -> Damage:
    def damage(folder: Path) -> None:
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: len(content) // 2])

    return damage


def zero(name: str) -> Damage:
    return lambda folder: (
        (folder / name).write_bytes(bytes((folder / name).stat().st_size)) and None
    )


def random_end(name: str) -> Damage:
    def damage(folder: Path) -> None:
        content = bytearray((folder / name).read_bytes())
        content[-8:] = np.random.default_rng(0).bytes(8)
        (folder / name).write_bytes(bytes(content))

    return damage


def gone(name: str) -> Damage:
    return lambda folder: (folder / name).unlink()


CAN_BE_COMPUTED = {
    "scores cut off": cut("scores.npy"),
    "scores zeroed": zero("scores.npy"),
    "random bytes in scores": random_end("scores.npy"),
    "the other order zeroed": zero("scores_by_category.npy"),
    "queue cut off": cut("queue.npy"),
    "best images gone": gone("pairs.npy"),
    "quantiles zeroed": zero("quantiles.npy"),
    "errors cut off": cut(ERRORS),
}
LOST = {
    "parameters cut off": cut(files.CONFIG),
    "parameters zeroed": zero(files.CONFIG),
    "a digit of a parameter": random_end(files.CONFIG),
}


@pytest.fixture
def version(services: Services, publish: Callable[..., int], six_scores: np.ndarray) -> Path:
    number = publish(six_scores, correlation=np.eye(3))
    return files.folder(services.project, number)


def about(findings: list[Finding], subject: str) -> list[Finding]:
    return [f for f in findings if f.subject.startswith(subject)]


def works(services: Services) -> int | None:
    """Use every page's first call; return the version that suggests."""
    services.labelling.start("Ann")
    assert services.labelling.next_images("Ann", "tab", count=2)["images"]
    assert len(services.labelling.items("Ann", [1, 2])) == 2
    services.verification.page("Ann", PageRequest(category=1, mode=Mode.CONFIRM, tab="tab"))
    return services.progress.state()["version"]


@pytest.mark.parametrize("damage", (CAN_BE_COMPUTED | LOST).values(), ids=(CAN_BE_COMPUTED | LOST))
def test_labelling_goes_on_without_suggestions_and_says_why(
    services: Services, version: Path, damage: Damage
) -> None:
    assert works(services) == 1
    damage(version)
    opened = Services.open(services.project.path)

    assert works(opened) is None
    problem = opened.progress.state()["problem"]
    assert str(version) in problem
    assert "--repair" in problem
    assert "pickle" not in problem
    opened.close()


@pytest.mark.parametrize("damage", CAN_BE_COMPUTED.values(), ids=CAN_BE_COMPUTED)
def test_the_doctor_finds_it_and_lets_the_trainer_compute_it_again(
    services: Services, version: Path, damage: Damage
) -> None:
    assert not any(f.bad for f in about(examine(services.project.path), "version"))
    damage(version)

    (found,) = about(examine(services.project.path), "version 1")
    assert found.bad
    assert "--repair" in found.sentence
    (mended,) = about(examine(services.project.path, repair=True), "version 1")
    assert "repaired" in mended.sentence

    assert not any(f.bad for f in about(examine(services.project.path), "version"))
    if files.has_arrays(version):  # then what was damaged was no score
        return
    with services.store.reading() as tx:
        job = jobs.latest(tx, JobKind.TRAIN)
    assert job is not None
    assert job.options == {"rescore": 1}


@pytest.mark.parametrize("damage", [cut, zero, random_end])
def test_damaged_small_copies_are_found_deleted_and_made_again(
    services: Services, damage: Callable[[str], Damage]
) -> None:
    whole = services.media.content(1, 256)
    (path,) = services.project.thumbnails_path.rglob("*.webp")
    assert not any(f.bad for f in about(examine(services.project.path), "small copies"))
    damage(path.name)(path.parent)

    (found,) = about(examine(services.project.path), "small copies")
    (mended,) = about(examine(services.project.path, repair=True), "small copies")

    assert found.sentence.startswith("1 small copy of an image damaged; `annotator doctor ")
    assert "deleted" in mended.sentence
    assert not any(f.bad for f in about(examine(services.project.path), "small copies"))
    assert services.media.content(1, 256) == whole


def test_what_needs_a_version_says_that_it_is_damaged(services: Services, version: Path) -> None:
    zero("scores.npy")(version)
    opened = Services.open(services.project.path)
    cure = f"annotator doctor {services.project.path} --repair"

    with pytest.raises(NotReady, match=cure):
        commands.list_suggestions(opened, image=None, category=None, limit=0)
    with pytest.raises(NotReady, match=cure):
        opened.certification.plan()
    with pytest.raises(NotReady, match=cure):
        opened.transfer.export(services.project.path / "out", content="completed")
    assert cure in commands.status_text(commands.status(opened))
    opened.close()


def test_an_older_version_is_repaired_without_a_job(
    services: Services, publish: Callable[..., int], version: Path, six_scores: np.ndarray
) -> None:
    publish(-six_scores)
    zero("scores.npy")(version)
    with services.store.reading() as tx:
        before = jobs.latest(tx, JobKind.TRAIN)

    (mended,) = about(examine(services.project.path, repair=True), "version 1")

    assert mended.sentence.endswith("(repaired)")
    with services.store.reading() as tx:
        assert jobs.latest(tx, JobKind.TRAIN) == before
    assert works(services) == 2


@pytest.mark.parametrize("damage", LOST.values(), ids=LOST)
def test_a_version_that_is_lost_is_taken_back_and_another_takes_its_place(
    services: Services,
    publish: Callable[..., int],
    six_scores: np.ndarray,
    damage: Damage,
) -> None:
    publish(six_scores)
    publish(-six_scores)
    damage(files.folder(services.project, 2))

    (mended,) = about(examine(services.project.path, repair=True), "version 2")

    assert "version 1 is used" in mended.sentence
    assert not any(f.bad for f in about(examine(services.project.path), "version"))
    assert works(services) == 1
    with services.store.reading() as tx:
        assert [v.number for v in versions.every(tx)] == [1]


def test_a_mark_that_is_missing_is_set_again(services: Services, version: Path) -> None:
    (version / files.READY).unlink()

    assert (
        "READY missing"
        in about(examine(services.project.path, repair=True), "version 1")[0].sentence
    )

    assert works(services) == 1


def test_what_people_said_on_a_page_counts_though_its_version_is_damaged(
    services: Services, version: Path
) -> None:
    asked = PageRequest(category=1, mode=Mode.CONFIRM, tab="tab")
    page = services.verification.page("Ann", asked)
    zero(files.CONFIG)(version)
    opened = Services.open(services.project.path)

    opened.verification.save(
        "Ann",
        SavePageRequest(
            op="page", category=1, mode=Mode.CONFIRM, version=1,
            changes=[{"image": i["id"], "state": "present", "source": "accepted_in_bulk"}
                     for i in page["items"]],
        ),
    )  # fmt: skip

    assert opened.progress.state()["answered"] == len(page["items"]) > 0
    opened.close()


@pytest.fixture
def features(services: Services) -> FeatureFiles:
    path = services.project.features_path
    made = FeatureFiles.create(
        path, backbone="test", pooled_dim=4, positions=4, token_dim=2, rows=6
    )
    rng = np.random.default_rng(0)
    made.write(np.arange(6), rng.normal(size=(6, 4)), rng.normal(size=(6, 4, 2)), np.eye(6, 128))
    return made


def test_rows_of_features_that_changed_are_embedded_again(
    services: Services, features: FeatureFiles
) -> None:
    assert not any(f.bad for f in about(examine(services.project.path), "features"))
    for name in ("pooled", "tokens", "search"):
        random_end(f"{name}.npy")(features.path)

    bad, _ = about(examine(services.project.path), "features")
    assert bad.sentence.startswith("those of 1 image are not what was written; ")
    examine(services.project.path, repair=True)

    (left,) = about(examine(services.project.path), "features")
    assert left.sentence.startswith("5 of 6 images are embedded")
    with services.store.reading() as tx:
        assert jobs.latest(tx, JobKind.EMBED) is not None


@pytest.mark.parametrize("damage", [
    cut("pooled.npy"), zero("tokens.npy"), gone("search.npy"), cut("meta.json"), zero("pca.npz"),
    zero("done.npy"),
])  # fmt: skip
def test_features_that_cannot_be_used_are_made_again(
    services: Services, features: FeatureFiles, damage: Damage
) -> None:
    damage(features.path)

    assert works(services) is None
    bad = about(examine(services.project.path), "features")[0]
    assert bad.bad
    assert "pickle" not in bad.sentence
    examine(services.project.path, repair=True)

    (left,) = about(examine(services.project.path), "features")
    assert (left.bad, left.sentence[:6]) == (False, "0 of 6")
    with services.store.reading() as tx:
        assert jobs.latest(tx, JobKind.EMBED) is not None


@pytest.mark.parametrize("damage", [
    cut("pooled.npy"), zero("tokens.npy"), gone("search.npy"), cut("meta.json"),
    zero("pca.npz"), zero("done.npy"), random_end("meta.json"),
])  # fmt: skip
@pytest.mark.parametrize("alive", [True, False])
def test_the_status_line_says_at_once_that_features_are_damaged(
    services: Services, features: FeatureFiles, damage: Damage, alive: bool
) -> None:
    if alive:
        with services.store.writing() as tx:
            jobs.beat(tx, "worker", {}, services.progress._clock())
    before = services.progress.state()["trainer"]
    assert "--repair" not in before["message"]

    damage(features.path)

    trainer = services.progress.state()["trainer"]
    assert trainer["state"] == ("waiting" if alive else "off")
    assert f"annotator doctor {services.project.path} --repair" in trainer["message"]
    examine(services.project.path, repair=True)
    assert services.progress.state()["trainer"] == before


def test_while_images_are_embedded_nothing_is_damaged(
    services: Services, features: FeatureFiles
) -> None:
    for rows in (7, 50, 400):
        features.grow(rows)
        last = np.array([rows - 1])
        features.write(last, np.ones((1, 4)), np.ones((1, 4, 2)), np.eye(1, 128))
        assert "--repair" not in services.progress.state()["trainer"]["message"]


def test_a_damaged_order_is_as_good_as_none(services: Services, features: FeatureFiles) -> None:
    features.write_order(np.array([5, 4, 3, 2, 1, 0], dtype=np.int32))
    assert services.labelling.next_images("Ann", "tab", count=2)["images"] == [6, 5]
    features.write_order(np.array([5, 4, -3, 2, 99, 0], dtype=np.int32))

    opened = Services.open(services.project.path)
    assert opened.labelling.next_images("Bob", "other", count=2)["images"] == [1, 2]
    opened.close()

    assert "order.npy" in about(examine(services.project.path), "features")[0].sentence
    examine(services.project.path, repair=True)
    (left,) = about(examine(services.project.path), "features")
    assert (left.bad, left.sentence) == (False, "all 6 images are embedded")  # no row is lost
    with services.store.reading() as tx:
        assert jobs.latest(tx, JobKind.EMBED) is not None


def test_damaged_groups_of_near_duplicates_are_deleted_and_nothing_else(
    services: Services, features: FeatureFiles
) -> None:
    groups = likeness.Comparison(np.zeros(6, np.int32), likeness.stamps(features))
    likeness.write(features.path, likeness.GROUPS, groups)
    cut(likeness.GROUPS)(features.path)

    assert likeness.GROUPS in about(examine(services.project.path), "features")[0].sentence
    examine(services.project.path, repair=True)

    (left,) = about(examine(services.project.path), "features")
    assert (left.bad, left.sentence) == (False, "all 6 images are embedded")
    assert not (features.path / likeness.GROUPS).exists()


def test_what_turns_images_into_rows_is_checked_without_checksums_too(
    services: Services, features: FeatureFiles
) -> None:
    gone("SHA256SUMS")(features.path)
    zero("pca.npz")(features.path)

    with pytest.raises(ProjectError, match=f"annotator doctor {services.project.path} --repair"):
        features.projections()
    assert "pca.npz" in about(examine(services.project.path), "features")[0].sentence
    examine(services.project.path, repair=True)
    assert not any(f.bad for f in about(examine(services.project.path), "features"))


def test_a_disk_that_is_nearly_full_is_told_what_may_be_deleted(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.project.kept_maps_path.mkdir()
    (services.project.kept_maps_path / "maps").write_bytes(bytes(300_000_000))
    sentence = f"; deleting {services.project.kept_maps_path}, which fine-tuning makes again, frees"

    plenty = [f for f in examine(services.project.path) if f.subject == "disk"]
    monkeypatch.setattr(doctor, "ENOUGH_BYTES", 10**18)
    full = [f for f in examine(services.project.path) if f.subject == "disk"]

    assert [f.bad for f in plenty + full] == [False, True]
    assert sentence not in plenty[0].sentence
    assert f"{sentence} 0.3 GB" in full[0].sentence


@pytest.mark.usefixtures("version", "features")
@pytest.mark.parametrize("part", ["features", "versions"])
def test_a_file_in_place_of_a_folder_ends_in_no_traceback(services: Services, part: str) -> None:
    folder = services.project.path / part
    folder.rename(folder.with_name("elsewhere"))
    folder.write_bytes(b"no folder")

    services.labelling.start("Ann")
    assert commands.status(services)["project"]
    found = examine(services.project.path)

    assert all("Traceback" not in finding.sentence for finding in found)
    if part == "versions":
        assert about(found, "version 1")[0].bad


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff\xfe", b'{"x": 1}'])
def test_a_damaged_record_of_unreadable_images_is_as_good_as_none(
    services: Services, features: FeatureFiles, content: bytes
) -> None:
    features.write_failed({3: "is damaged"})
    record = features.path / "failed.json"
    assert record.exists()
    record.write_bytes(content)

    assert features.failed() == {}
    assert works(services) is None
