"""One project that is served: its services, its pages and its trainer, begun and ended together."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from annotator.services.app import Services
from annotator.services.background import running_import
from annotator.services.background.trainer_process import (
    TrainerProcess,
    forget_dead,
    trainer_command,
)
from annotator.ui.web.periodic_tasks import Housekeeping
from annotator.ui.web.public_address import PublicAddress

if TYPE_CHECKING:
    from fastapi import FastAPI

    from annotator.ui.web.files import WebFiles


@dataclass(frozen=True, kw_only=True)
class ServeOptions:
    """How to serve, whatever is served."""

    host: str = "127.0.0.1"
    """Address to listen on."""
    port: int = 7860
    """Port to listen on; 0 takes a free one."""
    worker: bool = True
    """Start a background trainer beside the pages."""
    open_to_all: bool = False
    """Answer requests under any host name, not only those of this machine."""
    public: PublicAddress = field(default_factory=PublicAddress)
    """Where people open the pages, if a proxy is in front of the server."""
    device: str = "auto"
    """Where the trainer computes: auto, cpu or cuda."""
    browser: bool = False
    """Open a browser on the page."""


class ServedProject:
    """A project with its services, its pages and its trainer, until it is closed."""

    def __init__(self, path: Path) -> None:
        """Open it.

        Raises:
            AnnotatorError: If it cannot be opened.
        """
        self._path = path
        with ExitStack() as stack:
            self.services = services = Services.open(path)
            stack.callback(services.close)
            services.labelling.check()
            self._open = stack.pop_all()

    @property
    def max_upload(self) -> int:
        """Largest upload, in bytes."""
        return round(self.services.project.settings.server.max_upload_mb * 1e6)

    def pages(
        self, options: ServeOptions, *, port: int, files: WebFiles, home: str = ""
    ) -> FastAPI:
        """Return the application to serve.

        Args:
            options: How to serve.
            port: That is listened on.
            files: Where uploads and downloads lie.
            home: Address of a page with other projects, relative to those of this one.
        """
        from annotator.ui.app import build_app  # late: Gradio

        return build_app(
            self.services,
            port=port,
            files=files,
            open_to_network=options.open_to_all,
            public=options.public,
            title=self.services.project.settings.name,
            home=home,
        )

    def start(self, options: ServeOptions, environment: Mapping[str, str]) -> None:
        """Begin what goes on beside the pages: the trainer, and what is tidied every now and then.

        Args:
            options: How to serve.
            environment: Of the trainer.
        """
        services = self.services
        settle = partial(running_import.settle, services.project, services.store)
        self._open.callback(Housekeeping([settle]).close)
        if options.worker:
            forget = partial(forget_dead, services.store)
            command = trainer_command(self._path, options.device)
            trainer = TrainerProcess(command, environment, on_death=forget)
            services.progress.trainer_process = trainer
            self._open.callback(trainer.stop)
            trainer.start()

    def close(self) -> None:
        """Stop the trainer and close the database."""
        self._open.close()
