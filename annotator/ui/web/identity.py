"""The annotator's name: asked once, kept in a cookie, attached to every change."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse

from annotator.domain import person_name
from annotator.errors import AnnotatorError

if TYPE_CHECKING:
    from collections.abc import Mapping

COOKIE = "annotator_name"
"""Cookie that holds the name, percent-encoded."""

_YEAR_SECONDS = 365 * 24 * 3600


def checked_name(name: object) -> str:
    """Return what a browser gives as a name, as `person_name` keeps it.

    Raises:
        AnnotatorError: If it is no name; the message says why.
    """
    if not isinstance(name, str) or not name.strip():
        raise AnnotatorError("Please enter your name; it is stored with your answers.")
    return person_name(name)


def name_of(cookies: Mapping[str, str]) -> str | None:
    """Return the name in a request's cookies, None if there is none that is valid."""
    try:
        return checked_name(unquote(cookies.get(COOKIE, ""), errors="strict"))
    except (AnnotatorError, UnicodeDecodeError):
        return None


def nearest_name(cookie: str) -> str:
    """Return a `Cookie` header without the names of projects above this one on the same host.

    Of cookies with one name a browser sends that of the longest path first; read as a mapping, the
    last would count.
    """
    kept, known = [], False
    for part in cookie.split(";"):
        is_name = part.partition("=")[0].strip() == COOKIE
        if not (is_name and known):
            kept.append(part)
        known = known or is_name
    return ";".join(kept)


def name_routes() -> APIRouter:
    """Return the route `POST /name` with a JSON body `{"name": ...}`, which sets the cookie."""
    router = APIRouter()

    @router.post("/name")
    async def keep_name(request: Request) -> JSONResponse:
        try:
            body = await request.json()
        except (ValueError, RecursionError):
            body = None
        try:
            name = checked_name(body.get("name") if isinstance(body, dict) else None)
        except AnnotatorError as error:
            return JSONResponse({"ok": False, "refused": True, "message": str(error)})
        response = JSONResponse({"ok": True, "name": name})
        # Without a path a browser sends it only to where it came from: of two projects below one
        # host each has its own, and the path may be one that a proxy cut off.
        response.set_cookie(
            COOKIE, quote(name), max_age=_YEAR_SECONDS, httponly=True, samesite="lax", path=None
        )
        return response

    return router
