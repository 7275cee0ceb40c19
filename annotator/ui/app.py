"""The web app: a FastAPI host with the Gradio pages mounted on it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import gradio as gr
from fastapi import FastAPI
from gradio.routes import App
from starlette.middleware import Middleware
from starlette.routing import Mount

from annotator.services.app import Services
from annotator.ui.boundary import answer
from annotator.ui.certify_page import CertifyPage
from annotator.ui.export_page import ExportPage
from annotator.ui.images_page import build_images_page
from annotator.ui.label_page import build_label_page
from annotator.ui.probe_page import build_probe_page
from annotator.ui.progress_page import ProgressPage
from annotator.ui.review_page import build_review_page
from annotator.ui.settings_page import SettingsPage
from annotator.ui.theme import theme
from annotator.ui.train_page import TrainPage
from annotator.ui.verify_page import build_verify_page
from annotator.ui.web.files import WebFiles
from annotator.ui.web.frame import Frame, status_routes
from annotator.ui.web.gradio_requests import GradioRequests
from annotator.ui.web.identity import name_routes
from annotator.ui.web.pictures import picture_routes
from annotator.ui.web.project_guard import ProjectGuard, head
from annotator.ui.web.public_address import PublicAddress, RootPath
from annotator.ui.web.request_limits import RequestLimits
from annotator.ui.web.security import RELATIVE_ROOT, MarkedScripts, RequestGuard
from annotator.ui.web.sessions import BoundedSessions
from annotator.ui.web.static_files import VersionedFiles, static_version
from annotator.ui.web.unknown_address import UnknownAddress


def _probe(services: Services, scripts: str, pages: gr.Blocks) -> None:
    del pages
    build_probe_page(services, scripts=scripts)


def _verify(services: Services, scripts: str, pages: gr.Blocks) -> None:
    del pages
    build_verify_page(services, scripts=scripts)


def _progress(services: Services, scripts: str, pages: gr.Blocks) -> None:
    styles = f"{scripts}/gradio/pages.css"
    ProgressPage(services, styles=styles, scripts=scripts).build(pages)


def _train(services: Services, scripts: str, pages: gr.Blocks) -> None:
    del pages
    TrainPage(services, styles=f"{scripts}/gradio/pages.css").build()


def _certify(services: Services, scripts: str, pages: gr.Blocks) -> None:
    CertifyPage(services, styles=f"{scripts}/gradio").build(pages)


def _export(services: Services, scripts: str, pages: gr.Blocks) -> None:
    ExportPage(services, styles=f"{scripts}/gradio/pages.css").build(pages)


def _settings(services: Services, scripts: str, pages: gr.Blocks) -> None:
    SettingsPage(services, styles=scripts).build(pages)


def _review(services: Services, scripts: str, pages: gr.Blocks) -> None:
    del pages
    build_review_page(services, scripts=scripts)


def _images(services: Services, scripts: str, pages: gr.Blocks) -> None:
    del pages
    build_images_page(services, scripts=scripts)


PAGES: list[tuple[str, Callable[[Services, str, gr.Blocks], None]]] = [
    ("Verify", _verify),
    ("Probe", _probe),
    ("Review", _review),
    ("Images", _images),
    ("Progress", _progress),
    ("Train", _train),
    ("Certify", _certify),
    ("Export", _export),
    ("Settings", _settings),
]
"""The pages after Label, in the order of the menu, and what builds each: it gets the services, the
address of the folder with the scripts, and the Blocks as a whole. A page's address is its name."""


MOST_WAITING = 500
"""Events of all pages that may wait for their turn; a page is told when there are more."""


def build_pages(services: Services, *, title: str, scripts: str) -> gr.Blocks:
    """Return the Gradio pages: Label, and those of `PAGES`."""
    with (
        _no_web_app(),
        gr.Blocks(title=title, fill_width=True, fill_height=True, analytics_enabled=False) as pages,
    ):
        build_label_page(services, scripts=scripts)
        for name, build in PAGES:
            # What `pages.route` does, but within one `with`, so that the pages end only once.
            pages.current_page = name.lower()
            pages.pages.append((pages.current_page, name, True))
            build(services, scripts, pages)
    return pages


@contextmanager
def _no_web_app() -> Iterator[None]:
    """Keep Gradio from making a web app when pages begin and when they end.

    It takes a tenth of a second each time, and only the one that `mount_gradio_app` makes is used.
    """
    create = App.create_app
    App.create_app = staticmethod(lambda *_, **__: None)
    try:
        yield
    finally:
        App.create_app = staticmethod(create)


def build_app(
    services: Services,
    *,
    port: int,
    files: WebFiles,
    open_to_network: bool = False,
    public: PublicAddress = PublicAddress(),  # noqa: B008 - frozen
    title: str = "Annotator",
    home: str = "",
) -> FastAPI:
    """Return the application to serve.

    Args:
        services: Of the open project.
        port: TCP port that browsers use; requests under another one are refused.
        files: Where uploads and downloads lie.
        open_to_network: Answer under any host name, not only those of this machine.
        public: Where people open the pages, if a proxy is in front of the server.
        title: Of the browser window.
        home: Address of a page with other projects, relative to the pages; empty if there is none.
    """
    version = static_version()
    key = services.lineage.key()
    files.use_in_gradio()
    names = [name.lower() for name, _ in PAGES]
    unknown = UnknownAddress(title, [("Label", ""), *((name, name.lower()) for name, _ in PAGES)])
    scripts = f"./ui/{version}"
    pages = build_pages(services, title=title, scripts=scripts)
    events = GradioRequests(pages)
    app = FastAPI(
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        middleware=[
            Middleware(RequestGuard, port=port, open_to_network=open_to_network, public=public),
            Middleware(RootPath, root_path=public.root_path, pages=names),
            Middleware(ProjectGuard, key=key, name=title),
            Middleware(RequestLimits, files=files, events=events, pages=names, unknown=unknown),
        ],
    )
    app.add_route(f"/ui/{version}/{{path:path}}", VersionedFiles().respond)
    app.include_router(picture_routes(services.media))
    app.include_router(name_routes())
    app.include_router(status_routes(lambda name: answer(lambda: services.progress.state(name))))
    _mount(app, pages, files, head(key, title, f"{scripts}/shared/project.js"))
    frame = Frame(title, ["Label", *(name for name, _ in PAGES)], scripts, home)
    _gradio(app).user_middleware.append(Middleware(MarkedScripts, complete=frame.around))
    return app


def _mount(app: FastAPI, pages: gr.Blocks, files: WebFiles, in_head: str) -> None:
    # Gradio trusts every path, and every drawing in SVG, until its own `launch` has run, which is
    # never called on pages that are mounted: it would hand out any file of this machine.
    pages.has_launched = pages.is_running = True
    pages._queue.max_size = MOST_WAITING  # `pages.queue` makes the whole web app anew for it
    # Gradio looks a thousand times a second whether an event of a form waits, which is a twentieth
    # of a processor for as long as the server runs. Answers do not go this way.
    pages._queue.sleep_when_free = 0.02
    with warnings.catch_warnings():
        # Gradio warns about server-side rendering on several pages even where it is switched off.
        warnings.filterwarnings("ignore", message="SSR mode is not supported")
        gr.mount_gradio_app(
            app,
            pages,
            path="/",
            run_history=False,
            footer_links=[],
            theme=theme(),
            head=in_head,
            ssr_mode=False,
            show_error=False,
            max_file_size=files.max_upload,
        )
    # A browser has six connections to a server. Gradio would keep one for each open tab, so that
    # with six tabs nothing was saved any more.
    pages.config["connect_heartbeat"] = False
    # The menu is that of the frame; Gradio draws one of its own where it is told of several pages.
    pages.config["pages"] = pages.config["pages"][:1]
    # Relative, as the guard has it; Gradio would put what it was mounted at into its place.
    pages.custom_mount_path = RELATIVE_ROOT
    _gradio(app).state_holder = pages.state_holder = BoundedSessions(pages)


def _gradio(app: FastAPI) -> Any:
    """Return Gradio's own application, which is mounted in ours."""
    return next(r.app for r in app.routes if isinstance(r, Mount) and r.path == "")
