"""Serves projects: the pages in this process, each worker in another, all stopped cleanly."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import threading
import time
import webbrowser
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from annotator.errors import AnnotatorError
from annotator.services.project.several_projects import (
    is_project,
    largest_upload,
    project_folders,
)
from annotator.ui.served_project import ServedProject, ServeOptions
from annotator.ui.web.addresses import address, who_may
from annotator.ui.web.periodic_tasks import Housekeeping
from annotator.ui.web.security import RequestGuard

if TYPE_CHECKING:
    from fastapi import FastAPI

    from annotator.ui.web.files import WebFiles

log = logging.getLogger("annotator.serve")


def bound_socket(host: str, port: int) -> socket.socket:
    """Return a listening socket.

    Raises:
        AnnotatorError: If the port is in use or the host is not one of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With its protocol named asyncio sends at once; else a second part of an answer waits 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        if port and error.errno in (98, 48, 10048):  # EADDRINUSE on Linux, macOS, Windows
            raise AnnotatorError(
                f"Port {port} is in use by another program; choose another with --port."
            ) from None
        raise AnnotatorError(
            f"Cannot listen on {host}:{port} ({error.strerror}); choose --host or --port."
        ) from None
    return listener


def run_server(
    app: Any, listener: socket.socket, *, on_ready: Callable[[], None] = lambda: None
) -> None:
    """Serve an ASGI app until SIGINT or SIGTERM, also while browsers hold streams open.

    Args:
        app: The ASGI application.
        listener: From `bound_socket`.
        on_ready: Called once requests are answered.
    """
    import uvicorn

    # What a proxy says about itself is not believed: anybody may say it.
    config = uvicorn.Config(
        app, log_level="warning", timeout_graceful_shutdown=1, proxy_headers=False
    )
    server = uvicorn.Server(config)
    logging.getLogger("uvicorn.error").addFilter(_quiet_cancellations)

    def announce() -> None:
        while not server.started and not server.should_exit:
            time.sleep(0.02)
        if server.started:
            on_ready()

    threading.Thread(target=announce, daemon=True).start()
    # uvicorn re-raises the signal it stopped for; swallow it so that the caller can tidy up.
    previous = {s: signal.signal(s, lambda *_: None) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        server.run(sockets=[listener])
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _quiet_cancellations(record: logging.LogRecord) -> bool:
    """Drop the traces of streams that were cut because the server stops; nobody can act on them."""
    text = record.getMessage()
    if text.startswith("Cancel ") and "graceful shutdown" in text:
        return False
    return "Exception in ASGI application" not in text or not _is_cancellation(record)


def _is_cancellation(record: logging.LogRecord) -> bool:
    kind = record.exc_info[0] if record.exc_info else None
    return kind is not None and kind.__name__ == "CancelledError"


def set_offline_defaults() -> None:
    """Keep Gradio and the model hub from calling home; must run before gradio is imported."""
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")


def serve(path: Path, **options: Any) -> None:
    """Serve a project, or all projects that lie in a folder, until Ctrl-C or SIGTERM.

    Args:
        path: The project directory, or a folder that is no project and holds some.
        options: See `ServeOptions`.

    Raises:
        AnnotatorError: If the project cannot be opened or the port is taken.
    """
    environment = dict(os.environ)  # before the offline defaults: the trainer may fetch weights
    set_offline_defaults()
    chosen = ServeOptions(**options)
    if path.is_dir() and not is_project(path) and project_folders(path):
        serve_folder(path, chosen, environment)
    else:
        serve_project(path, chosen, environment)


def serve_project(path: Path, options: ServeOptions, environment: Mapping[str, str]) -> None:
    """Serve one project; see `serve`."""
    with ExitStack() as stack:
        project = ServedProject(path)
        stack.callback(project.close)
        listener = bound_socket(options.host, options.port)
        files = _web_files(project.max_upload, stack)
        app = project.pages(options, port=listener.getsockname()[1], files=files)
        project.start(options, environment)
        _run(app, listener, options)


def serve_folder(path: Path, options: ServeOptions, environment: Mapping[str, str]) -> None:
    """Serve all projects that lie in a folder, each below its own path; see `serve`.

    A project is opened when somebody goes there for the first time. What may be uploaded is the
    most that any of them allows, as they share the place for it.
    """
    from annotator.ui.projects import Projects
    from annotator.ui.projects_page import ProjectsPage  # late: the web framework

    with ExitStack() as stack:
        listener = bound_socket(options.host, options.port)
        port = listener.getsockname()[1]
        files = _web_files(largest_upload(project_folders(path)), stack)

        def opened(folder: Path) -> tuple[FastAPI, Callable[[], None]]:
            project = ServedProject(folder)
            try:
                below = replace(options, public=replace(options.public, root_path=""))
                app = project.pages(below, port=port, files=files, home="../")
                project.start(options, environment)
            except BaseException:
                project.close()
                raise
            return app, project.close

        projects = Projects(path, opened, ProjectsPage(path), root_path=options.public.root_path)
        stack.callback(projects.close)
        guard = RequestGuard(
            projects, port=port, open_to_network=options.open_to_all, public=options.public
        )
        _run(guard, listener, options)


def _web_files(max_upload: int, stack: ExitStack) -> WebFiles:
    from annotator.ui.web.files import WebFiles  # late: Gradio

    files = WebFiles(max_upload)
    stack.callback(files.close)
    stack.callback(Housekeeping([files.clear]).close)
    return files


def _run(app: Any, listener: socket.socket, options: ServeOptions) -> None:
    whole = options.public.whole
    bound = listener.getsockname()[1]
    url = address(options.host, bound, open_to_network=options.open_to_all)
    note = who_may(options.host, open_to_network=options.open_to_all, public_url=whole)
    run_server(app, listener, on_ready=lambda: _announce(url, whole, note, options.browser))


def _announce(own: str, public: str, note: str, browser: bool) -> None:
    url = public or own
    behind = f" (a proxy has to pass it on to {own})" if public else ""
    print(f"Open {url} in a browser{behind}. Ctrl-C stops.", flush=True)
    if note:
        print(note, flush=True)
    if browser and _has_display():
        try:
            webbrowser.open(url)
        except webbrowser.Error:
            log.info("No browser could be opened; open the address yourself.")


def _has_display() -> bool:
    """Whether a browser window can appear; on a bare terminal a text browser would take it over."""
    if sys.platform != "linux":
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
