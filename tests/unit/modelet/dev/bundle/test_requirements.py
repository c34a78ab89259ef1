"""What a requirements.txt lacks for the pinned version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from modelet.backends import BACKENDS
from modelet.bundle import Bundle, Lock
from modelet.dev.bundle.requirements import lacking
from modelet.store.manifest import FrameColumn, Pickled
from support.services import manifest

if TYPE_CHECKING:
    from pathlib import Path

RUNTIME = {"python": "3.11", "scikit-learn": "1.9.1", "numpy": "2.4.6", "pandas": "3.1.1", "my-lib": "1.2"}


def bundle(backend: str, **said: Any) -> Bundle:
    made = manifest()._replace(**{"runtime": RUNTIME, **said})
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
        ("modelet[sklearn]\nscikit-learn==1.9.1\nMy.Lib==1.2 \\\n    --hash=sha256:00 \\\n    --hash=sha256:01\n", []),
        ("modelet[sklearn]\n", ["scikit-learn==1.9.1", "my-lib==1.2"]),
        ("modelet[sklearn]\nscikit-learn\nmy_lib>=1\n", ["scikit-learn==1.9.1", "my-lib==1.2"]),
        ("modelet[sklearn]\nscikit-learn==1.9.*\nmy-lib @ file:///my_lib.whl\n", ["scikit-learn==1.9.1"]),
        ("modelet[sklearn]\nmy-lib==1.3\nscikit-learn==1.8.0\n", ["scikit-learn==1.9.1", "my-lib==1.2"]),
        (
            "modelet[sklearn]\nscikit-learn==1.9.1\nmy-lib==1.2; sys_platform!='x'\nmy-lib==2; sys_platform=='x'",
            [],
        ),
        ("modelet[sklearn]\n-c constraints.txt\n", []),
    ],
)
def test_a_pickle_needs_the_versions_that_wrote_it(text: str, lacks: list[str], tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text(text)
    assert lacking(tmp_path / "requirements.txt", bundle("sklearn", pickled=PICKLED)) == lacks


@pytest.mark.parametrize("library", ["lightgbm", "xgboost", "catboost"])
def test_a_booster_needs_the_version_of_its_library_that_wrote_it(library: str, tmp_path: Path) -> None:
    [checked] = BACKENDS[library].checked
    made = bundle(library, model_lib=checked, model_lib_version="3.2.0")
    (tmp_path / "requirements.txt").write_text(f"modelet[{library}]\n")
    assert lacking(tmp_path / "requirements.txt", made) == [f"{checked}==3.2.0"]
    (tmp_path / "requirements.txt").write_text(f"modelet[{library}]\n{checked}==3.2.0\n")
    assert lacking(tmp_path / "requirements.txt", made) == []


def test_a_publishers_xgboost_pins_the_distribution_that_the_extra_brings(tmp_path: Path) -> None:
    """Both have the same versions; the extra would bring xgboost-cpu beside xgboost."""
    (tmp_path / "requirements.txt").write_text("modelet[xgboost]\n")
    made = bundle("xgboost", model_lib="xgboost", model_lib_version="3.1.0")
    assert lacking(tmp_path / "requirements.txt", made) == ["xgboost-cpu==3.1.0"]


@pytest.mark.parametrize(
    ("text", "lacks"),
    [("modelet[onnx]\n", ["tokenizers"]), ("modelet[onnx,texts]\n", []), ("modelet[onnx]\ntokenizers==0.22.1\n", [])],
)
def test_a_model_of_texts_needs_the_library_of_its_tokenizer(text: str, lacks: list[str], tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text(text)
    assert lacking(tmp_path / "requirements.txt", bundle("onnx", runtime={**RUNTIME, "tokenizers": "0.22.1"})) == lacks


def test_a_pickle_of_an_older_release_needs_what_its_backend_checks(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("modelet[sklearn]\n")
    assert lacking(tmp_path / "requirements.txt", bundle("sklearn")) == ["numpy==2.4.6", "scikit-learn==1.9.1"]


def test_a_requirement_of_another_system_is_not_installed(tmp_path: Path) -> None:
    file = tmp_path / "requirements.txt"
    file.write_text("modelet\nnumpy==2.4.6\nonnxruntime==1.31.1 ; sys_platform == 'win32'\n")
    assert lacking(file, bundle("onnx")) == ["onnxruntime"]
    file.write_text("modelet\nnumpy==2.4.6\nonnxruntime==1.31.1 ; sys_platform == 'linux'\n")
    assert lacking(file, bundle("onnx")) == []


def test_a_frame_needs_pandas(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("modelet[sklearn]\nscikit-learn==1.9.1\nmy-lib==1.2\n")
    frame = (FrameColumn("float64"),) * len(manifest().features)
    assert lacking(tmp_path / "requirements.txt", bundle("sklearn", pickled=PICKLED, frame=frame)) == ["pandas==3.1.1"]
