"""Backbones' names taken apart, without loading anything."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mlrpl.backbone_names import PartName, located, parse


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("efficientnet-lite0", [PartName("efficientnet-lite0")]),
        ("timm:resnet50.a1_in1k", [PartName("resnet50.a1_in1k", "timm")]),
        ("torchvision:resnet18@w.pth", [PartName("resnet18", "torchvision", Path("w.pth"))]),
        (
            "efficientnet-lite2+timm:vit@a/b.pth+efficientnet-lite0",
            [
                PartName("efficientnet-lite2"),
                PartName("vit", "timm", Path("a/b.pth")),
                PartName("efficientnet-lite0"),
            ],
        ),
        ("timm:vit@/c++/me@home.pth", [PartName("vit", "timm", Path("/c++/me@home.pth"))]),
        (
            "timm:vit@/c++/x.pth+torchvision:resnet18",
            [PartName("vit", "timm", Path("/c++/x.pth")), PartName("resnet18", "torchvision")],
        ),
        (
            "timm:vit@a.pth+timm:vit@b.pth",
            [PartName("vit", "timm", Path("a.pth")), PartName("vit", "timm", Path("b.pth"))],
        ),
        ("efficientnet-lite2@260px", [PartName("efficientnet-lite2", side=260)]),
        (
            "timm:vit@/c++/me@home.pth@336px+efficientnet-lite0@448px+efficientnet-lite0",
            [
                PartName("vit", "timm", Path("/c++/me@home.pth"), 336),
                PartName("efficientnet-lite0", side=448),
                PartName("efficientnet-lite0"),
            ],
        ),
    ],
)
def test_a_name_is_taken_apart(name: str, parts: list[PartName]) -> None:
    assert list(parse(name)) == parts
    assert "+".join(map(str, parts)) == name


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", r"unknown backbone ''; known: efficientnet-lite0, .*NAME\+NAME"),
        ("resnet50", "unknown backbone 'resnet50'"),
        ("timm:", "unknown backbone 'timm:'"),
        ("hub:resnet50", "unknown backbone 'hub:resnet50'"),
        ("efficientnet-lite0+resnet50", "unknown backbone 'resnet50'"),
        ("efficientnet-lite0+", "unknown backbone ''"),
        ("timm:resnet50@", r"names no file behind @; write NAME@FILE"),
        ("efficientnet-lite0+timm:a+efficientnet-lite0", "names efficientnet-lite0 twice"),
        ("timm:a@w.pth+timm:a@w.pth", "names timm:a@w.pth twice"),
        ("timm:a@64px+timm:a@64px", "names timm:a@64px twice"),
        ("efficientnet-lite0@450px", "a multiple of 32 pixels, not 450; write @448px or @480px"),
        ("timm:a@16px", "an input side of 16 pixels cannot be used; choose one from 32 to 2048"),
        ("timm:a@" + "9" * 5000 + "px", "choose one from 32 to 2048"),
        ("timm:a@448", r"names no input side; .* NAME@448px or NAME@FILE@448px"),
        ("timm:a@448px@w.pth", "names no input side"),
        ("timm:a@0px", "names no input side"),
    ],
)
def test_what_is_no_name_is_refused(name: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        parse(name)


def test_weights_files_are_found_from_anywhere(tmp_path: Path) -> None:
    name = "timm:vit@w/a.pth@64px+timm:vit@/b.pth+efficientnet-lite0@448px"

    found = located(name, tmp_path)

    assert found == f"timm:vit@{tmp_path}/w/a.pth@64px+timm:vit@/b.pth+efficientnet-lite0@448px"
    assert located("timm:vit+efficientnet-lite0", tmp_path) == "timm:vit+efficientnet-lite0"


def test_reading_names_loads_no_torch() -> None:
    code = "import sys, mlrpl.backbone_names; sys.exit('torch' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
