"""The command `annotator`, also as `python -m annotator`: the app, if its packages are there."""

import sys
from importlib.util import find_spec

APP_PACKAGES = (
    "alembic",
    "altair",
    "filelock",
    "gradio",
    "openTSNE",
    "pandas",
    "pycocotools",
    "pydantic",
    "rich",
    "sqlalchemy",
    "tomlkit",
    "typing_extensions",
)
"""What the extra `app` installs beside the library, by import name."""


def main() -> None:
    """Run the command line, or say what to install first."""
    missing = [name for name in APP_PACKAGES if find_spec(name) is None]
    if missing:
        sys.exit(
            f"annotator needs packages that are not installed ({', '.join(missing)}); "
            'run: pip install "partial-label-annotator[app]"'
        )
    from annotator.cli import main as run

    run()


if __name__ == "__main__":
    main()
