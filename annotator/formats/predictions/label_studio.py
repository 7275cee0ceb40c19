"""Reads the predictions in a JSON export of Label Studio."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from annotator.errors import FormatError
from annotator.formats.json_shapes import Row, is_finite, kind_of, rows
from annotator.formats.notes import Notes
from annotator.formats.predictions.names import Names
from annotator.formats.predictions.records import Scores

_PICTURE = re.compile(
    r"\.(jpe?g|jpe|jfif|png|gif|bmp|webp|tiff?|hei[cf]|avif)([?#]|$)", re.IGNORECASE
)
_UPLOADED = re.compile(r"^[0-9a-f]{8}-")
"""What is put before the name of an uploaded file."""


def read(path: Path, document: Any, names: Names, notes: Notes) -> Scores:
    """Return the scores of the predictions of all tasks.

    A result of a prediction names what it found under `choices`, `rectanglelabels` and the like;
    its own score counts, else that of the prediction. A prediction without any score is certain.

    Raises:
        FormatError: If it is no list of tasks.
    """
    if not isinstance(document, list):
        raise FormatError(f"{path}: the top level is {kind_of(document)}, not a list of tasks.")
    found = Scores(path)
    for task in rows(path, {"tasks": document}, "tasks", notes):
        image = _image(task)
        found.speaks_about(image)
        for prediction in _objects(task, "predictions"):
            if not isinstance(prediction.get("result"), list):
                task.refuse("predictions", "hold no 'result'; export tasks as JSON, not JSON-MIN")
            for result in prediction["result"]:
                for name in _labels(task, result):
                    score = _score(task, result, prediction)
                    found.add(image, names.category(name), score)
    return found


def _objects(task: Row, key: str) -> list[dict[str, Any]]:
    value = task.values.get(key) or []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        task.wrong(key, "a list of objects; export tasks as JSON")
    return value


def _labels(task: Row, result: Any) -> list[str]:
    """Return what one result says is there; nothing where it is about something else.

    Raises:
        FormatError: If it says something that cannot be read as names.
    """
    if not isinstance(result, dict):
        task.refuse("predictions", f"hold a result that is {kind_of(result)}, not an object")
    value = result.get("value")
    if value is None and "from_id" in result:  # a relation of two others
        return []
    if not isinstance(value, dict):
        task.refuse("predictions", f"hold a result whose 'value' is {kind_of(value)}, no object")
    names: list[str] = []
    for key in (key for key in value if key == "choices" or key.endswith("labels")):
        if not isinstance(value[key], list) or not all(isinstance(v, str) for v in value[key]):
            task.refuse("predictions", f"hold a result whose {key!r} must be a list of names")
        names += [name.strip() for name in value[key] if name.strip()]
    if not names:
        task.note("predictions", "Results that name no category, left out")
    return names


def _score(task: Row, result: Any, prediction: dict[str, Any]) -> float:
    for place in (result, prediction):
        score = place.get("score")
        if score is not None:
            if not is_finite(score):
                task.refuse("predictions", f"hold a score that is no number: {score!r:.40}")
            return float(score)
    task.note("predictions", "Predictions without a score, read as certain")
    return 1.0


def _image(task: Row) -> str:
    """Return the file name of a task's picture.

    Raises:
        FormatError: If no field of its data is one.
    """
    data = task.values.get("data")
    texts = [v for v in data.values() if isinstance(v, str)] if isinstance(data, dict) else []
    pictures = [text for text in texts if _PICTURE.search(text)] or texts
    if not pictures:
        task.refuse("data", "names no picture; export tasks with their data")
    return _name_in(pictures[0].strip())


def _name_in(address: str) -> str:
    """Return the file name in what Label Studio calls a picture.

    >>> _name_in("/data/upload/1/0a1b2c3d-cat.jpg"), _name_in("/data/local-files/?d=set/a%20b.jpg")
    ('cat.jpg', 'set/a b.jpg')
    """
    try:
        parts = urlsplit(address)
    except ValueError:
        return address
    local = parse_qs(parts.query).get("d")
    if local:
        return local[0]
    path = unquote(parts.path)
    if "/upload/" in path:
        return _UPLOADED.sub("", path.rpartition("/")[2])
    return path.rpartition("/")[2] if parts.scheme else path
