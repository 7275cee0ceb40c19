"""What picture files are called, everywhere."""

from __future__ import annotations

from collections.abc import Collection, Iterable


class WrittenNames:
    """The rule by which a file is called: on pages, in exports, in messages, on the command line.

    In a project with one image folder (root) it is the path below the folder. With several, it is
    the first of `path`, `root/path` and `root/./path` that no other file could be called by: as
    its path below its root, or as that with the name of the root in front. Every file counts that
    the project ever listed. So no two files share a name; and one that comes later never takes an
    old name over, it only makes it ambiguous. The dot in the third form, as in `rsync --relative`,
    says where the root ends: `valid/a.jpg` could be in the root `valid` or below another root.
    """

    def __init__(self, files: Iterable[tuple[str, str]], roots: Collection[str]) -> None:
        """Note which names are taken twice.

        Args:
            files: Root and path of every file, or of all that could share a name with those that
                `of` is asked about.
            roots: Of the project.
        """
        self._several = len(roots) > 1
        self._shared: set[str] = set()
        seen: set[str] = set()
        for root, path in files if self._several else ():
            for name in (path, f"{root}/{path}"):
                (self._shared if name in seen else seen).add(name)

    def of(self, root: str, path: str) -> str:
        """Return the name of a file."""
        if not self._several or path not in self._shared:
            return path
        full = f"{root}/{path}"
        return f"{root}/./{path}" if full in self._shared else full
