from __future__ import annotations

from pathlib import Path

import pytest

from annotator.store.network_disks import network_file_system

MOUNTS = """\
/dev/vda1 / ext4 rw,relatime 0 0
proc /proc proc rw 0 0
server:/home /home nfs4 rw 0 0
/dev/vdb1 /home/local ext4 rw 0 0
//server/share /mnt/our\\040pictures cifs rw 0 0
me@server: /mnt/far fuse.sshfs rw 0 0
/dev/fuse /mnt/near fuse.gocryptfs rw 0 0
gluster:/v /mnt/many fuse.glusterfs rw 0 0
broken line
"""


@pytest.fixture
def mounts(tmp_path: Path) -> Path:
    file = tmp_path / "mounts"
    file.write_text(MOUNTS)
    return file


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/srv/labels.db", None),
        ("/home/ann/labels.db", "nfs4"),
        ("/homeless/labels.db", None),
        ("/home/local/labels.db", None),
        ("/home/ann/../local/labels.db", None),
        ("/mnt/our pictures/project/labels.db", "cifs"),
        ("/mnt/far/labels.db", "fuse.sshfs"),
        ("/mnt/near/labels.db", None),
        ("/mnt/many/labels.db", "fuse.glusterfs"),
    ],
)
def test_a_path_is_judged_by_the_innermost_disk_that_holds_it(
    mounts: Path, path: str, kind: str | None
) -> None:
    assert network_file_system(Path(path), mounts) == kind


def test_a_link_is_judged_by_what_it_leads_to(mounts: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/mnt/far")

    assert network_file_system(tmp_path / "link" / "labels.db", mounts) == "fuse.sshfs"


def test_a_system_without_a_list_of_mounts_says_nothing(tmp_path: Path) -> None:
    assert network_file_system(Path("/home/labels.db"), tmp_path / "none") is None
