"""The Settings page: categories, suggestions and training, images, people, backup."""

from __future__ import annotations

from typing import Protocol

import gradio as gr

from annotator.services.app import Services
from annotator.ui.backup_tab import BackupTab
from annotator.ui.category_tab import CategoryTab
from annotator.ui.image_tab import ImageTab
from annotator.ui.people_tab import PeopleTab
from annotator.ui.preference_tab import PreferenceTab


class Tab(Protocol):
    """One tab of the page."""

    def build(self, demo: gr.Blocks) -> None:
        """Put the widgets into the open tab and wire them."""


class SettingsPage:
    """The tabs of the page, each with handlers of its own."""

    def __init__(self, services: Services, *, styles: str = "") -> None:
        """Tie the page to an open project.

        Args:
            services: Of the open project.
            styles: Address of the folder with the style sheets.
        """
        self._tabs: dict[str, Tab] = {
            "Categories": CategoryTab(services),
            "Suggestions and training": PreferenceTab(services),
            "Images": ImageTab(services),
            "People": PeopleTab(services),
            "Backup": BackupTab(services),
        }
        self._styles = styles

    def build(self, demo: gr.Blocks) -> None:
        """Put the widgets into the open Blocks and wire them."""
        sheets = [f"{self._styles}/gradio/{name}.css" for name in ("pages", "settings")]
        head = "".join(f'<link rel="stylesheet" href="{sheet}">' for sheet in sheets)
        gr.HTML("", visible="hidden", head=head if self._styles else None, js_on_load=None)
        gr.Markdown("## Settings")
        with gr.Tabs(overflow_behavior="wrap", elem_id="settings-tabs"):
            for name, tab in self._tabs.items():
                with gr.Tab(name):
                    tab.build(demo)
