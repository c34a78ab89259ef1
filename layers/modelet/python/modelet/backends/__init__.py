"""The backends, one module for each ML framework, and their register. No other module imports a framework.

A new backend is a module here, what makes its versions in `dev/publish`, and a record in BACKENDS. Whatever else has to
know something of a backend reads its record.
"""

from __future__ import annotations

from typing import Any


class Backend:
    """What the rest of Modelet knows of a backend: plain data, from which nothing is imported before it is used.

    name: as in model.yaml, and of the extra that installs it. model: the class that serves a version, as `module:name`.
    maker: what makes the files of a version from a trained estimator, likewise. ending: of the name of a version's main
    file. platform: the Open Inference Protocol's name for it, `<project>_<format>`. libraries: what the class imports,
    each top-level module with its distribution. imports: the top-level modules that these bring along. checked:
    distributions whose versions must be those that a version was written with. runs_code: whether opening a version
    runs code, the code of the function's folder included. summary: its description in help texts. instead: the faster
    alternative that `modelet profile` recommends; empty if there is none.
    """

    __slots__ = (
        "checked", "ending", "imports", "instead", "libraries", "maker", "model", "name", "platform", "runs_code",
        "summary",
    )  # fmt: skip

    def __init__(
        self,
        *,
        name: str,
        model: str,
        maker: str,
        ending: str,
        platform: str,
        libraries: dict[str, str],
        imports: tuple[str, ...] = (),
        checked: tuple[str, ...] = (),
        runs_code: bool = False,
        summary: str,
        instead: str = "",
    ) -> None:
        self.name = name
        self.model = model
        self.maker = maker
        self.ending = ending
        self.platform = platform
        self.libraries = libraries
        self.imports = imports
        self.checked = checked
        self.runs_code = runs_code
        self.summary = summary
        self.instead = instead


_RECORDS = (
    Backend(
        name="onnx",
        model="modelet.backends.onnx:OnnxModel",
        maker="modelet.dev.publish.compiled:made",
        ending=".onnx",
        platform="onnx_onnxv1",
        libraries={"numpy": "numpy", "onnxruntime": "onnxruntime"},
        summary="compiled, starts ten times faster, runs no code",
    ),
    Backend(
        name="sklearn",
        model="modelet.backends.sklearn:SklearnModel",
        maker="modelet.dev.publish.pickled:made",
        ending=".joblib",
        platform="sklearn_joblib",
        libraries={"joblib": "joblib", "numpy": "numpy", "sklearn": "scikit-learn"},
        imports=("scipy", "threadpoolctl"),
        checked=("scikit-learn", "numpy"),
        runs_code=True,
        summary="joblib files, which are unpickled, for what ONNX cannot express",
        instead="backend: onnx, which publish proves to answer the same",
    ),
)

BACKENDS = {record.name: record for record in _RECORDS}
DEFAULT = "onnx"


def resolve(dotted: str) -> Any:
    """What a record names as `module:name`, imported."""
    from importlib import import_module  # noqa: PLC0415 - a function with a class of its own has no use for it

    module, _, name = dotted.partition(":")
    return getattr(import_module(module), name)
