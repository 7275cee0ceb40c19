"""What HST and SARB have in common: sizes, word vectors, and features that cannot be used."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from mlrpl import checkpoint
from mlrpl.data import Dimensions, Features
from mlrpl.labels import ABSENT, PRESENT, UNKNOWN
from mlrpl.methods import build
from mlrpl.methods.hst import HSTConfig
from mlrpl.methods.part_shares import START, judging
from mlrpl.methods.sarb import SARBConfig
from mlrpl.methods.semantic import SemanticMethod
from mlrpl.methods.semantic_config import SemanticConfig
from mlrpl.training import EpochReport, TrainConfig, TrainingData, fit, predict

METHODS = pytest.mark.parametrize("name", ["hst", "sarb"])
DIMENSIONS = Dimensions(3, 7, 5, 6)
AT_ONCE: dict[str, dict[str, Any]] = {
    "hst": {"warmup": 0, "cst_from": 0, "min_positives": 1},
    "sarb": {"warmup": 0},
}
"""Options with which every part acts from the first epoch on."""


def built(name: str, **arguments: Any) -> SemanticMethod:
    method = build(name, DIMENSIONS, **arguments)
    assert isinstance(method, SemanticMethod)
    return method


def arrays(images: int = 6) -> dict[str, npt.NDArray[np.float32]]:
    rng = np.random.default_rng(0)
    return {
        "pooled": rng.standard_normal((images, 7), dtype=np.float32),
        "tokens": rng.standard_normal((images, 5, 6), dtype=np.float32),
    }


LABELS = np.array([[PRESENT, ABSENT, PRESENT], [ABSENT, PRESENT, ABSENT]] * 3, dtype=np.int8)


@METHODS
@pytest.mark.parametrize("broken", ["tokens", "pooled"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_features_that_are_no_numbers_are_refused_with_how_many_images_have_them(
    value: float, broken: str, name: str
) -> None:
    given = arrays()
    given[broken][[1, 4]] = value

    with pytest.raises(ValueError, match=f"{broken} has 2 rows in use with NaN or infinite"):
        built(name).prepare(TrainingData(LABELS, **given))


@METHODS
def test_labels_that_are_no_state_are_refused(name: str) -> None:
    labels = LABELS.copy()
    labels[2, 1] = 2

    with pytest.raises(ValueError, match="label"):
        built(name).prepare(TrainingData(labels, **arrays()))


@METHODS
def test_mixed_precision_changes_a_loss_and_its_gradients_little(name: str) -> None:
    torch.manual_seed(0)
    method = built(name, options=AT_ONCE[name])
    labels = LABELS.copy()
    labels[4:, :2] = UNKNOWN
    training = TrainingData(labels, **arrays())
    method.prepare(training)
    method.before_epoch(0, training)
    torch.nn.init.normal_(method.sarl.weight)
    found = []
    for enabled in (False, True):
        method.zero_grad()
        torch.manual_seed(1)
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            terms = method.losses(training.batch(np.arange(6)), 0, 1.0)
        sum(terms.values()).backward()
        pulls = [p.grad.flatten() for p in method.parameters() if p.grad is not None]
        found.append((terms["known"].item(), torch.cat(pulls)))

    (loss, pull), (other_loss, other_pull) = found
    assert other_loss == pytest.approx(loss, rel=0.03)
    assert torch.nn.functional.cosine_similarity(pull, other_pull, dim=0) > 0.99
    assert not torch.equal(pull, other_pull)


@METHODS
def test_images_that_are_not_used_may_have_any_features(name: str) -> None:
    given = arrays()
    given["tokens"][5] = np.nan
    method = built(name)

    method.prepare(TrainingData(LABELS, **given, rows=np.arange(5)))

    assert torch.isfinite(method.sarl.token_mean).all()


@METHODS
def test_features_of_another_shape_are_refused(name: str) -> None:
    method = built(name)

    with pytest.raises(ValueError, match=r"tokens .* \(5, 6\), got \(4, 6\)"):
        method.prepare(TrainingData(LABELS, **{**arrays(), "tokens": arrays()["tokens"][:, :4]}))
    with pytest.raises(ValueError, match=r"labels of 3 categories, got 2"):
        method.prepare(TrainingData(LABELS[:, :2], **arrays()))


@METHODS
def test_without_token_maps_it_says_what_to_do(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} needs token maps"):
        build(name, Dimensions(3, 7))
    with pytest.raises(ValueError, match=f"{name} reads token maps; give `tokens`"):
        built(name)(Features(pooled=torch.zeros(1, 7)))
    with pytest.raises(ValueError, match=f"{name} reads token maps; give `tokens`"):
        built(name).prepare(TrainingData(LABELS, pooled=arrays()["pooled"]))


@METHODS
def test_the_paper_size_is_changed_by_options(name: str) -> None:
    method = build(name, DIMENSIONS, {"features": 16, "prototypes": 2}, size="paper")

    config = method.config
    assert (config.features, config.prototypes, config.hidden, config.pooled) == (16, 2, 512, False)


def test_a_method_of_one_size_has_that_at_either() -> None:
    sizes = ("tool", "paper")
    configs = [build("partial_bce", Dimensions(1, 1), size=size).config for size in sizes]

    assert configs[0] == configs[1]


def test_an_unknown_size_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown size 'large'; known: tool, paper"):
        build("hst", DIMENSIONS, size="large")  # type: ignore[arg-type]


@METHODS
def test_the_file_of_word_vectors_need_not_outlive_the_training(name: str, tmp_path: Path) -> None:
    vectors = np.random.default_rng(0).standard_normal((3, 4)).astype(np.float32)
    np.save(tmp_path / "words.npy", vectors)
    method = built(name, options={"word_vectors": str(tmp_path / "words.npy")})
    (tmp_path / "words.npy").unlink()
    fit(method, TrainingData(LABELS, **arrays()), TrainConfig(epochs=1, batch_size=3))

    checkpoint.save(tmp_path / "m.safetensors", method, name, DIMENSIONS)
    loaded = checkpoint.load(tmp_path / "m.safetensors")

    assert isinstance(loaded, SemanticMethod)
    assert torch.equal(loaded.sarl.decoupling.words, torch.from_numpy(vectors))


def test_word_vectors_that_were_never_given_still_tell_categories_apart() -> None:
    method = built("sarb", options={"word_dim": 4})

    keys = method.sarl.decoupling.category_keys()

    assert torch.linalg.matrix_rank(keys) == 3


@METHODS
def test_regions_of_the_map_can_be_left_out(name: str) -> None:
    torch.manual_seed(0)
    method = built(name, options={"regions": 0})

    fit(method, TrainingData(LABELS, **arrays()), TrainConfig(epochs=1))

    assert method.layout.numel() == 0
    given = arrays()
    features = Features(torch.from_numpy(given["pooled"]), torch.from_numpy(given["tokens"]))
    assert torch.isfinite(method(features)).all()


@METHODS
def test_half_precision_reaches_every_term(name: str) -> None:
    torch.manual_seed(0)
    method = built(name, options=AT_ONCE[name])
    labels = np.where(np.arange(18).reshape(6, 3) % 5 == 0, UNKNOWN, LABELS).astype(np.int8)

    reports = fit(
        method, TrainingData(labels, **arrays()), TrainConfig(epochs=2, precision="bfloat16")
    )

    wanted = {"hst": {"pseudo_ist", "pseudo_cst"}, "sarb": {"ilrb", "plrb"}}[name]
    assert wanted <= set(reports[-1].terms)
    assert np.isfinite(list(reports[-1].terms.values())).all()


def mixed(count: int, categories: int) -> npt.NDArray[np.int8]:
    states = np.array([ABSENT, UNKNOWN, PRESENT], dtype=np.int8)
    return np.random.default_rng(0).choice(states, (count, categories))


def without(labels: npt.NDArray[np.int8], kept: tuple[int, ...]) -> npt.NDArray[np.int8]:
    return np.where(np.isin(labels, kept), labels, UNKNOWN).astype(np.int8)


AWKWARD = {
    "categories with 0, 1, 3 and 13 positives": np.where(
        np.arange(13)[:, None] < [0, 1, 3, 13], PRESENT, ABSENT
    ).astype(np.int8),
    "three images, one with nothing known": np.array(
        [[ABSENT, PRESENT, PRESENT], [ABSENT, ABSENT, PRESENT], [UNKNOWN] * 3], dtype=np.int8
    ),
    "no unknown label": np.where(mixed(9, 3) == UNKNOWN, ABSENT, mixed(9, 3)).astype(np.int8),
    "no known label": np.zeros((5, 3), dtype=np.int8),
    "no known positive": without(mixed(9, 3), (ABSENT,)),
    "positives alone": without(mixed(9, 3), (PRESENT,)),
    "one image": mixed(1, 4),
    "one category": mixed(9, 1),
    "one present pair": np.array([[PRESENT]], dtype=np.int8),
    "one unknown pair": np.array([[UNKNOWN]], dtype=np.int8),
    "one image in the last batch": mixed(9, 3),
}
VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "hst": ("hst", {"min_positives": 1, "cst_from": 0}),
    "hst without the pooled vector": (
        "hst",
        {"min_positives": 1, "cst_from": 0, "pooled": False},
    ),
    "sarb": ("sarb", {}),
    "sarb with learned shares": ("sarb", {"ratio": "learned"}),
}
SMALL = {"features": 8, "hidden": 4, "warmup": 1}
BRIEF = TrainConfig(epochs=3, batch_size=4, learning_rate=1e-3)


def small(variant: str, categories: int = 3) -> SemanticMethod:
    name, options = VARIANTS[variant]
    method = build(name, replace(DIMENSIONS, categories=categories), {**SMALL, **options})
    assert isinstance(method, SemanticMethod)
    return method


@pytest.mark.parametrize("case", AWKWARD)
@pytest.mark.parametrize("variant", VARIANTS)
def test_training_stays_finite_with(case: str, variant: str) -> None:
    labels = AWKWARD[case]
    method = small(variant, labels.shape[1])
    training = TrainingData(labels, **arrays(len(labels)))

    reports = fit(method, training, BRIEF)

    assert all(np.isfinite(value) for report in reports for value in report.terms.values())
    assert all(torch.isfinite(value).all() for value in method.state_dict().values())
    assert np.isfinite(predict(method, training)).all()


@METHODS
def test_the_same_seed_trains_the_same_method(name: str) -> None:
    training = TrainingData(mixed(20, 3), **arrays(20))
    scores = []
    for _ in range(2):
        torch.manual_seed(5)
        method = small(name)
        fit(method, training, BRIEF)
        scores.append(predict(method, training))

    assert np.array_equal(scores[0], scores[1])


@pytest.mark.parametrize("variant", ["hst", "sarb", "sarb with learned shares"])
def test_a_checkpoint_keeps_scores_and_all_that_was_learned(variant: str, tmp_path: Path) -> None:
    method = small(variant)
    training = TrainingData(mixed(20, 3), **arrays(20))
    fit(method, training, BRIEF)

    checkpoint.save(tmp_path / "m.safetensors", method, method.name, method.dimensions)
    loaded = checkpoint.load(tmp_path / "m.safetensors")

    assert type(loaded) is type(method)
    assert loaded.config == method.config
    assert method.prototypes.available.any()
    assert loaded.state_dict().keys() == method.state_dict().keys()
    for key, value in method.state_dict().items():
        assert torch.equal(loaded.state_dict()[key], value), key
    assert np.array_equal(predict(loaded, training), predict(method, training))


@pytest.mark.parametrize("config", [HSTConfig, SARBConfig])
def test_the_published_sizes_are_one_call_away(config: type[SemanticConfig]) -> None:
    paper = config.paper()

    assert (paper.features, paper.hidden, paper.steps, paper.prototypes) == (1024, 512, 3, 10)


def numbers(config: type[SemanticConfig]) -> set[str]:
    """Return the options that are numbers and must not be negative."""
    found = {f.name for f in fields(config) if type(f.default) in (int, float)}
    return found - {"ist_threshold", "cst_threshold"}


@pytest.mark.parametrize(
    ("config", "name"),
    [
        *((HSTConfig, name) for name in sorted(numbers(HSTConfig))),
        *((SARBConfig, name) for name in sorted(numbers(SARBConfig))),
    ],
)
def test_a_negative_number_is_refused_by_name(config: type[SemanticConfig], name: str) -> None:
    with pytest.raises(ValueError, match=name):
        config(**{name: -1})


@METHODS
def test_the_pooled_vector_learns_apart_from_category_features(name: str) -> None:
    """As one classifier, the quicker part left nothing to learn attention from."""
    torch.manual_seed(0)
    method = built(name, options=AT_ONCE[name])
    training = TrainingData(mixed(20, 3), **arrays(20))
    fit(method, training, TrainConfig(epochs=1, batch_size=8))
    method.before_epoch(1, training)
    batch = training.batch(np.arange(20))
    pulls = []
    for factor in (0.0, 100.0):
        with torch.no_grad():
            method.pooled.level.fill_(factor)
        method.zero_grad()
        torch.manual_seed(1)
        sum(method.losses(batch, 1, 1.0).values()).backward()
        pulls.append(method.sarl.weight.grad)

    assert pulls[0] is not None
    assert torch.equal(pulls[0], pulls[1])


@METHODS
def test_a_version_from_before_its_parts_learned_apart_scores_as_it_did(
    name: str, tmp_path: Path
) -> None:
    method = built(name, options=AT_ONCE[name])
    training = TrainingData(mixed(20, 3), **arrays(20))
    fit(method, training, TrainConfig(epochs=1, batch_size=8))
    file = tmp_path / "m.safetensors"
    checkpoint.save(file, method, name, DIMENSIONS)
    with safe_open(file, framework="pt") as saved:
        header = saved.metadata()
        tensors = {k: saved.get_tensor(k) for k in saved.keys()}  # noqa: SIM118 - no mapping
    later = {
        "attention_start",
        "pair_rate",
        "pair_images",
        "cst_from",
        "precision",
        "judged_at",
    }
    options = json.loads(header["options"])
    header["options"] = json.dumps({k: v for k, v in options.items() if k not in later})
    new = ("part_share", "told_pairs", "prototypes.halves")
    save_file({k: v for k, v in tensors.items() if k not in new}, file, metadata=header)

    loaded = checkpoint.load(file)

    assert isinstance(loaded, SemanticMethod)
    method.part_share.fill_(1.0)
    np.testing.assert_allclose(
        predict(loaded, training), predict(method, training), rtol=1e-5, atol=1e-6
    )


@METHODS
def test_what_judges_both_classifiers_teaches_neither_before(name: str) -> None:
    labels, features = mixed(400, 3), arrays(400)
    training = TrainingData(labels, **features)
    hidden = labels.copy()
    training_of_three = TrainConfig(epochs=3, batch_size=50)  # they judge before the last
    judges = judging(labels, training.rows)
    hidden[judges] = UNKNOWN
    scores = []
    for given in (labels, hidden):
        torch.manual_seed(0)
        done: list[EpochReport] = []
        method = built(name, options={"soft_weight": 0.0})
        method.prepare(training)
        method.prepare = lambda _: None  # type: ignore[method-assign]
        fit(
            method, TrainingData(given, **features), training_of_three,
            on_epoch_end=done.append, should_stop=lambda done=done: bool(done),
        )  # fmt: skip
        scores.append(predict(method, training))

    assert len(judges) > 10
    np.testing.assert_array_equal(scores[0], scores[1])


@METHODS
def test_the_classifier_that_knows_more_is_heard_more(name: str) -> None:
    labels = mixed(400, 3)
    training = TrainingData(labels, **arrays(400))
    method = built(name)
    method.begin(3)
    method.prepare(training)
    shares = []
    for good in ("semantic", "image"):
        told = torch.from_numpy(labels[judging(labels, training.rows)]).float()
        noise = torch.randn(2, *told.shape, generator=torch.Generator().manual_seed(0))
        parts = {"semantic": noise[0], "image": noise[1]}
        parts[good] = told + 0.5 * parts[good]
        method.semantic_logits = lambda _, p=parts: p["semantic"]  # type: ignore[method-assign]
        method.image_logits = lambda _, p=parts: p["image"]  # type: ignore[method-assign]
        method.before_epoch(2, training)
        shares.append(1 - float(method.part_share[1]))

    assert shares[0] > 0.5
    assert shares[1] <= START + 1e-6


@METHODS
def test_what_waits_for_a_part_of_the_training_also_happens_in_a_short_one(name: str) -> None:
    training = TrainingData(mixed(400, 3), **arrays(400))
    method = built(name)
    start = method.part_share.clone()
    rebuilt: list[int] = []
    method._rebuild_prototypes = lambda epoch, _: rebuilt.append(epoch)  # type: ignore[method-assign]

    fit(method, training, TrainConfig(epochs=5, batch_size=50))

    assert rebuilt == [3]  # not before `warmup`
    assert method.part_share.tolist() != start.tolist()


@METHODS
def test_a_training_of_one_epoch_learns_from_every_image_and_judges_nothing(name: str) -> None:
    training = TrainingData(mixed(400, 3), **arrays(400))
    method = built(name)
    start = method.part_share.clone()
    seen: list[int] = []
    method.taught = lambda batch, epoch, own=method.taught: (
        seen.append(  # type: ignore[method-assign]
            int((own(batch, epoch).labels != batch.labels).sum())
        )
        or own(batch, epoch)
    )

    fit(method, training, TrainConfig(epochs=1, batch_size=50))

    assert seen
    assert not any(seen)
    assert method.part_share.tolist() == start.tolist()
