"""The documents say what the program does: commands, settings, methods, formats, errors, README."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import typer

from annotator import errors
from annotator.cli import app
from annotator.formats import FORMATS
from annotator.services.training.challengers import AUTO
from annotator.services.training.control import METHODS
from annotator.settings import FIELDS
from mlrpl.methods import names

Load = Callable[[Path], ModuleType]

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"


def commands() -> dict[str, typer.models.CommandInfo]:
    found = {}
    for info in app.registered_commands:
        assert info.callback is not None
        found[info.name or info.callback.__name__.replace("_", "-")] = info
    return found


def test_the_command_reference_is_up_to_date(load_module: Load) -> None:
    generated = load_module(ROOT / "scripts" / "cli_docs.py").document()

    assert (DOCS / "cli.md").read_text() == generated, (
        "run `python scripts/cli_docs.py > docs/cli.md`"
    )


def test_the_list_of_messages_is_up_to_date(load_module: Load) -> None:
    generated = load_module(ROOT / "scripts" / "messages_docs.py").document()

    assert (DOCS / "messages.md").read_text() == generated, (
        "run `python scripts/messages_docs.py > docs/messages.md`"
    )


@pytest.mark.parametrize("name", sorted(commands()))
def test_every_command_says_what_it_does(name: str) -> None:
    callback = commands()[name].callback

    assert callback is not None
    assert inspect.getdoc(callback)


def test_the_table_of_settings_is_up_to_date(load_module: Load) -> None:
    generated = load_module(ROOT / "scripts" / "settings_docs.py").document()

    assert (DOCS / "settings.md").read_text() == generated, "run `python scripts/settings_docs.py`"


@pytest.mark.parametrize("name", FIELDS)
def test_every_setting_is_documented(name: str) -> None:
    assert f"`{name}`" in (DOCS / "settings.md").read_text()


@pytest.mark.parametrize("name", sorted(names()))
def test_every_method_is_documented(name: str) -> None:
    assert f"`{name}`" in (DOCS / "methods.md").read_text()


def test_the_app_offers_every_method_of_the_library() -> None:
    assert sorted(METHODS) == sorted([AUTO, *names()])


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_every_format_is_documented(name: str) -> None:
    assert f"`{name}`" in (DOCS / "formats.md").read_text()


@pytest.mark.parametrize(
    "name",
    [n for n, c in vars(errors).items() if inspect.isclass(c) and issubclass(c, Exception)],
)
def test_every_error_is_explained(name: str) -> None:
    assert f"`{name}`" in (DOCS / "troubleshooting.md").read_text()


def test_every_command_in_the_readme_exists() -> None:
    text = (ROOT / "README.md").read_text()
    used = set(re.findall(r"^\$? *annotator ([a-z]+)", text, flags=re.MULTILINE))
    groups = {group.name for group in app.registered_groups}

    assert used
    assert used <= set(commands()) | groups


@pytest.mark.parametrize(
    "file", sorted(ROOT.glob("*.md")) + sorted(DOCS.rglob("*.md")), ids=lambda p: p.name
)
def test_every_link_between_documents_leads_somewhere(file: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", file.read_text())

    assert [link for link in links if not (file.parent / link).exists()] == []
