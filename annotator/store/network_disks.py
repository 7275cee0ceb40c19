"""Telling whether a path lies on a disk that several machines share."""

from __future__ import annotations

from pathlib import Path

NETWORK_KINDS = (
    *("nfs", "cifs", "smb", "9p", "afs", "lustre", "beegfs"),
    *("ceph", "fuse.ceph", "glusterfs", "fuse.glusterfs", "fuse.sshfs", "fuse.rclone"),
)
MOUNTS = Path("/proc/mounts")


def network_file_system(path: Path, mounts: Path = MOUNTS) -> str | None:
    """Return the kind of network file system a path lies on, or None.

    Only Linux says so in a file; elsewhere the answer is None.
    """
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    wanted = path.resolve()
    best = ("", "")
    for line in lines:
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        point = fields[1].replace("\\040", " ")
        if wanted.is_relative_to(point) and len(point) >= len(best[0]):
            best = (point, fields[2])
    return best[1] if best[1].startswith(NETWORK_KINDS) else None
