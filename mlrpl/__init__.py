"""Learning from partial multi-label annotations: the methods as a plain PyTorch library."""
