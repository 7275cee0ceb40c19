"""What a category's name says about its pictures, before anybody has labelled one.

A backbone was taught the thousand classes of ImageNet. Each class has a name and a definition, and
so has almost every everyday noun. Classes whose words overlap with those of a category speak for
it: "skateboard" is not among the thousand, but its definition shares its words with scooters and
boards. This needs no network: timm carries the 22,000 definitions.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy import sparse

Floats = npt.NDArray[np.float64]

SENSES = 3
"""Meanings of a name whose definitions are read, in the order of the list."""
NAME_REPEATS = 2
"""How often the name counts beside its definitions."""
_ENDINGS = (("ies", "y"), ("ches", "ch"), ("shes", "sh"), ("sses", "ss"), ("s", ""))


def class_affinities(names: Sequence[str]) -> Floats:
    """Return how much each ImageNet class speaks for each category.

    Args:
        names: The categories' names, of any spelling and number of words.

    Returns:
        `(C, 1000)`, not negative; a row adds up to 1, or is zero where no class shares a word with
        the name or with its definitions.

    Source:
        Our own: squared cosine similarity of texts, each word weighted by the logarithm of its
        count and by its rarity among ImageNet's 22,000 definitions.
    """
    rarity, senses, classes = _dictionary()
    texts = [_text(name, senses) for name in names]
    squared = np.asarray((_vectors(texts, rarity) @ classes.T).todense()) ** 2
    total = squared.sum(axis=1, keepdims=True)
    return np.asarray(squared / np.where(total > 0, total, 1.0), dtype=np.float64)


def _words(text: str) -> list[str]:
    return [_singular(word) for word in re.findall(r"[a-z]+", text.lower())]


def _singular(word: str) -> str:
    if len(word) > 3:
        for ending, replacement in _ENDINGS:
            if word.endswith(ending):
                return word[: -len(ending)] + replacement
    return word


def _text(name: str, senses: dict[tuple[str, ...], list[str]]) -> list[str]:
    words = _words(name)
    meanings = senses.get(tuple(words), [])[:SENSES] if words else []
    return words * NAME_REPEATS + [word for meaning in meanings for word in _words(meaning)]


@lru_cache(maxsize=1)
def _dictionary() -> tuple[
    dict[str, tuple[int, float]], dict[tuple[str, ...], list[str]], sparse.csr_matrix
]:
    """Return `(word -> column and rarity, name -> meanings, vectors of the thousand classes)`."""
    from timm.data import ImageNetInfo

    everything, classes = ImageNetInfo("imagenet-22k"), ImageNetInfo("imagenet-1k")
    senses: dict[tuple[str, ...], list[str]] = {}
    found: Counter[str] = Counter()
    for index in range(everything.num_classes()):
        meaning = everything.index_to_description(index, detailed=True)
        found.update(set(_words(meaning)))
        for lemma in everything.index_to_description(index).split(","):
            senses.setdefault(tuple(_words(lemma)), []).append(meaning)
    documents = everything.num_classes()
    often = sorted(word for word, count in found.items() if count > 1)
    rarity = {
        word: (column, float(np.log((1 + documents) / (1 + found[word])) + 1))
        for column, word in enumerate(often)
    }
    texts = [_words(classes.index_to_description(i, detailed=True)) for i in range(1000)]
    return rarity, senses, _vectors(texts, rarity)


def _vectors(texts: list[list[str]], rarity: dict[str, tuple[int, float]]) -> sparse.csr_matrix:
    """Return one unit-length row of word weights for each text; zero where no word is known."""
    rows, columns, values = [], [], []
    for row, text in enumerate(texts):
        for word, count in Counter(w for w in text if w in rarity).items():
            column, rare = rarity[word]
            rows.append(row)
            columns.append(column)
            values.append((1 + np.log(count)) * rare)
    matrix = sparse.csr_matrix((values, (rows, columns)), shape=(len(texts), len(rarity)))
    length = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)))
    return sparse.csr_matrix(matrix.multiply(1 / np.where(length > 0, length, 1)))
