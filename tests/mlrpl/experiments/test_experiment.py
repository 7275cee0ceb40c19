"""What a method may see of a data set, and what it is built and trained with."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mlrpl.datasets import LabelledImages
from mlrpl.experiments.experiment import ExperimentConfig, prepared, visible_labels
from mlrpl.experiments.feature_cache import CachedFeatures, FeatureRequest
from mlrpl.finetuning.model import FineTuned
from mlrpl.labels import ABSENT, PRESENT, UNKNOWN

SETTING = ExperimentConfig(method="partial_bce", known=0.5)


def test_nothing_is_seen_of_test_images_and_a_share_of_the_others(data: LabelledImages) -> None:
    seen = visible_labels(data, SETTING)

    train, test = data.rows("train"), data.rows("test")
    known = seen != UNKNOWN
    assert not known[test].any()
    assert 0.3 < known[train].mean() < 0.7
    assert (seen[known] == data.labels[known]).all()


def test_the_seed_and_the_kind_decide_what_is_hidden(data: LabelledImages) -> None:
    seen = visible_labels(data, SETTING)

    assert (visible_labels(data, SETTING) == seen).all()
    assert (visible_labels(data, replace(SETTING, seed=1)) != seen).any()
    assert (visible_labels(data, replace(SETTING, hide="positives_only")) >= UNKNOWN).all()


def test_a_number_of_labels_a_category_can_be_kept(data: LabelledImages) -> None:
    setting = replace(SETTING, known=1.0, hide="fixed_per_category", count=3)

    seen = visible_labels(data, setting)

    assert (seen == PRESENT).sum(axis=0).tolist() == [3, 3, 3]
    assert (seen == ABSENT).sum(axis=0).tolist() == [3, 3, 3]


def test_large_things_can_stay_known_more_often(data: LabelledImages) -> None:
    sizes = np.zeros(data.labels.shape, np.float32)
    sizes[:, 0] = 1.0
    setting = replace(SETTING, known=0.3, hide="size_biased")

    seen = visible_labels(replace(data, sizes=sizes), setting)

    present = (seen == PRESENT)[data.rows("train")].sum(axis=0)
    assert present[0] > 0
    assert present[1:].tolist() == [0, 0]
    with pytest.raises(ValueError, match="folder has no boxes"):
        visible_labels(data, setting)


def test_only_training_images_train(
    data: LabelledImages, features: CachedFeatures, request_tool: FeatureRequest
) -> None:
    with prepared(data, SETTING, features, request_tool) as given:
        assert given.data.rows.tolist() == data.rows("train").tolist()
        assert given.validation is None
        seen = visible_labels(data, SETTING)[data.rows("train")]
        assert given.positives.tolist() == (seen == PRESENT).sum(axis=0).tolist()


def test_where_training_stops_early_a_part_of_the_training_images_is_put_aside(
    data: LabelledImages, features: CachedFeatures, request_tool: FeatureRequest
) -> None:
    setting = replace(SETTING, training={"patience": 2}, validation_share=0.25)

    with prepared(data, setting, features, request_tool) as given:
        assert given.config.patience == 2
        assert given.validation is not None
        aside, train = given.validation.rows, given.data.rows
        assert len(aside) == 8
        assert sorted([*aside, *train]) == data.rows("train").tolist()


def test_validation_images_of_the_data_set_are_put_aside_instead(
    data: LabelledImages, features: CachedFeatures, request_tool: FeatureRequest
) -> None:
    rows = data.rows("train")
    divided = replace(data, splits={**data.splits, "train": rows[5:], "validation": rows[:5]})
    setting = replace(SETTING, training={"patience": 2})

    with prepared(divided, setting, features, request_tool) as given:
        assert given.validation is not None
        assert given.validation.rows.tolist() == rows[:5].tolist()
        assert given.data.rows.tolist() == rows[5:].tolist()


def test_options_reach_the_method_and_the_training(
    data: LabelledImages, features: CachedFeatures, request_tool: FeatureRequest
) -> None:
    setting = replace(
        SETTING,
        options={"penalty": 0.2, "partial_bce.power": 1, "hst.hidden": 3},
        training={"epochs": 3, "hst.epochs": 9},
        seed=4,
    )

    with prepared(data, setting, features, request_tool) as given:
        assert (given.method.config.penalty, given.method.config.power) == (0.2, 1)
        assert (given.config.epochs, given.config.seed) == (3, 4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"options": {"nothing": 1}}, "has no option 'nothing'"),
        ({"options": {"power": "a"}}, "cannot be built with these options"),
        ({"options": {"power": 7}}, "power must lie above 0"),
        ({"training": {"epoch": 1}}, "cannot be built with these options"),
        ({"training": {"epochs": 0}}, "epochs must be at least 1"),
        ({"known": 1.5}, "keep must"),
    ],
)
def test_a_wrong_option_is_refused(
    data: LabelledImages,
    features: CachedFeatures,
    request_tool: FeatureRequest,
    change: dict[str, object],
    message: str,
) -> None:
    setting = replace(SETTING, **change)

    with (
        pytest.raises(ValueError, match=message),
        prepared(data, setting, features, request_tool),
    ):
        pass


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"method": "magic"}, "unknown method 'magic'; known: "),
        ({"options": {"magic.power": 1}}, "option 'magic.power' is for 'magic'"),
        ({"validation_share": 1.0}, "validation_share must lie between 0 and 1"),
    ],
)
def test_a_wrong_setting_is_refused_at_once(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(SETTING, **change)


def test_fine_tuning_reads_pictures_varied_for_training_and_plain_otherwise(
    data: LabelledImages, request_tool: FeatureRequest
) -> None:
    setting = replace(
        SETTING,
        finetune=True,
        training={"patience": 1, "epochs": 1},
        options={"finetune.learning_rate": 1e-4, "finetune.stages": ["model.layer4"]},
    )

    with prepared(data, setting, None, request_tool) as given:
        assert isinstance(given.method, FineTuned)
        assert given.method.config.learning_rate == 1e-4
        assert given.method.stages == ("model.layer4",)
        assert given.validation is not None
        rows = np.array([0, 1])
        plain, varied = (d.features(rows).images for d in (given.validation, given.data))
        assert plain is not None
        assert varied is not None
        assert plain.shape == (2, 3, 64, 64)
        assert not plain.equal(varied)
