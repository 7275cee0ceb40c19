"""Features of a data set, computed once and kept on disk, to be mapped into memory."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mlrpl.backbone_names import parse
from mlrpl.datasets.base import TRAIN, LabelledImages
from mlrpl.methods import Size
from mlrpl.projection import SAMPLE, Projection, fit_projection

if TYPE_CHECKING:
    from mlrpl.models.backbones import Backbone

PAPER_INPUT = 448
"""Side of the papers' input, in pixels."""
_VERSION = 1
_POOLED, _TOKENS, _PROJECTION, _DONE = "pooled.npy", "tokens.npy", "projection.npz", "done.json"
_UNFINISHED = ".part"

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class FeatureRequest:
    """Which features are wanted."""

    backbone: str
    """A name that `mlrpl.models.backbones.load_backbone` knows."""
    size: Size = "tool"
    """`tool`: tokens reduced as the annotation tool stores them, by a projection fitted on
    training images only. `paper`: tokens as the network gives them."""
    input_size: int | None = None
    """Side of the input in pixels; None means the network's own, and 448 at paper size."""

    @property
    def side(self) -> int | None:
        """Return the side that the network is loaded with."""
        return PAPER_INPUT if self.input_size is None and self.size == "paper" else self.input_size


@dataclass(frozen=True, eq=False)
class CachedFeatures:
    """Features of all images of a data set, mapped from disk; changes are not written back."""

    backbone: str
    pooled: npt.NDArray[np.float32]
    """`(N, D)`."""
    tokens: npt.NDArray[np.float16]
    """`(N, P, T)`."""
    projection: Projection | None
    """What reduced the tokens; None at paper size."""


class FeatureCache:
    """A folder with one subfolder for each list of pictures, network and reduction of tokens.

    A picture counts as the same if its name within the data set and its length in bytes are.
    Several processes may ask for the same features; one computes them, the others wait.
    """

    def __init__(self, folder: Path) -> None:
        """Keep features in a folder, which is made when it is needed."""
        self._folder = folder

    def get(
        self,
        data: LabelledImages,
        request: FeatureRequest,
        *,
        projection: Projection | None = None,
        device: str = "cpu",
        on_progress: Progress = lambda _done, _of: None,
    ) -> CachedFeatures:
        """Return the features of all images of a data set, computing what is not there.

        Work that was interrupted is gone on with.

        Args:
            data: Whose pictures.
            request: What is wanted.
            projection: Reduces the tokens, such as that of a trained method; None means one that is
                fitted on 256 images of the part `train`, or of all where there is no such part.
            device: Where the network runs.
            on_progress: Told how many of how many pictures are done.

        Raises:
            FileNotFoundError: If a picture is missing.
            ValueError: If a picture cannot be read, or the network is unknown.
        """
        base = _base(data, request)
        folder = self._folder / f"{base}-{_variant(data, request, projection)}"
        found = self._same(base, projection)
        if found is None:
            with _locked(folder.with_suffix(".lock")):
                if not (folder / _DONE).exists():
                    _Embedding(data, request, folder, device, on_progress).run(projection)
            found = folder
        return _mapped(found, request.backbone)

    def has(
        self, data: LabelledImages, request: FeatureRequest, projection: Projection | None = None
    ) -> bool:
        """Return whether `get` would compute nothing."""
        base = _base(data, request)
        folder = self._folder / f"{base}-{_variant(data, request, projection)}"
        return (folder / _DONE).exists() or self._same(base, projection) is not None

    def _same(self, base: str, projection: Projection | None) -> Path | None:
        """Return the finished folder whose tokens this projection reduced, whoever fitted it."""
        if projection is None:
            return None
        wanted = _fingerprint(projection)
        for done in sorted(self._folder.glob(f"{base}-*/{_DONE}")):
            path = done.parent / _PROJECTION
            if done.parent.suffix == _UNFINISHED or not path.exists():
                continue
            if _fingerprint(Projection.load(path)) == wanted:
                return done.parent
        return None


class _Embedding:
    """The computation of one folder of the cache."""

    def __init__(
        self,
        data: LabelledImages,
        request: FeatureRequest,
        folder: Path,
        device: str,
        on_progress: Progress,
    ) -> None:
        from mlrpl.models.backbones import load_backbone

        self._data = data
        self._reduces = request.size == "tool"
        self._folder = folder
        self._work = folder.with_suffix(_UNFINISHED)
        self._device = device
        self._on_progress = on_progress
        self._backbone = load_backbone(request.backbone, input_size=request.side)

    def run(self, projection: Projection | None) -> None:
        """Write all features and then, by a new name, the folder."""
        self._work.mkdir(parents=True, exist_ok=True)
        done = self._work / _DONE
        start = int(json.loads(done.read_text())["images"]) if done.exists() else 0
        reduction = self._reduction(projection)
        arrays = self._arrays(reduction, new=start == 0)
        count = len(self._data)
        self._on_progress(start, count)
        todo = np.arange(start, count)
        for offset, pooled, tokens in _features(self._data, self._backbone, todo, self._device):
            first = start + offset
            last = first + len(pooled)
            arrays[0][first:last] = pooled
            arrays[1][first:last] = tokens if reduction is None else reduction.tokens(tokens)
            for array in arrays:
                array.flush()
            _write(done, {"images": last})
            self._on_progress(last, count)
        _write(done, {"images": count})
        del arrays
        shutil.rmtree(self._folder, ignore_errors=True)
        self._work.rename(self._folder)

    def _reduction(self, given: Projection | None) -> Projection | None:
        path = self._work / _PROJECTION
        if not self._reduces:
            return None
        if path.exists():
            return Projection.load(path)
        if given is None:
            given = fitted_projection(self._data, self._backbone, device=self._device)
        given.save(path)
        return given

    def _arrays(
        self, reduction: Projection | None, *, new: bool
    ) -> tuple[np.memmap[Any, Any], np.memmap[Any, Any]]:
        count = len(self._data)
        shape = (count, self._backbone.positions, self._backbone.token_dim)
        if reduction is not None:
            shape = (count, len(reduction.pooling), reduction.token_basis.shape[1])
        pooled = (count, self._backbone.pooled_dim)
        mode: Any = "w+" if new else "r+"
        opened = np.lib.format.open_memmap
        return (
            opened(self._work / _POOLED, mode, np.float32, pooled),
            opened(self._work / _TOKENS, mode, np.float16, shape),
        )


def fitted_projection(
    data: LabelledImages, backbone: Backbone, *, device: str = "cpu"
) -> Projection:
    """Return the projection that tool size has for a data set, without keeping any features.

    Raises:
        ValueError: If a picture cannot be read.
    """
    parts = [(p, t) for _, p, t in _features(data, backbone, _sample(data), device)]
    pooled, tokens = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return fit_projection(pooled, tokens)


def _features(
    data: LabelledImages, backbone: Backbone, rows: npt.NDArray[np.int64], device: str
) -> Iterator[tuple[int, npt.NDArray[np.float32], npt.NDArray[np.float32]]]:
    """Yield the position of the first image of each batch, pooled vectors and full tokens."""
    from mlrpl.embedding import embed, open_picture

    done = 0
    for batch in embed(
        backbone,
        lambda row: open_picture(data.path(row), backbone.input_size),
        rows,
        device=device,
    ):
        if batch.failures:
            row, reason = next(iter(batch.failures.items()))
            raise ValueError(
                f"{data.path(row)} cannot be read as a picture ({reason}); replace it or take it "
                "out of the data set"
            )
        yield done, batch.pooled, batch.tokens
        done += len(batch.indices)


def _sample(data: LabelledImages) -> npt.NDArray[np.int64]:
    """Return the rows that a projection is fitted on: training images only, where there are."""
    rows = data.splits.get(TRAIN, np.arange(len(data)))
    chosen = np.random.default_rng(0).permutation(rows)[:SAMPLE]
    return np.asarray(np.sort(chosen), dtype=np.int64)


def _base(data: LabelledImages, request: FeatureRequest) -> str:
    """Return a name for these pictures and this network."""
    said = [_VERSION, request.backbone, request.size, request.side]
    for part in parse(request.backbone):
        if part.weights is not None and part.weights.exists():
            about = part.weights.stat()
            said.append([about.st_size, about.st_mtime_ns])
    digest = hashlib.sha256(json.dumps(said).encode())
    for row, file in enumerate(data.files):
        path = data.path(row)
        try:
            length = path.stat().st_size
        except OSError:
            raise FileNotFoundError(
                f"{path} is missing; it should be a picture of {data.name}"
            ) from None
        digest.update(f"{file}\0{length}\n".encode())
    return digest.hexdigest()[:20]


def _variant(data: LabelledImages, request: FeatureRequest, projection: Projection | None) -> str:
    if request.size == "paper":
        return "full"
    if projection is not None:
        return f"given-{_fingerprint(projection)}"
    return f"fitted-{hashlib.sha256(_sample(data).tobytes()).hexdigest()[:8]}"


def _fingerprint(projection: Projection) -> str:
    digest = hashlib.sha256()
    for name, array in sorted(projection.arrays().items()):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]


def _mapped(folder: Path, backbone: str) -> CachedFeatures:
    path = folder / _PROJECTION
    pooled, tokens = (
        np.asarray(np.load(folder / name, mmap_mode="c")) for name in (_POOLED, _TOKENS)
    )
    return CachedFeatures(
        backbone, pooled, tokens, Projection.load(path) if path.exists() else None
    )


def _write(path: Path, content: dict[str, int]) -> None:
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(content))
    temporary.replace(path)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Wait until no other process holds the lock; it falls with the process that holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            import fcntl
        except ImportError:  # on Windows two processes may do the same work twice
            yield
            return
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
