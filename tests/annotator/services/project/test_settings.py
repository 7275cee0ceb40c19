from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from annotator.arrays import versions as version_files
from annotator.arrays.versions import Queue, VersionParameters
from annotator.domain import JobKind
from annotator.errors import ProjectError, StoreMoved
from annotator.services.app import Services
from annotator.services.project.settings import EDITABLE
from annotator.services.training.control import METHODS
from annotator.settings import PROJECT_FILE, Asking, load_project
from annotator.store import jobs, versions
from mlrpl.decision.calibration import raw_threshold


def test_every_setting_that_can_be_changed_is_explained(services: Services) -> None:
    row = services.preferences.rows()

    assert [r["key"] for r in row["settings"]] == list(EDITABLE)
    assert all(r["help"].endswith(".") for r in row["settings"])
    assert [m["name"] for m in row["methods"]] == list(METHODS)


def test_a_change_is_in_the_file_and_in_use_at_once(services: Services) -> None:
    said = services.preferences.save(
        {
            "name": "Zoo",
            "suggestions.aim": "f1",
            "suggestions.threshold": 0.8,
            "asking.strategy": "uncertainty",
            "asking.diversity": False,
            "retraining.min_answers": 5.0,
        }
    )

    saved = load_project(services.project.path).settings
    assert (saved.name, saved.suggestions.threshold, saved.retraining.min_answers) == (
        "Zoo",
        0.8,
        5,
    )
    assert saved.suggestions.aim == "f1"
    assert saved.asking == Asking(strategy="uncertainty", diversity=False)
    assert said["changed"] == [
        *("name", "suggestions.aim", "suggestions.threshold"),
        *("asking.strategy", "asking.diversity", "retraining.min_answers"),
    ]
    assert said["message"] == (
        "Saved: Project name, Thresholds chosen by, Suggestion threshold, "
        "Image order (active learning), Prefer diverse images, New answers."
    )
    assert services.labelling.start("Ann")["project"]["name"] == "Zoo"


def test_comments_of_the_file_stay(services: Services) -> None:
    file = services.project.path / PROJECT_FILE
    file.write_text(
        "# ours\n" + file.read_text().replace("min_answers = 50", "min_answers = 50 # !")
    )

    services.preferences.save({"description": "Animals.", "retraining.min_answers": 7})

    text = file.read_text()
    assert text.startswith("# ours\n")
    assert "min_answers = 7 # !" in text
    assert 'description = "Animals."' in text


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"suggestions.threshold": 1.0},
            "^Suggestion threshold must be .* above 0 and below 1, not",
        ),
        ({"retraining.min_answers": 2.5}, "must be a whole number"),
        ({"retraining.every_hours": 0}, "above 0"),
        ({"asking.strategy": "psychic"}, "random, .* or information_gain, not 'psychic'"),
        ({"suggestions.aim": "best"}, "probability, f1 or precision"),
        ({"method": "magic"}, "no method 'magic'"),
        ({"database": "x.db"}, "database cannot be changed here"),
        ({"backbone": "timm:resnet50"}, "backbone cannot be changed here"),
        ({"name": None}, "^Project name must be text, not nothing.$"),
    ],
)
def test_a_value_that_is_not_allowed_changes_nothing(
    services: Services, values: dict[str, object], message: str
) -> None:
    before = (services.project.path / PROJECT_FILE).read_bytes()

    with pytest.raises(ProjectError, match=message):
        services.preferences.save({"name": "new", **values})

    assert (services.project.path / PROJECT_FILE).read_bytes() == before
    assert services.project.settings.name != "new"


def test_what_was_edited_by_hand_meanwhile_is_kept_and_taken_over(services: Services) -> None:
    file = services.project.path / PROJECT_FILE
    file.write_text(file.read_text().replace("min_present = 10", "min_present = 3"))

    services.preferences.save({"name": "Zoo"})

    assert services.project.settings.retraining.min_present == 3
    assert "min_present = 3" in file.read_text()


def test_saving_the_same_says_so(services: Services) -> None:
    assert services.preferences.save({"method": "kernel_ridge"})["changed"] == []


def test_the_version_in_use_takes_a_new_threshold_without_scoring(services: Services) -> None:
    made = _version(services)
    before = services.suggestions.current()[1]
    assert before is not None

    services.preferences.save({"suggestions.threshold": 0.9})
    after = services.suggestions.current()[1]

    assert after is not None
    expected = raw_threshold(made.calibration, 0.9)
    assert after.parameters.thresholds[0] == pytest.approx(expected[0])
    assert after.parameters.thresholds[1:] == (0.25, np.inf)
    scores = np.array([1.5, 0.5, 9.0])
    assert before.suggested(scores).tolist() == [True, True, False]
    assert after.suggested(scores).tolist() == [False, True, False]


def _version(services: Services) -> VersionParameters:
    """Promote a version with a calibrated, a ranked and an untaught category."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    counts = {"trained_answers": 0, "trained_present": 0, "last_operation": 0}
    with services.store.writing() as tx:
        jobs.enqueue(tx, JobKind.TRAIN, {}, now)
        job = jobs.claim(tx, "test", [JobKind.TRAIN], now)
        assert job is not None
        number = versions.reserve(tx, job, method="hst", backbone="none", now=now, **counts)
    parameters = VersionParameters(
        method="hst",
        backbone="none",
        category_ordinals=(0, 1, 2),
        slope=1.0,
        intercepts=(0.0, 0.0, 0.0),
        thresholds=(0.0, 0.25, np.inf),
        ranked_only=(1,),
    )
    version_files.write(
        version_files.folder(services.project, number),
        parameters,
        np.zeros((6, 3), np.float32),
        Queue(np.arange(6, dtype=np.int32), np.zeros((3, 1), np.int32)),
        {},
        save_weights=lambda path: path.write_bytes(b""),
    )
    with services.store.writing() as tx:
        made = {"metrics": {}, "training_seconds": 1.0, "promote": True, "note": ""}
        versions.publish(tx, job, number, now=now, **made)
    return parameters


def test_the_settings_of_what_was_put_in_the_place_of_the_project_stay(services: Services) -> None:
    path = services.project.path
    path.rename(path.with_name("away"))
    path.mkdir()
    (path / PROJECT_FILE).write_text("name = 'another'\n")

    with pytest.raises(StoreMoved):
        services.preferences.save({"name": "Zoo"})

    assert (path / PROJECT_FILE).read_text() == "name = 'another'\n"
