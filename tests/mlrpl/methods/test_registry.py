"""Methods by name."""

from __future__ import annotations

import subprocess
import sys

import pytest

from mlrpl.data import Dimensions
from mlrpl.methods import build, describe, names, register
from mlrpl.methods.partial_bce import PartialBCE, PartialBCEConfig


def test_every_listed_method_can_be_described_and_built() -> None:
    for name in names():
        described = describe(name)
        method = build(name, Dimensions(3, 8, 4, 6), described.options)

        assert described.summary
        assert described.paper
        assert described.training["epochs"] >= 1
        assert method.needs_tokens == described.needs_tokens


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"unknown method 'hts'; known: .*partial_bce"):
        build("hts", Dimensions(1, 1))


def test_an_unknown_option_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match="no option 'sped'; known: power"):
        build("partial_bce", Dimensions(1, 1), {"sped": 1})


def test_a_name_is_given_once() -> None:
    with pytest.raises(ValueError, match="already registered by mlrpl"):
        register("partial_bce", PartialBCEConfig)(PartialBCE)


def test_names_need_one_column_each() -> None:
    with pytest.raises(ValueError, match="2 category names for 1 categories"):
        build("partial_bce", Dimensions(1, 1), category_names=["cat", "dog"])


def test_listing_the_names_imports_no_torch() -> None:
    code = "import sys; from mlrpl.methods import names; names(); sys.exit('torch' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_no_method_without_a_category() -> None:
    with pytest.raises(ValueError, match="at least 1 category"):
        Dimensions(0, 1)
    with pytest.raises(ValueError, match="must not be negative"):
        Dimensions(1, -1)
