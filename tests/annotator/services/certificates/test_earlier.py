"""Certificates of the earlier procedure, as its last program left them in a project.

Certificate 1 is applied: 45 of 78 likely present pairs are filled in. Certificate 2 is open, and
three steps of it are certified, which fill in as absent.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from PIL import Image
from pydantic import TypeAdapter

from annotator.arrays import certificates as files
from annotator.errors import AnnotatorError, NotFound
from annotator.services.app import Services
from annotator.services.certificates.rows import ProofStatus
from annotator.store import certificates
from annotator.store.tables import probe
from annotator.wire.recording import SaveRequest

OLD = Path(__file__).parent / "earlier"


@pytest.fixture
def old(tmp_path: Path, made_once: Path, pictures: Path, clock: Any) -> Iterator[Services]:
    assert pictures.parent == tmp_path  # where the project looks for them
    path = Path(shutil.copytree(made_once / "project", tmp_path / "project"))
    (path / "labels.db").unlink()
    raw = sqlite3.connect(path / "labels.db")
    raw.executescript((OLD / "labels.sql").read_text(encoding="utf-8"))
    raw.close()
    for number in ("0001", "0002"):
        shutil.copytree(OLD / number, path / "certificates" / number)
    Image.new("RGB", (8, 6)).save(pictures / "0.png")
    for number in range(1, 160):
        (pictures / f"{number}.png").write_bytes((pictures / "0.png").read_bytes())
    services = Services.open(path)
    services.certification._clock = clock
    yield services
    services.close()


def test_they_can_be_read_with_what_they_promise(old: Services) -> None:
    applied, opened = old.certification.status(1), old.certification.status()

    for said in (applied, opened):
        TypeAdapter(ProofStatus).validate_python(said, strict=True)
        assert said["earlier"]
        assert (said["evidence"], said["questions_expected"], said["advice"]) == ([], None, [])
    assert (applied["state"], applied["fill"]) == ("applied", {"present": 45, "absent": 0})
    assert applied["statement"]["format"] == "fill-certificate/1"
    assert applied["present_side"]["certified_steps"] == 1
    assert (opened["certificate"], opened["certified_steps"], opened["steps"]) == (2, 3, 8)
    assert opened["promise"]["recall"] == 0.6
    assert opened["fill"]["absent"] > 600
    assert any("asks nothing more: apply" in sentence for sentence in opened["sentences"])
    assert [one["promised"] for one in opened["certificates"]] == [
        "recall 90 %, precision 70 %",
        "recall 60 %, precision 80 %",
    ]


def test_an_open_one_asks_nothing_more(old: Services) -> None:
    with old.store.writing() as tx:
        asked = old.probing._bound.supply(
            tx, count=9, without=(), can_show=lambda _: True, now=old.certification._clock()
        )

    assert asked == []


def test_what_an_open_one_has_certified_can_be_applied_and_rolled_back(old: Services) -> None:
    said, preview = old.certification.status(), old.certification.apply(dry_run=True)

    done = old.certification.apply()

    assert done == {**preview, "applied": True}
    assert said["fill"] == {"present": done["present"], "absent": done["absent"]}
    assert 600 < done["absent"] <= 799  # the third step
    pairs = files.read(old.project, 2, files.PAIRS)
    with old.store.reading() as tx:
        (_, fill) = old.fills.active(tx)
        found = tx.execute(sa.select(probe).where(probe.c.certificate_id == 2, probe.c.state == 1))
        present = {(row.image_id - 1, row.category_id - 1) for row in found}
    filled = {tuple(pair) for pair in pairs.tolist() if fill.bits.has(*pair)}
    assert filled <= {tuple(pair) for pair in pairs[:799].tolist()}
    assert not filled & present
    status = old.certification.status(2)
    assert status["statement"]["sentences"][0].startswith(
        f"{status['statement']['absent']['fill']}"
    )
    assert old.stopping.report()["filled"] == done["absent"] + 45
    assert old.certification.roll_back(2)["pairs"] == done["absent"]


def test_what_was_labelled_meanwhile_is_left_as_it_is(old: Services) -> None:
    image, category = files.read(old.project, 2, files.PAIRS)[0].tolist()
    before = old.certification.apply(dry_run=True)["absent"]
    change = {"image": image + 1, "category": category + 1, "state": "present"}

    old.recording.save("ann", SaveRequest(op="one", kind="answer", changes=[change]))

    assert old.certification.apply(dry_run=True)["absent"] == before - 1


def test_an_open_one_can_be_cancelled(old: Services) -> None:
    old.certification.cancel()

    assert old.certification.status(2)["state"] == "cancelled"
    with pytest.raises(NotFound, match="No certificate is open"):
        old.certification.apply()


def test_the_promise_of_an_applied_one_is_watched_as_before(old: Services) -> None:
    filled = np.argwhere(files.FillBits.read(old.project, 1, 6).rows(0, 160)[0])
    before = old.certification.status(1)["standing"]

    right = [{"image": int(i) + 1, "category": int(c) + 1, "state": "present"} for i, c in filled]
    old.recording.save("ann", SaveRequest(op="all", kind="answer", changes=right[:40]))

    after = old.certification.status(1)["standing"]
    assert (before["holds"], before["present"]["left"]) == (True, 45)
    assert before["present"]["promised"] == 0.3
    assert (after["holds"], after["present"]["left"], after["present"]["at_most_wrong"]) == (
        False,
        5,
        5,
    )
    assert "about present pairs is stale: 40 pairs" in after["sentence"]


def test_an_applied_one_is_exported_with_its_statement(old: Services, tmp_path: Path) -> None:
    (path,) = old.transfer.export(tmp_path / "out", content="certified")

    (row,) = json.loads(path.read_text())["info"]["certificates"]
    assert row["statement"]["present"]["promised_precision"] == 0.7
    assert row["promised"]["recall"] == 0.9


def test_pairs_in_another_order_than_the_frozen_one_are_refused(old: Services) -> None:
    path = files.folder(old.project, 2) / files.PAIRS
    pairs = np.load(path)
    np.save(path, pairs[::-1])

    with pytest.raises(
        AnnotatorError, match=r"pairs\.npy of certificate 2 is missing, damaged or not"
    ):
        old.certification.apply()

    with old.store.reading() as tx:
        assert certificates.get(tx, 2).state == "open"
