"""A new project gets the best backbone that is quick enough, and hears what it costs."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from annotator.cli import app
from annotator.settings import load_project
from annotator.worker import backbone_choice, finetuning_policy, inference_speed
from annotator.worker.backbone_choice import Choice, choose
from mlrpl.backbone_names import LITE0, parse
from mlrpl.errors import WeightsError


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the default network take a fifth of a second, with two threads and no OpenVINO."""
    monkeypatch.setattr(backbone_choice, "processor_seconds", lambda _: 0.2)
    monkeypatch.setattr(backbone_choice, "is_installed", lambda: False)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    monkeypatch.setattr(torch, "set_num_threads", lambda _: None)


@pytest.mark.usefixtures("slow")
@pytest.mark.parametrize(
    ("images", "backbone", "span"),
    [
        (0, "efficientnet-lite2@448px", "1 minute"),
        (900, "efficientnet-lite2@448px", "9 minutes"),  # 900 x 1.215 s / 2
        (1_100, "efficientnet-lite2", "4 minutes"),
        (5_000, LITE0, "9 minutes"),
        (100_000, LITE0, "3 hours"),  # nothing is quick enough
    ],
)
def test_the_best_backbone_that_is_quick_enough(images: int, backbone: str, span: str) -> None:
    choice = choose(images, "cpu")

    assert choice.backbone == backbone
    assert f"take about {span} on this processor, half of that or less after" in choice.sentence


@pytest.mark.usefixtures("slow")
def test_a_compiled_network_is_expected_to_be_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backbone_choice, "is_installed", lambda: True)
    monkeypatch.setattr(backbone_choice, "precision", lambda: "bf16")

    choice = choose(3_000, "cpu")

    assert choice.backbone == "efficientnet-lite2@448px"
    assert choice.seconds == pytest.approx(3_000 * (6 * 0.05 + 0.015) / 2)
    assert "pip install" not in choice.sentence


def test_every_backbone_to_choose_from_has_a_name_that_can_be_used() -> None:
    for name, _ in (*backbone_choice.CANDIDATES, (backbone_choice.STRONGER, 1)):
        assert parse(name)


def test_without_weights_the_default_stays_and_the_reason_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(_: str) -> None:
        raise WeightsError("the weights are not installed; run `pip install them`")

    monkeypatch.setattr(backbone_choice, "load_backbone", missing)

    assert choose(10, "cpu") == Choice(
        LITE0, None, "Backbone: the weights are not installed; run `pip install them`."
    )


def test_init_writes_the_choice_into_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pictures").mkdir()
    Image.new("RGB", (9, 9)).save(tmp_path / "pictures" / "a.png")
    chosen = Choice("efficientnet-lite1", 60.0, "Backbone: efficientnet-lite1; because.")
    monkeypatch.setattr(backbone_choice, "choose", lambda images: chosen if images == 1 else None)

    made = CliRunner().invoke(
        app,
        ["init", str(tmp_path / "P"), "--images", str(tmp_path / "pictures"), "--categories", "a"],
    )

    assert made.stdout.splitlines()[0] == "Backbone: efficientnet-lite1; because."
    assert load_project(tmp_path / "P").settings.backbone == "efficientnet-lite1"


def test_doctor_measures_what_computes_features(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inference_speed, "_compiled", lambda _: (0.005, "bf16"))
    monkeypatch.setattr(inference_speed, "is_installed", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)

    said = CliRunner().invoke(app, ["doctor"]).stdout.splitlines()[-1]

    assert said.startswith("ok  features: PyTorch takes ")
    assert "an image with efficientnet-lite0, OpenVINO in bf16 5 ms; it is used where many" in said


def test_how_long_fine_tuning_takes_is_known_for_packaged_networks_at_any_size() -> None:
    found = [
        finetuning_policy._factor(name)
        for name in (
            LITE0,
            f"{LITE0}@448px",
            "efficientnet-lite1@480px",
            f"{LITE0}@a.pth",
            "timm:x",
        )
    ]

    assert found == [1.0, 4.0, pytest.approx(6.4), None, None]
    assert finetuning_policy._factor("no name") is None
