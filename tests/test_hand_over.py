"""Two runs of one study that end at the same moment hand over one folder of models."""

from __future__ import annotations

import threading
from pathlib import Path

from secateur.handing import put


def test_many_that_put_at_once_leave_one_whole_folder_and_nothing_else(tmp_path: Path):
    ready, failed = threading.Barrier(8), []

    def run(number: int) -> None:
        for turn in range(40):
            fresh = tmp_path / f".models-{number}-{turn}"
            fresh.mkdir()
            (fresh / "dense.onnx").write_text("same")
            ready.wait()
            try:
                put(fresh, tmp_path / "models")
            except OSError as error:
                failed.append(error)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert [p.name for p in tmp_path.iterdir()] == ["models"]
    assert (tmp_path / "models" / "dense.onnx").read_text() == "same"
