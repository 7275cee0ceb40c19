"""`python -m mlrpl`, also under `torchrun -m mlrpl`: the same as the command `mlrpl`."""

from mlrpl.cli import main

if __name__ == "__main__":
    main()
