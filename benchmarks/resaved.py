"""Measures how alike the features of a picture saved again are, and those of different pictures.

    python benchmarks/resaved.py --images DIR [--limit 300] [--seed 0]

Prints, for pictures saved again in several ways, quantiles of the cosine between the features of
the two files, and beside it that of each picture and the most similar of all others. Where `search`
is what the app compares, `pooled` is the backbone's output at full width.
"""

from __future__ import annotations

import argparse
import io
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from mlrpl.embedding import embed, fit_projection
from mlrpl.models.backbones import load_backbone

Vectors = npt.NDArray[np.float64]
Change = Callable[[Image.Image], Image.Image]


def encoded(picture: Image.Image, kind: str, **options: object) -> Image.Image:
    """Return a picture as it is after it was written to a file and read again."""
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    buffer.seek(0)
    return Image.open(buffer).convert("RGB")


def scaled(picture: Image.Image, share: float) -> Image.Image:
    """Return a picture with other numbers of pixels, as JPEG."""
    size = max(1, round(picture.width * share)), max(1, round(picture.height * share))
    return encoded(picture.resize(size, Image.Resampling.LANCZOS), "JPEG", quality=90)


SAVED_AGAIN: dict[str, Change] = {
    "JPEG, quality 97": lambda p: encoded(p, "JPEG", quality=97),
    "JPEG, quality 85": lambda p: encoded(p, "JPEG", quality=85),
    "JPEG, quality 60": lambda p: encoded(p, "JPEG", quality=60),
    "JPEG, quality 30": lambda p: encoded(p, "JPEG", quality=30),
    "WebP, quality 80": lambda p: encoded(p, "WEBP", quality=80),
    "PNG": lambda p: encoded(p, "PNG"),
    "half as wide": lambda p: scaled(p, 0.5),
}
"""Ways of saving a picture again that do not change what is to be seen."""

CHANGED: dict[str, Change] = {
    "a tenth cut off": lambda p: p.crop((p.width // 10, 0, p.width, p.height)),
    "mirrored": ImageOps.mirror,
    "black and white": lambda p: p.convert("L").convert("RGB"),
    "half as bright": lambda p: p.point(lambda value: value // 2),
}
"""Changes after which somebody should look at the picture."""


def vectors(pictures: list[Image.Image]) -> Vectors:
    """Return the backbone's output for pictures `(N, D)`."""
    backbone = load_backbone("efficientnet-lite0")
    batches = embed(backbone, lambda i: pictures[i], range(len(pictures)), batch_size=16)
    return np.concatenate([batch.pooled for batch in batches]).astype(np.float64)


def unit(values: Vectors) -> Vectors:
    """Return rows of length one."""
    return values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-12)


def quantiles(values: Vectors) -> str:
    """Return least, 1 %, 5 %, median, 99 % and greatest as text."""
    found = np.quantile(values, (0, 0.01, 0.05, 0.5, 0.99, 1))
    return "  ".join(f"{value:.4f}" for value in found)


def main() -> None:
    """Print one line for each way of saving, in both kinds of vectors."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--images", type=Path, required=True, help="folder of pictures")
    parser.add_argument("--limit", type=int, default=300, help="pictures used")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    files = sorted(p for p in options.images.rglob("*") if p.suffix.lower() in {".jpg", ".png"})
    random.Random(options.seed).shuffle(files)
    originals = [Image.open(file).convert("RGB") for file in files[: options.limit]]
    before = vectors(originals)
    projection = fit_projection(before, np.zeros((len(before), 1, before.shape[1]), np.float32))
    after = {name: vectors([change(p) for p in originals]) for name, change in
             {**SAVED_AGAIN, **CHANGED}.items()}  # fmt: skip
    print(f"{len(originals)} pictures; least, 1 %, 5 %, median, 99 %, greatest cosine")
    for kind in ("search", "pooled"):
        turned: Callable[[Vectors], Vectors] = (
            (lambda v: unit(projection.search(v).astype(np.float64))) if kind == "search" else unit
        )
        own = turned(before)
        print(kind)
        for name, found in after.items():
            print(f"  {name:24s} {quantiles((own * turned(found)).sum(axis=1))}", flush=True)
        others = own @ own.T
        np.fill_diagonal(others, -1)
        print(f"  {'most similar other':24s} {quantiles(others.max(axis=1))}")


if __name__ == "__main__":
    main()
