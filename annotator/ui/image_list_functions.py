"""What a page's script may ask to work on a selection of all images."""

from __future__ import annotations

from annotator.services.app import Services
from annotator.ui.boundary import ServerFunction, server_function
from annotator.wire.image_list import ListedImages, ListRequest


def image_list_functions(services: Services) -> list[ServerFunction]:
    """Return `server.list_images({filter, sort})`; see `boundary.server_function`."""

    def list_images(annotator: str, request: ListRequest) -> ListedImages:
        return services.image_list.listed(annotator, request)

    return [server_function("list_images", ListRequest.read, list_images)]
