from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from annotator.errors import SetBack
from annotator.services.app import Services
from annotator.services.project.identity import ANCESTORS, PROJECT_FILE, PROJECT_KEY
from annotator.store import key_values
from annotator.wire.recording import SaveRequest


def lineage_at(path: Path) -> tuple[str, list[str]]:
    services = Services.open(path)
    try:
        return services.lineage.key(), services.lineage.ancestors()
    finally:
        services.close()


def test_a_project_keeps_its_key_also_when_it_is_moved(services: Services) -> None:
    path = services.project.path
    key = services.lineage.key()
    services.store.close()

    again = lineage_at(path)
    moved = lineage_at(path.rename(path.with_name("moved")))

    assert again == moved == (key, [])


def test_a_copy_has_a_key_of_its_own_and_knows_the_one_it_comes_from(
    services: Services, tmp_path: Path
) -> None:
    key = services.lineage.key()
    services.store.close()
    shutil.copytree(services.project.path, tmp_path / "copy")

    copied, ancestors = lineage_at(tmp_path / "copy")

    assert copied != key
    assert ancestors == [key]
    assert lineage_at(tmp_path / "copy") == (copied, [key])
    assert lineage_at(services.project.path) == (key, [])


def test_a_key_from_before_files_were_noted_becomes_an_ancestor(services: Services) -> None:
    with services.store.writing() as tx:
        key_values.put(tx, PROJECT_KEY, "old")
        assert key_values.get(tx, PROJECT_FILE) is None

    assert services.lineage.key() != "old"
    assert services.lineage.ancestors() == ["old"]


def test_the_page_starts_with_the_key_and_the_ancestors(services: Services) -> None:
    with services.store.writing() as tx:
        key_values.put(tx, ANCESTORS, [])

    project = services.labelling.start("Ann")["project"]

    assert project["key"] == services.lineage.key()
    assert project["ancestors"] == []


def test_a_database_without_an_acknowledged_operation_was_set_back(services: Services) -> None:
    change = {"image": 1, "category": 1, "state": "present"}
    services.recording.save("Ann", SaveRequest(op="one", kind="answer", changes=[change]))

    services.lineage.refuse_set_back("one")
    services.lineage.refuse_set_back(None)

    with pytest.raises(SetBack, match="older state"):
        services.lineage.refuse_set_back("two")
