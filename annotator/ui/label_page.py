"""The Label page: one component that draws itself in the browser and talks to the services."""

from __future__ import annotations

import gradio as gr

from annotator.services.app import Services
from annotator.services.labelling.rare_categories import rarest
from annotator.ui.boundary import ServerFunction, server_function
from annotator.ui.evidence_functions import evidence_functions
from annotator.ui.image_list_functions import image_list_functions
from annotator.ui.probe_functions import probe_functions
from annotator.ui.work_screen import screen_functions, work_screen
from annotator.wire.label import (
    BookmarkRequest,
    CertificatePrice,
    FindImagesRequest,
    Finished,
    FlagRequest,
    FoundImages,
    History,
    HotkeyRequest,
    HotkeysOfPerson,
    ImageMarks,
    ImageMarksRequest,
    Items,
    ItemsRequest,
    NextImages,
    NextImagesRequest,
    PairRequest,
    RareCategories,
    ResolveFlagRequest,
    Start,
)
from annotator.wire.request import Request

STYLES = ("shared/work_screen", "shared/image_tools", "label/evidence", "probe/probe")
"""Style sheets of the page, without `.css`."""


def build_label_page(services: Services, *, scripts: str) -> gr.HTML:
    """Put the page into the open Blocks; everything it shows is drawn in `static/label`.

    Args:
        services: Of the open project.
        scripts: Address of the folder with the scripts and styles.
    """
    return work_screen(
        scripts=scripts,
        script="label/label_page",
        component="LabelPage",
        styles=STYLES,
        functions=label_functions(services),
        name="board",
    )


def label_functions(services: Services) -> list[ServerFunction]:
    """Return what the script may call as `server.NAME(data)`; see `boundary.server_function`."""
    labelling = services.labelling

    def start(annotator: str, request: Request) -> Start:
        del request
        return labelling.start(annotator)

    def next_images(annotator: str, request: NextImagesRequest) -> NextImages:
        return labelling.next_images(
            annotator,
            request.tab,
            count=request.count,
            exclude=request.exclude,
            among=request.among,
        )

    def items(annotator: str, request: ItemsRequest) -> Items:
        return {"items": labelling.items(annotator, request.ids)}

    return [
        server_function("start", Request.read, start),
        server_function("next_images", NextImagesRequest.read, next_images),
        server_function("items", ItemsRequest.read, items),
        *screen_functions(services),
        *_desk_functions(services),
        *_progress_functions(services),
        *evidence_functions(services),
        *probe_functions(services),
        *image_list_functions(services),
    ]


def _desk_functions(services: Services) -> list[ServerFunction]:
    """Return what the script may call beside the answering: looking up, flags, keys."""
    labelling, hotkeys, flags = services.labelling, services.hotkeys, services.flags

    def find_images(annotator: str, request: FindImagesRequest) -> FoundImages:
        return labelling.find_images(annotator, request.text)

    def rare_categories(annotator: str, request: Request) -> RareCategories:
        del annotator, request
        return {"rare": rarest(services.verification.counts()) if labelling.has_features() else []}

    def history(annotator: str, request: PairRequest) -> History:
        del annotator
        return labelling.history(request.image, request.category)

    def set_hotkey(annotator: str, request: HotkeyRequest) -> HotkeysOfPerson:
        return {"keys": hotkeys.set(annotator, request.category, request.key)}

    return [
        server_function("find_images", FindImagesRequest.read, find_images),
        server_function("rare_categories", Request.read, rare_categories),
        server_function("history", PairRequest.read, history),
        server_function("set_hotkey", HotkeyRequest.read, set_hotkey),
        server_function("bookmark", BookmarkRequest.read, services.bookmarks.set),
        server_function("flag", FlagRequest.read, flags.add),
        server_function("resolve_flag", ResolveFlagRequest.read, flags.resolve),
    ]


def _progress_functions(services: Services) -> list[ServerFunction]:
    """Return what the script may call to say how far images are, and the project at the end."""

    def image_marks(annotator: str, request: ImageMarksRequest) -> ImageMarks:
        return {"marks": services.image_marks.of(annotator, request.ids)}

    def finished(annotator: str, request: Request) -> Finished:
        del request
        return services.finish.summary(annotator)

    def certificate_price(annotator: str, request: Request) -> CertificatePrice:
        del annotator, request
        return {"message": services.finish.certificate_price()["message"]}

    return [
        server_function("image_marks", ImageMarksRequest.read, image_marks),
        server_function("finished", Request.read, finished),
        server_function("certificate_price", Request.read, certificate_price),
    ]
