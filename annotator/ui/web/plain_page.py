"""A page without a script or a frame, in the type and the colours of all others."""

from __future__ import annotations

from html import escape
from importlib.util import find_spec
from pathlib import Path

from starlette.responses import FileResponse, PlainTextResponse, Response

WEIGHTS = {"SourceSansPro-Regular.woff2": 400, "SourceSansPro-Bold.woff2": 700}
"""The files of the typeface, which come with Gradio, and how bold they are."""

STYLE = """
:root { color-scheme: light dark; --text: #1f2937; --sub: #4b5563; --line: #e4e4e7; --page: #fff;
  --accent: #4338ca; --no: #b91c1c; }
@media (prefers-color-scheme: dark) { :root { --text: #f3f4f6; --sub: #bfc5cf; --line: #3f3f46;
  --page: #0b0f19; --accent: #a5b4fc; --no: #fca5a5; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text);
  font: 14px/20px "Source Sans Pro", ui-sans-serif, system-ui, sans-serif; }
h1 { margin: 0 0 4px; font-size: 19px; line-height: 26px; overflow-wrap: anywhere; }
a { color: var(--accent); }
"""


def plain_page(title: str, body: str, *, style: str, fonts: str) -> str:
    """Return a page.

    Args:
        title: A text.
        body: Markup; a text of people's has to be escaped in it.
        style: Rules beside those of all such pages.
        fonts: Address of the folder with the files of the typeface.
    """
    faces = "".join(
        f'@font-face{{font-family:"Source Sans Pro";font-weight:{weight};font-display:swap;'
        f'src:url("{fonts}/{file}") format("woff2")}}'
        for file, weight in WEIGHTS.items()
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{faces}{STYLE}{style}</style>"
        f"</head><body><main>{body}</main></body></html>"
    )


def font(file: str) -> Response:
    """Return a file of the typeface."""
    spec = find_spec("gradio")
    if file not in WEIGHTS or spec is None or spec.origin is None:
        return PlainTextResponse("There is no page at this address.", 404)
    folder = Path(spec.origin).parent / "templates" / "frontend" / "static" / "fonts"
    kept = {"Cache-Control": "public, max-age=604800"}
    return FileResponse(folder / "SourceSansPro" / file, media_type="font/woff2", headers=kept)
