"""How Gradio's own parts look: like those of the work screens."""

from __future__ import annotations

import gradio as gr


def theme() -> gr.themes.Base:
    """Return the theme of all pages."""
    # Bold instead of Gradio's own choice: its semibold files have next to no letters in them.
    text = gr.themes.LocalFont("Source Sans Pro", weights=(400, 700))
    code = gr.themes.LocalFont("IBM Plex Mono", weights=(400, 700))
    made = gr.themes.Default(
        primary_hue="indigo",
        neutral_hue="slate",
        spacing_size="sm",
        radius_size="md",
        font=(text, "ui-sans-serif", "system-ui", "sans-serif"),
        font_mono=(code, "ui-monospace", "Consolas", "monospace"),
    )
    # Shades darker than Gradio's own, so that all text can be read (WCAG AA).
    made.set(
        body_text_color_subdued="*neutral_500",
        block_title_text_color="*neutral_600",
        block_title_text_color_dark="*neutral_300",
        block_label_text_color="*neutral_600",
        block_label_text_color_dark="*neutral_300",
    )
    # Fields stand on the page itself, each with its name in small letters above it.
    made.set(
        block_border_width="0px",
        block_padding="0px",
        block_background_fill="transparent",
        block_background_fill_dark="transparent",
        block_radius="*radius_lg",
        block_title_text_size="13px",
        block_info_text_size="13px",
        input_padding="6px 10px",
        input_radius="*radius_lg",
        form_gap_width="12px",
    )
    _choices(made)
    _buttons(made)
    return made


def _choices(made: gr.themes.Base) -> None:
    """Let what is chosen from stand in the text, without a box; its circle has the contrast."""
    none = "transparent"
    made.set(
        checkbox_label_background_fill=none,
        checkbox_label_background_fill_dark=none,
        checkbox_label_background_fill_hover=none,
        checkbox_label_background_fill_hover_dark=none,
        checkbox_label_background_fill_selected=none,
        checkbox_label_background_fill_selected_dark=none,
        checkbox_label_border_width="0px",
        checkbox_label_border_width_dark="0px",
        checkbox_label_padding="3px 12px 3px 0",
        checkbox_border_color="*neutral_500",
        checkbox_border_color_dark="*neutral_400",
        checkbox_border_color_hover="*neutral_600",
        checkbox_border_color_hover_dark="*neutral_300",
        checkbox_background_color_dark="transparent",
    )


def _buttons(made: gr.themes.Base) -> None:
    fill, line = "*background_fill_primary", "*border_color_primary"
    made.set(
        button_border_width="1px",
        button_large_padding="7px 14px",
        button_large_radius="*radius_lg",
        button_large_text_size="*text_md",
        button_large_text_weight="500",
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_dark="*primary_600",
        button_primary_background_fill_hover="*primary_800",
        button_primary_background_fill_hover_dark="*primary_700",
        button_primary_border_color="transparent",
        button_primary_border_color_dark="transparent",
        button_secondary_background_fill=fill,
        button_secondary_background_fill_dark=fill,
        button_secondary_background_fill_hover="*background_fill_secondary",
        button_secondary_background_fill_hover_dark="*background_fill_secondary",
        button_secondary_border_color=line,
        button_secondary_border_color_dark=line,
        button_secondary_text_color="*body_text_color",
        button_secondary_text_color_dark="*body_text_color",
    )
