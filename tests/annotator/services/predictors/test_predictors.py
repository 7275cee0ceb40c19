from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from annotator.arrays import predictions as files
from annotator.errors import AnnotatorError, FormatError, NotFound, ProjectError
from annotator.services.app import Services
from annotator.services.predictors.file_scores import FileOptions
from annotator.services.predictors.scales import Scale, as_logits, scale_of
from annotator.store import categories, predictors
from annotator.store.categories import NewCategory

CAT, DOG, BIRD = 1, 2, 3
TEXT = """file,category,score
0.png,cat,0.9
1.png,cat,0.5
2.png,dog,0.2
9.png,cat,0.1
0.png,axolotl,1
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "my scores.csv"
    path.write_text(TEXT)
    return path


def kept(services: Services, name: str) -> np.ndarray:
    with services.store.reading() as tx:
        found = predictors.named(tx, name)
    assert found is not None
    return np.array(files.read(services.project, found.version).scores, np.float32)


def test_a_file_becomes_scores_by_image_and_category_and_says_what_it_could_not_use(
    services: Services, file: Path
) -> None:
    row = services.predictors.add(FileOptions(file=str(file)), by="ann")

    scores = kept(services, "my-scores")
    assert (row["name"], row["kind"], row["added_by"], row["trusted"]) == (
        "my-scores", "file", "ann", False,
    )  # fmt: skip
    assert scores.shape == (6, 3)
    assert scores[0, 0] > scores[1, 0] == 0 > scores[2, 1] > scores[2, 0] == scores[0, 1]
    assert np.isnan(scores[3:]).all()
    assert np.isnan(scores[:, 2]).all()
    for told in ("3 of 5 scores", "'9.png'", "'axolotl'", "read as probability"):
        assert told in row["text"]


def test_what_is_unlisted_may_be_silent_instead(services: Services, file: Path) -> None:
    services.predictors.add(FileOptions(file=str(file), unlisted="silent"), name="s")

    assert np.isfinite(kept(services, "s")).sum() == 3


def test_refreshing_reads_the_file_again_for_what_is_new(services: Services, file: Path) -> None:
    services.predictors.add(FileOptions(file=str(file)), name="s")
    before = kept(services, "s")
    with services.store.writing() as tx:
        categories.add(tx, [NewCategory(name="axolotl")])

    (row,) = services.predictors.refresh()

    assert before.shape == (6, 3)
    assert kept(services, "s").shape == (6, 4)
    assert "axolotl" not in row["text"]


def test_scores_stay_when_the_file_is_gone_or_broken(services: Services, file: Path) -> None:
    services.predictors.add(FileOptions(file=str(file)), name="s")
    file.write_text("file,category,score\n0.png,cat,?\n")

    with pytest.raises(FormatError, match="line 2"):
        services.predictors.refresh("s")
    file.unlink()
    with pytest.raises(NotFound, match="does not exist"):
        services.predictors.refresh("s")

    assert np.isfinite(kept(services, "s")).any()


def test_all_are_read_again_though_one_cannot_be(services: Services, file: Path) -> None:
    other = file.with_name("other.csv")
    other.write_text(TEXT)
    services.predictors.add(FileOptions(file=str(other)), name="a-gone")
    services.predictors.add(FileOptions(file=str(file)), name="b")
    other.unlink()
    file.write_text(TEXT + "3.png,cat,0.7\n")

    with pytest.raises(AnnotatorError, match=r"'a-gone' keeps its scores: .*\nRead again: 'b'"):
        services.predictors.refresh()

    assert np.isfinite(kept(services, "b")[3]).any()
    with pytest.raises(AnnotatorError, match="no file to read again"):
        services.predictors.refresh("names")


def test_names_that_differ_in_capital_letters_only_are_refused(
    services: Services, file: Path
) -> None:
    services.predictors.add(FileOptions(file=str(file)), name="good")

    with pytest.raises(AnnotatorError, match="There is a predictor 'good'"):
        services.predictors.add(FileOptions(file=str(file)), name="GOOD")


def test_numbers_of_two_scales_in_one_file_are_told(services: Services, file: Path) -> None:
    clean = services.predictors.add(FileOptions(file=str(file)), name="s")["text"]
    file.write_text(TEXT + "3.png,cat,95\n")
    mixed = services.predictors.add(FileOptions(file=str(file)), name="s")["text"]
    named = services.predictors.add(FileOptions(file=str(file), scale="percent"), name="s")["text"]

    assert "83% of the scores lie between 0 and 1, but the largest is 95" in mixed
    assert "lie between" not in clean + named


def test_a_predictor_is_removed_with_its_scores_but_the_names_stay(
    services: Services, file: Path
) -> None:
    services.predictors.add(FileOptions(file=str(file)), name="one")
    services.predictors.add(FileOptions(file=str(file)), name="same")
    (folder,) = services.project.predictions_path.iterdir()

    services.predictors.remove("one")
    was_kept = folder.exists()
    services.predictors.remove("same")

    assert was_kept
    assert not folder.exists()
    assert [row["name"] for row in services.predictors.rows()] == ["names"]
    with pytest.raises(AnnotatorError, match="built in"):
        services.predictors.remove("names")
    with pytest.raises(AnnotatorError, match="never suggests"):
        services.predictors.trust("names", True)
    with pytest.raises(NotFound, match="no predictor 'one'"):
        services.predictors.remove("one")


@pytest.mark.parametrize(
    ("text", "options", "says"),
    [
        ("file,category,score\nx/7.png,cat,1\n", {}, "about other images.*x/7.png.*look like"),
        ("file,category,score\n0.png,axolotl,1\n", {}, "none of its 1 category.*--names"),
        (TEXT, {"scale": "feet"}, "no scale 'feet'"),
        (TEXT, {"unlisted": "absent"}, "low or silent"),
        ("file,category,score\n0.png,cat,7\n", {"scale": "probability"}, "between 0 and 1"),
        (TEXT, {"root": "nowhere"}, "no image folder 'nowhere'"),
    ],
)
def test_what_cannot_be_used_changes_nothing(
    services: Services, file: Path, text: str, options: dict[str, Any], says: str
) -> None:
    file.write_text(text)

    with pytest.raises(AnnotatorError, match=says):
        services.predictors.add(FileOptions(file=str(file), **options), name="s")

    assert [row["name"] for row in services.predictors.rows()] == ["names"]
    assert not services.project.predictions_path.exists()


def test_names_that_cannot_be_used_are_refused(services: Services, file: Path) -> None:
    for name in ("names", "Names", "a/b", "x" * 61, "-x", ".."):
        with pytest.raises(AnnotatorError, match="cannot be called"):
            services.predictors.add(FileOptions(file=str(file)), name=name)


def test_damaged_scores_are_told_and_left_out(services: Services, file: Path) -> None:
    services.predictors.add(FileOptions(file=str(file)), name="s")
    (folder,) = services.project.predictions_path.iterdir()
    (folder / files.SCORES).write_bytes(b"no array")

    with pytest.raises(ProjectError, match=r"predictors .* refresh"):
        kept(services, "s")
    (item,) = services.labelling.items("ann", [1])
    assert item["scores"] == {}


def test_before_any_version_predictors_rank_and_trusted_ones_suggest_under_their_name(
    services: Services, file: Path
) -> None:
    services.predictors.add(FileOptions(file=str(file)), name="s")

    (ranked,) = services.labelling.items("ann", [1])
    services.predictors.trust("s", True)
    (trusted,) = services.labelling.items("ann", [1])
    (other,) = services.labelling.items("ann", [3])

    assert ranked["scores"]["1"] == pytest.approx(5 / 6, abs=0.01)
    assert str(BIRD) not in ranked["scores"]
    assert (ranked["ranked"], ranked["suggested"]) == ([CAT, DOG], [])
    assert (trusted["suggested"], trusted["sources"]) == ([CAT], {"1": "s"})
    assert other["suggested"] == []


def test_two_predictors_of_one_file_keep_their_own_names(services: Services, file: Path) -> None:
    for name in ("a", "b"):
        services.predictors.add(FileOptions(file=str(file)), name=name)
        services.predictors.trust(name, name == "a")

    (item,) = services.labelling.items("ann", [1])
    reasons = services.evidence.of(1, CAT)["predictors"]

    assert item["sources"] == {"1": "a"}
    assert len(reasons) == 2


def test_verify_begins_with_what_predictors_rank_first(services: Services, file: Path) -> None:
    from annotator.wire.verify import PageRequest

    services.predictors.add(FileOptions(file=str(file)), name="s")

    page = services.verification.page("ann", PageRequest(tab="t", category=CAT, mode="uncertain"))

    assert page["basis"] == "predictors"
    assert [item["id"] for item in page["items"]][:3] == [1, 2, 3]


def test_once_a_version_knows_a_category_it_alone_suggests_and_why_names_the_predictor(
    services: Services, file: Path, publish: Any
) -> None:
    services.predictors.add(FileOptions(file=str(file)), name="s")
    services.predictors.trust("s", True)
    publish(np.full((6, 3), -1.0), untaught=[1])

    (item,) = services.labelling.items("ann", [1])
    for_cat = services.evidence.of(1, CAT)["predictors"]
    against = services.evidence.of(3, CAT)["predictors"]
    silent = services.evidence.of(6, CAT)["predictors"]

    assert item["suggested"] == []
    assert "speaks for" in for_cat[0]
    assert "No version has weighed it" in for_cat[0]
    assert "speaks against" in against[0] or "speaks strongly against" in against[0]
    assert silent == []


def test_numbers_of_any_scale_are_told_apart_and_rise() -> None:
    for scores, scale in (
        ([0.0, 0.2, 1.0], Scale.PROBABILITY),
        ([0.0, 20.0, 100.0], Scale.PERCENT),
        ([-3.0, 0.5, 4.0], Scale.LOGIT),
        ([1.0, 7.0, 1e30], Scale.RANK),
    ):
        values = np.array(scores)
        assert scale_of(values) is scale
        assert (np.diff(as_logits(values, scale)) > 0).all()
        assert np.isfinite(as_logits(values, scale).astype(np.float16)).all()
