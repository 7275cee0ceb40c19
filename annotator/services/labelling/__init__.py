"""What annotators do: label images, verify a category, answer probes, review and flag."""
