"""The web interface: Gradio pages, and the server that holds them."""
