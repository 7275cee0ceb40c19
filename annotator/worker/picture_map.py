"""The job that compares all images: which are nearly the same, and a map of all of them."""

from __future__ import annotations

import logging
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from annotator.arrays import likeness
from annotator.arrays.features import FeatureFiles
from annotator.arrays.likeness import FEWEST, NO_GROUP, Comparison
from annotator.arrays.version_features import features_path
from annotator.errors import NotReady
from annotator.services.message import counted
from annotator.settings import Project
from annotator.store import versions
from annotator.worker.job_control import Control

ALIKE = 0.95
"""Cosine of two search vectors from which on two images are near duplicates; see decision 0411."""
CHANGED = 0.1
"""Share of the images that are new or other ones from which on the map is made anew."""
DIMENSIONS = 50
NEIGHBOURS = 15
ITERATIONS = (125, 375)
"""With the attraction between neighbours exaggerated, and without."""
_LARGE = 10_000
"""Images from which on repulsion is interpolated on a grid, in linear time."""
_ASK_EVERY = 10
_BLOCK = 2048
_SEED = 0

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]


def run(project: Project, control: Control, device: str) -> str:
    """Compare all images that have features, and say what came of it.

    Near duplicates are looked for whenever a feature has changed; the map, which takes longer and
    which people remember by sight, is made anew once `CHANGED` of the images are other ones.

    Args:
        project: Whose features, those that go with the promoted version.
        control: Told about progress, asked now and then.
        device: Of no use here: it runs on the processor.

    Raises:
        NotReady: If there are no features.
    """
    del device
    with control.store.reading() as tx:
        promoted = versions.promoted(tx)
    path = features_path(project, None if promoted is None else promoted.number)
    features = FeatureFiles.open(path)
    if features is None or not features.done.any():
        raise NotReady("The images have no features yet; run `annotator embed`.")
    made_of = likeness.stamps(features)
    rows = np.flatnonzero(made_of)
    vectors = np.asarray(features.search[rows], np.float32)
    said = []
    if _is_due(features, likeness.GROUPS, 0.0):
        control.report("looking for near duplicates", 0, len(rows))
        found = near_duplicates(
            vectors, lambda done: _asked(control, "near duplicates", done, len(rows))
        )
        groups = np.full(len(made_of), NO_GROUP, np.int32)
        groups[rows] = found
        likeness.write(path, likeness.GROUPS, Comparison(groups, made_of))
        said.append(f"{counted(found.max(initial=-1) + 1, 'group')} of near duplicates")
    if len(rows) >= FEWEST and _is_due(features, likeness.MAP, CHANGED):
        total = sum(ITERATIONS)
        places = np.full((len(made_of), 2), np.nan, np.float32)
        places[rows] = placed(vectors, lambda done: _asked(control, "drawing the map", done, total))
        likeness.write(path, likeness.MAP, Comparison(places, made_of))
        said.append("a new map")
    return f"Compared {counted(len(rows), 'image')}: {', '.join(said) or 'nothing has changed'}."


def _is_due(features: FeatureFiles, name: str, share: float) -> bool:
    kept = likeness.read(features.path, name)
    return kept is None or kept.changed_share(features) > share


def _asked(control: Control, stage: str, done: int, total: int) -> None:
    control.report(stage, done, total)
    control.check()


def near_duplicates(
    vectors: Floats, check: Callable[[int], None] = lambda _: None, alike: float = ALIKE
) -> npt.NDArray[np.int32]:
    """Return which rows are nearly the same, directly or through others that lie between.

    Args:
        vectors: `(n, D)`, unit length.
        check: Called now and then with the number of rows that are done; raises to give up.
        alike: Least cosine of two rows that are nearly the same.

    Returns:
        `(n,)` numbers of groups, from 0 in the order of their first row; NO_GROUP for a row that
        is like no other.
    """
    count = len(vectors)
    pairs = [np.zeros((0, 2), np.int64)]
    for start in range(0, count, _BLOCK):
        check(start)
        block = vectors[start : start + _BLOCK]
        for other in range(start, count, _BLOCK):
            one, two = np.nonzero(block @ vectors[other : other + _BLOCK].T >= alike)
            kept = one + start < two + other
            found = np.stack([one[kept] + start, two[kept] + other], axis=1)
            pairs.append(found if len(found) < _BLOCK else _fewest(found, count))
    first, members, sizes = _parts(np.concatenate(pairs), count)
    first = np.where(sizes > 1, first, count)
    numbers = np.empty(len(first), np.int32)
    numbers[np.argsort(first, kind="stable")] = np.arange(len(first))
    return np.where(sizes[members] > 1, numbers[members], NO_GROUP).astype(np.int32)


def _fewest(pairs: Rows, count: int) -> Rows:
    """Return as few pairs as connect the same rows: frames of a film are alike by the million."""
    first, members, _ = _parts(pairs, count)
    linked = np.flatnonzero(first[members] != np.arange(count))
    return np.stack([first[members[linked]], linked], axis=1)


def _parts(pairs: Rows, count: int) -> tuple[Rows, Rows, Rows]:
    """Return the parts that pairs connect rows to: first rows, part of each row, and sizes."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(pairs), bool), tuple(pairs.T)), shape=(count, count))
    _, parts = connected_components(graph, directed=False)
    _, first, members, sizes = np.unique(
        parts, return_index=True, return_inverse=True, return_counts=True
    )
    return first, members, sizes


def placed(
    vectors: Floats, check: Callable[[int], None] = lambda _: None, seed: int = _SEED
) -> Floats:
    """Return a place in the plane for each row, near those of the rows that are like it.

    Args:
        vectors: `(n, D)`, unit length, two rows or more.
        check: Called now and then with the number of iterations done; raises to give up.
        seed: For the approximate search for neighbours; the start is that of the principal axes.

    Returns:
        `(n, 2)`, each axis within -1 to 1, one scale for both.

    Source:
        Van der Maaten and Hinton, Visualizing data using t-SNE, 2008; Linderman et al., Fast
        interpolation-based t-SNE, 2019; Böhm et al., Attraction-repulsion spectrum, 2022, for
        fifteen neighbours of equal weight in place of a perplexity.
    """
    from openTSNE import TSNE
    from openTSNE.affinity import Uniform

    logging.getLogger("openTSNE").setLevel(logging.ERROR)  # it warns of what is meant so here
    count = len(vectors)
    reduced = _principal(vectors, DIMENSIONS)
    affinities = Uniform(
        reduced, k_neighbors=min(NEIGHBOURS, max(1, count // 8)), n_jobs=1, random_state=seed
    )
    early, late = ITERATIONS
    done = [0]

    def step(*_: object) -> None:
        done[0] += _ASK_EVERY
        check(done[0])

    check(0)
    places = TSNE(
        initialization="pca",
        negative_gradient_method="fft" if count >= _LARGE else "bh",
        early_exaggeration_iter=early,
        n_iter=late,
        n_jobs=1,
        random_state=seed,
        callbacks=[step],
        callbacks_every_iters=_ASK_EVERY,
    ).fit(reduced, affinities=affinities)
    found = np.asarray(places, np.float64)
    found -= (found.max(axis=0) + found.min(axis=0)) / 2
    return np.asarray(found / max(float(np.abs(found).max()), 1e-12), np.float32)


def _principal(vectors: Floats, width: int) -> npt.NDArray[np.float64]:
    """Return the rows along their directions of most spread, `(n, min(D, width))`."""
    centred = vectors - vectors.mean(axis=0)
    _, directions = np.linalg.eigh(centred.T.astype(np.float64) @ centred)
    return np.asarray(centred @ directions[:, ::-1][:, :width], np.float64)
