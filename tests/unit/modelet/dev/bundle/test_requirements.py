"""What a requirements.txt lacks for the pinned version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from modelet.bundle import Bundle, Lock
from modelet.dev.bundle.requirements import lacking
from modelet.store.manifest import FrameColumn, Pickled
from support.services import manifest

if TYPE_CHECKING:
    from pathlib import Path

RUNTIME = {"python": "3.11", "scikit-learn": "1.9.1", "numpy": "2.4.6", "pandas": "3.1.1", "my-lib": "1.2"}


def bundle(backend: str, **said: Any) -> Bundle:
    made = manifest()._replace(runtime=RUNTIME, **said)
    spec = {"backend": backend, "limits": {}}
    return Bundle("tiny", "", spec, Lock("1", "0" * 64), {}, {}, "", made.to_json().decode(), {})


PICKLED = Pickled({"sklearn": "scikit-learn", "mylib": "my-lib"}, {})


@pytest.mark.parametrize(
    ("text", "lacks"),
    [
        ("modelet[onnx]\n", []),
        ("modelet\nnumpy==2.4.6\nonnxruntime\n", []),
        ("modelet\nnumpy\n", ["onnxruntime"]),
        ("modelet[sklearn]\n", ["onnxruntime"]),
        ("# only a comment: onnxruntime\nmodelet\n", ["numpy", "onnxruntime"]),
        ("-r other.txt\n", []),
        ("modelet[onnx] @ file.whl\nnot a requirement!\n", []),
    ],
)
def test_a_graph_needs_its_run_time(text: str, lacks: list[str], tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text(text)
    assert lacking(tmp_path / "requirements.txt", bundle("onnx")) == lacks


@pytest.mark.parametrize(
    ("text", "lacks"),
    [
        ("modelet[sklearn]\nMy.Lib==1.2 \\\n    --hash=sha256:00 \\\n    --hash=sha256:01\n", []),
        ("modelet[sklearn]\n", ["my-lib==1.2"]),
        ("modelet[sklearn]\nmy_lib>=1\n", []),
        ("modelet[sklearn]\nmy-lib==1.3\nscikit-learn==1.8.0\n", ["scikit-learn==1.9.1", "my-lib==1.2"]),
    ],
)
def test_a_pickle_needs_the_versions_that_wrote_it(text: str, lacks: list[str], tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text(text)
    assert lacking(tmp_path / "requirements.txt", bundle("sklearn", pickled=PICKLED)) == lacks


def test_a_frame_needs_pandas(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("modelet[sklearn]\nmy-lib==1.2\n")
    frame = (FrameColumn("float64"),) * len(manifest().features)
    assert lacking(tmp_path / "requirements.txt", bundle("sklearn", pickled=PICKLED, frame=frame)) == ["pandas==3.1.1"]
