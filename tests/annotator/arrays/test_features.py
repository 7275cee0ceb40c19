"""Feature files: rows that count, growth, and reading while somebody writes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from annotator.arrays.features import FeatureFiles
from annotator.errors import ProjectError


def made(path: Path, rows: int = 0) -> FeatureFiles:
    return FeatureFiles.create(
        path, backbone="fake", pooled_dim=5, positions=2, token_dim=3, rows=rows
    )


def write(files: FeatureFiles, *ordinals: int) -> None:
    size = len(ordinals)
    values = np.array(ordinals, np.float32) + 1
    search = np.zeros((size, 128), np.float32)
    search[:, 0] = 1
    files.write(
        np.array(ordinals),
        np.tile(values[:, None], (1, 5)),
        np.tile(values[:, None, None], (1, 2, 3)),
        search,
    )


def test_a_folder_without_features_opens_as_none(tmp_path: Path) -> None:
    assert FeatureFiles.open(tmp_path / "features" / "fake") is None


def test_what_is_written_is_read_by_somebody_else(tmp_path: Path) -> None:
    files = made(tmp_path / "fake", rows=4)
    write(files, 2, 0)

    reader = FeatureFiles.open(tmp_path / "fake")

    assert reader is not None
    assert reader.backbone == "fake"
    assert reader.done_rows.tolist() == [0, 2]
    assert reader.pooled[2].tolist() == [3.0] * 5
    assert reader.tokens[0].tolist() == [[1.0] * 3] * 2
    assert (reader.is_done(2), reader.is_done(1), reader.is_done(99)) == (True, False, False)


def test_a_reader_sees_rows_come_done_in_the_arrays_it_holds(tmp_path: Path) -> None:
    writer = made(tmp_path / "fake", rows=3)
    reader = FeatureFiles.open(tmp_path / "fake")
    assert reader is not None

    write(writer, 1)

    assert reader.done_rows.tolist() == [1]


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    made(tmp_path / "fake", rows=3)
    reader = FeatureFiles.open(tmp_path / "fake")
    assert reader is not None

    with pytest.raises(ValueError, match="read-only"):
        write(reader, 1)


def test_growing_keeps_rows_and_leaves_the_arrays_of_a_reader_valid(tmp_path: Path) -> None:
    writer = made(tmp_path / "fake", rows=2)
    write(writer, 1)
    reader = FeatureFiles.open(tmp_path / "fake")
    assert reader is not None

    writer.grow(100_000)
    write(writer, 99_999)

    again = FeatureFiles.open(tmp_path / "fake")
    assert again is not None
    assert reader.rows == 2
    assert reader.pooled[1, 0] == 2
    assert again.rows == 100_000
    assert again.done_rows.tolist() == [1, 99_999]
    assert np.load(tmp_path / "fake" / "tokens.npy").shape == (100_000, 2, 3)


def test_growing_never_shrinks(tmp_path: Path) -> None:
    writer = made(tmp_path / "fake", rows=5)

    writer.grow(3)

    assert writer.rows == 5


def test_a_growth_that_was_cut_off_is_finished_by_the_next_one(tmp_path: Path) -> None:
    writer = made(tmp_path / "fake", rows=2)
    write(writer, 0)
    with (tmp_path / "fake" / "pooled.npy").open("ab") as file:
        file.write(b"\0" * 50)  # lengthened, but the header still says two rows

    again = FeatureFiles.open(tmp_path / "fake", writable=True)
    assert again is not None
    again.grow(6)
    write(again, 5)

    assert again.done_rows.tolist() == [0, 5]
    assert again.pooled.shape == (6, 5)


def test_values_beyond_half_precision_are_clipped_and_nonsense_is_refused(tmp_path: Path) -> None:
    files = made(tmp_path / "fake", rows=1)
    search = np.eye(1, 128, dtype=np.float32)
    tokens = np.zeros((1, 2, 3), np.float32)

    files.write(np.array([0]), np.full((1, 5), 1e9), tokens, search)

    assert files.pooled[0, 0] == np.finfo(np.float16).max
    with pytest.raises(ValueError, match="not a finite number"):
        files.write(np.array([0]), np.full((1, 5), np.nan), tokens, search)


def test_a_backbone_without_a_token_map_and_an_empty_project_work(tmp_path: Path) -> None:
    files = FeatureFiles.create(tmp_path / "fake", backbone="fake", pooled_dim=5)

    files.grow(1)
    files.write(np.array([0]), np.ones((1, 5)), np.zeros((1, 0, 0)), np.eye(1, 128))

    assert files.tokens.shape == (1, 0, 0)
    assert files.done_rows.tolist() == [0]


def test_a_second_creation_is_refused_and_leaves_the_first_alone(tmp_path: Path) -> None:
    write(made(tmp_path / "fake", rows=1), 0)

    with pytest.raises(ProjectError, match="cannot be made"):
        made(tmp_path / "fake", rows=9)

    files = FeatureFiles.open(tmp_path / "fake")
    assert files is not None
    assert files.done_rows.tolist() == [0]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["fake"]


@pytest.mark.parametrize("damage", ["cut", "gone", "meta"])
def test_a_damaged_folder_is_refused_with_a_cure(tmp_path: Path, damage: str) -> None:
    made(tmp_path / "fake", rows=3)
    if damage == "cut":
        os.truncate(tmp_path / "fake" / "search.npy", 200)
    elif damage == "gone":
        (tmp_path / "fake" / "done.npy").unlink()
    else:
        (tmp_path / "fake" / "meta.json").write_text("{")

    with pytest.raises(
        ProjectError, match="cannot be read; run `annotator doctor PROJECT --repair`"
    ):
        FeatureFiles.open(tmp_path / "fake")


def test_the_order_the_failures_and_the_projections_read_back(tmp_path: Path) -> None:
    basis = np.arange(6, dtype=np.float32).reshape(2, 3)
    files = FeatureFiles.create(
        tmp_path / "fake", backbone="fake", pooled_dim=5, projections={"search": basis}
    )
    assert files.order is None
    assert files.failed() == {}

    files.write_order(np.array([2, 0, 1]))
    files.write_failed({7: "not an image"})

    reader = FeatureFiles.open(tmp_path / "fake")
    assert reader is not None
    assert reader.order is not None
    assert reader.order.tolist() == [2, 0, 1]
    assert reader.failed() == {7: "not an image"}
    assert reader.projections()["search"].tolist() == basis.tolist()


def test_a_writer_killed_at_any_moment_leaves_no_row_that_only_looks_finished(
    tmp_path: Path,
) -> None:
    made(tmp_path / "fake", rows=1)
    script = textwrap.dedent("""
        import sys
        from pathlib import Path
        import numpy as np
        from annotator.arrays.features import FeatureFiles
        files = FeatureFiles.open(Path(sys.argv[1]), writable=True)
        for row in range(100_000):
            files.grow(row + 1)
            value = np.float32(row % 1000 + 1)
            files.write(np.array([row]), np.full((1, 5), value),
                        np.full((1, 2, 3), value), np.full((1, 128), value))
            print(row, flush=True)
    """)
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "fake")], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line == b"20\n":
                process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL

    after = FeatureFiles.open(tmp_path / "fake", writable=True)
    assert after is not None
    done = after.done_rows
    assert done.tolist() == list(range(len(done)))
    for array in (after.pooled, after.tokens, after.search):
        values = np.asarray(array[done], np.float32).reshape(len(done), -1)
        assert (values == (done % 1000 + 1)[:, None]).all()
    after.grow(len(done) + 10)
    assert json.loads((tmp_path / "fake" / "meta.json").read_text())["backbone"] == "fake"


def test_the_network_of_features_can_be_loaded_from_any_directory(tmp_path: Path) -> None:
    folder = tmp_path / "features" / "some"
    files = FeatureFiles.create(folder, backbone="timm:resnet18@w/a.pth", pooled_dim=5)

    assert files.backbone == "timm:resnet18@w/a.pth"
    assert files.network == f"timm:resnet18@{tmp_path}/w/a.pth"
