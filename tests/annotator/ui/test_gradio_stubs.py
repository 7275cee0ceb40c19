from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from annotator.ui.theme import theme  # noqa: F401 - as every page, it brings Gradio


def test_a_component_gets_no_type_stub_beside_it(
    tmp_path: Path, load_module: Callable[[Path], ModuleType]
) -> None:
    file = tmp_path / "thing.py"
    file.write_text("import gradio as gr\n\n\nclass Thing(gr.HTML):\n    EVENTS = []\n")

    thing = load_module(file).Thing

    assert thing.EVENTS == []
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ""] == ["thing.py"]
