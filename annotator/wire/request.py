"""What all requests share: how one is read, kinds of fields, the sentence if one does not fit."""

from __future__ import annotations

import unicodedata
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from annotator.errors import AnnotatorError

LONGEST_ID = 64
"""Characters of an id that a page makes up."""

LARGEST = 2**53 - 1
"""The largest whole number that a browser knows exactly."""


POSSIBLE_YEARS = range(2000, 2200)
"""Years that the clock of a browser may show; one that is set wrong shows 1 or 1970."""

FAULTS = {
    "missing": "is missing",
    "int_type": "should be a whole number",
    "string_type": "should be text",
    "tuple_type": "should be a list",
    "model_type": "should be an object",
    "too_short": "should not be empty",
}
"""Plainer words than those of Pydantic, by its names of the faults."""


def _storable(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("should be text that can be stored") from None
    if "\0" in text:
        raise ValueError("should be text that can be stored")
    return text


def _typed(text: Any) -> Any:
    return "".join(filter(_is_typed, text)) if isinstance(text, str) else text


def _is_typed(sign: str) -> bool:
    return sign in "\t\n\r" or unicodedata.category(sign) != "Cc"


def _moment(value: Any) -> datetime | None:
    try:
        said = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return said if said.tzinfo and said.year in POSSIBLE_YEARS else None


def _milliseconds(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    return int(min(max(0.0, value), 2**31 - 1))


Text = Annotated[str, AfterValidator(_storable)]

Typed = Annotated[Text, BeforeValidator(_typed)]
"""What a person typed; control characters, which nobody sees, are left out."""

ClientId = Annotated[Text, Field(min_length=1, max_length=LONGEST_ID)]
"""An id that a page made up, such as that of an operation."""

TabName = Annotated[Text, AfterValidator(lambda name: name[:LONGEST_ID])]
"""What a browser tab calls itself; leases are held in this name."""

Whole = Annotated[int, Field(strict=True, ge=-LARGEST, le=LARGEST)]

Id = Annotated[int, Field(strict=True, ge=0, le=2**31 - 1)]
"""An id that the server gave, or a version's number."""

AnswerId = Annotated[int, Field(strict=True, ge=0, le=LARGEST)]
"""Id of an answer; there may be more of them than of anything else."""

Moment = Annotated[datetime | None, BeforeValidator(_moment)]
"""When something happened by the browser's clock; a wrong one must not lose an answer: None."""

Milliseconds = Annotated[int, BeforeValidator(_milliseconds)]
"""How long something took; below 0 and above the largest that is kept, the nearest that is."""

Probability = Annotated[float, AfterValidator(lambda value: min(1.0, max(0.0, value)))]
"""0 to 1; beyond, the nearer end."""


class Request(BaseModel):
    """What a page sends with one call; fields that this server does not know are ignored."""

    model_config = ConfigDict(frozen=True)

    @classmethod
    def read(cls, data: object) -> Self:
        """Return the request in `data`, which came as JSON.

        Raises:
            AnnotatorError: If a field is not as a page sends it; the message says which.
        """
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            raise AnnotatorError(_sentence(error)) from None


class QueuedRequest(Request):
    """What waits in the browser until it is acknowledged, so that it may come twice or late."""

    last: Text | None = None
    """Client id of the newest operation that this browser had acknowledged."""


def _sentence(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"]) or "the request"
    fault = FAULTS.get(first["type"]) or str(first["msg"]).removeprefix("Value error, ")
    fault = fault.removeprefix("Input ")
    return (
        "The page sent a request that this server does not understand: "
        f"{place} {fault}; reload the page."
    )
