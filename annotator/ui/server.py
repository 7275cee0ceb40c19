"""Serves a project: the web app in this process, the worker in another, both stopped cleanly."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import threading
import time
import webbrowser
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from annotator.errors import AnnotatorError
from annotator.services.app import Services
from annotator.services.background import running_import
from annotator.services.background.trainer_process import (
    TrainerProcess,
    forget_dead,
    trainer_command,
)
from annotator.ui.web.addresses import address, who_may
from annotator.ui.web.periodic_tasks import Housekeeping
from annotator.ui.web.public_address import PublicAddress

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


def serve_project(
    path: Path,
    *,
    host: str = "127.0.0.1",
    port: int = 7860,
    worker: bool = True,
    open_to_all: bool = False,
    public: PublicAddress = PublicAddress(),  # noqa: B008 - frozen
    device: str = "auto",
    browser: bool = False,
) -> None:
    """Serve a project until Ctrl-C or SIGTERM.

    Args:
        path: The project directory.
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.
        worker: Start a background trainer beside the web app.
        open_to_all: Answer requests under any host name, not only those of this machine.
        public: Where people open the pages, if a proxy is in front of the server.
        device: Where the trainer computes: auto, cpu or cuda.
        browser: Open a browser on the page.

    Raises:
        AnnotatorError: If the project cannot be opened or the port is taken.
    """
    environment = dict(os.environ)  # before the offline defaults: the trainer may fetch weights
    set_offline_defaults()
    with ExitStack() as stack:
        services = Services.open(path)
        stack.callback(services.close)
        services.labelling.check()
        listener = bound_socket(host, port)
        from annotator.ui.app import build_app
        from annotator.ui.web.files import WebFiles

        settings = services.project.settings
        files = WebFiles(round(settings.server.max_upload_mb * 1e6))
        stack.callback(files.close)
        settle = partial(running_import.settle, services.project, services.store)
        stack.callback(Housekeeping([files.clear, settle]).close)
        bound = listener.getsockname()[1]
        app = build_app(
            services,
            port=bound,
            files=files,
            open_to_network=open_to_all,
            public=public,
            title=settings.name,
        )
        if worker:
            forget = partial(forget_dead, services.store)
            trainer = TrainerProcess(trainer_command(path, device), environment, on_death=forget)
            services.progress.trainer_process = trainer
            stack.callback(trainer.stop)
            trainer.start()
        url = address(host, bound, open_to_network=open_to_all)
        note = who_may(host, open_to_network=open_to_all, public_url=public.whole)
        run_server(app, listener, on_ready=lambda: _announce(url, public.whole, note, browser))


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
