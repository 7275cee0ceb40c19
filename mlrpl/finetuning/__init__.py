"""Fine-tuning: a method learns together with the last stage of its backbone, on pictures."""
