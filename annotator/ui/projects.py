"""Several projects at one address, each below its own path and opened when somebody goes there."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, RedirectResponse, Response

from annotator.errors import AnnotatorError, TemporaryError
from annotator.services.project.several_projects import project_folders
from annotator.ui.boundary import FAILED

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.types import Receive, Scope, Send

log = logging.getLogger("annotator.serve")

Opened = tuple["FastAPI", Callable[[], None]]
"""The application of a project, and what closes the project."""


class ListOfProjects(Protocol):
    """What is shown beside the projects themselves."""

    def listed(self) -> str:
        """Return the page of all projects."""

    def file(self, name: str, rest: str) -> Response | None:
        """Return a file of these pages, or None: `name` is the first part of a path."""

    def refused(self, title: str, reason: str, home: str) -> str:
        """Return a page that says why there is nothing else at an address; `home` is the list."""


class Projects:
    """Passes requests on to the project that their path begins with.

    The applications take their own paths, as behind a proxy that cuts off what lies before them.

    Args:
        folder: Where the projects lie; it is read anew for each list.
        open_project: Opens one; called in a thread, never for two at once.
        pages: What is shown at the root, and where nothing else is.
        root_path: Public path of the list, which a proxy may have cut off; see `RootPath`.
    """

    def __init__(
        self,
        folder: Path,
        open_project: Callable[[Path], Opened],
        pages: ListOfProjects,
        *,
        root_path: str = "",
    ) -> None:
        self._folder = folder
        self._open_project = open_project
        self._pages = pages
        self._root = root_path
        self._lives: dict[str, _Life] = {}
        self._closes: list[Callable[[], None]] = []
        self._waiting: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        # Gradio builds pages by way of what is global to the process.
        self._building = threading.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the list, with a page that says what is wrong, or as the project does."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        path = scope["path"]
        if self._root and (path == self._root or path.startswith(f"{self._root}/")):
            if path == self._root:
                await _moved(self._root.rpartition("/")[2])(scope, receive, send)
                return
            path = path[len(self._root) :]
        name, slash, rest = path.lstrip("/").partition("/")
        answer = await self._answer(name, rest, path)
        if isinstance(answer, _Life) and not slash:
            answer = _moved(name)
        if isinstance(answer, _Life):
            inner = {**scope, "path": f"/{rest}", "raw_path": quote(f"/{rest}").encode()}
            await answer.app(inner, receive, send)
        else:
            await answer(scope, receive, send)

    def close(self) -> None:
        """Close all projects, at the same time: each may wait for its trainer."""
        if self._closes:
            with ThreadPoolExecutor(len(self._closes)) as threads:
                for done in [threads.submit(close) for close in self._closes]:
                    done.result()

    async def _answer(self, name: str, rest: str, path: str) -> _Life | Response:
        if not name:
            return await run_in_threadpool(self._list)
        file = self._pages.file(name, rest)
        home = "../" * path.lstrip("/").count("/") or "./"
        return file or await self._opened(name, home)

    async def _opened(self, name: str, home: str) -> _Life | Response:
        async with self._waiting[name]:
            if name in self._lives:
                return self._lives[name]
            if name == "favicon.ico":  # browsers ask for one by themselves
                return Response(status_code=204)
            try:
                path = await run_in_threadpool(self._find, name)
                if path is None:
                    del self._waiting[name]  # names that are no projects are not kept
                    reason = f"{self._folder.name} has no project of this name."
                    return self._refusal(404, name, reason, home)
                app = await run_in_threadpool(self._build, path)
            except AnnotatorError as error:
                status = 503 if isinstance(error, TemporaryError) else 500
                return self._refusal(status, name, str(error), home)
            except Exception:
                log.exception("project %s cannot be opened", name)
                return self._refusal(500, name, FAILED, home)
            life = self._lives[name] = _Life(app)
            await life.begin()
            return life

    def _find(self, name: str) -> Path | None:
        return next((p for p in project_folders(self._folder) if p.name == name), None)

    def _build(self, path: Path) -> FastAPI:
        with self._building:
            app, close = self._open_project(path)
            self._closes.append(close)
            return app

    def _list(self) -> Response:
        try:
            page = self._pages.listed()
        except AnnotatorError as error:
            return self._refusal(500, "Projects", str(error), "./")
        return HTMLResponse(page, headers={"Cache-Control": "no-store"})

    def _refusal(self, status: int, title: str, reason: str, home: str) -> Response:
        page = self._pages.refused(title, reason, home)
        return HTMLResponse(page, status, {"Cache-Control": "no-store"})

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        for life in self._lives.values():
            await life.end()
        await send({"type": "lifespan.shutdown.complete"})


class _Life:
    """What an application does from its first request until the server ends."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app
        self._begun = asyncio.Event()
        self._ends = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Return once it has begun; what it raises is raised here."""
        self._task = asyncio.create_task(self._run())
        waiting = asyncio.create_task(self._begun.wait())
        await asyncio.wait({self._task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if self._task.done():
            self._task.result()

    async def end(self) -> None:
        """Return once it has ended."""
        self._ends.set()
        if self._task is not None:
            await self._task

    # In one task, as what is begun in a task has to be ended in it.
    async def _run(self) -> None:
        async with self.app.router.lifespan_context(self.app):
            self._begun.set()
            await self._ends.wait()


def _moved(name: str) -> RedirectResponse:
    # A relative address: only the browser knows what a proxy put before it.
    return RedirectResponse(f"./{quote(name)}/", 307)
