"""Losses on partial labels, one a file; each takes logits and labels and returns a scalar."""
