"""The web interface: Gradio pages, and the server that holds them."""

from annotator.ui.gradio_stubs import leave_stubs_alone

leave_stubs_alone()  # here, as it has to come before any module of this package imports Gradio
