"""The Images page: all images as a grid or a table, drawn in `static/images`."""

from __future__ import annotations

import gradio as gr

from annotator.services.app import Services
from annotator.ui.boundary import ServerFunction, server_function
from annotator.ui.image_list_functions import image_list_functions
from annotator.ui.work_screen import screen_functions, work_screen
from annotator.wire.image_list import BulkRequest, ListRowsRequest, ListStart
from annotator.wire.image_map import MapColoursRequest
from annotator.wire.request import Request

STYLES = ("shared/work_screen", "images/images")
"""Style sheets of the page, without `.css`."""


def build_images_page(services: Services, *, scripts: str) -> gr.HTML:
    """Put the page into the open Blocks.

    Args:
        services: Of the open project.
        scripts: Address of the folder with the scripts and styles.
    """
    return work_screen(
        scripts=scripts,
        script="images/images_page",
        component="ImagesPage",
        styles=STYLES,
        functions=images_functions(services),
        name="images",
    )


def images_functions(services: Services) -> list[ServerFunction]:
    """Return what the script may call as `server.NAME(data)`; see `boundary.server_function`."""
    labelling, images = services.labelling, services.image_list

    def start(annotator: str, request: Request) -> ListStart:
        del request
        return {**labelling.start(annotator), **images.choices()}

    return [
        server_function("start", Request.read, start),
        server_function("list_rows", ListRowsRequest.read, images.rows),
        server_function("bulk_plan", BulkRequest.read, images.plan),
        server_function("map_places", Request.read, services.image_map.places),
        server_function("map_colours", MapColoursRequest.read, services.image_map.colours),
        *image_list_functions(services),
        *screen_functions(services),
    ]
