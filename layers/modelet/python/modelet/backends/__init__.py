"""The backends, one module for each ML framework, and their register. No other module imports a framework.

To add a backend, add a module here, a module in `dev/publish` that makes its versions, and a record in BACKENDS. All
other code reads a backend's properties from its record.
"""

from __future__ import annotations

from operator import attrgetter
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any


class Backend(SimpleNamespace):
    """The properties of a backend: plain data, so that reading a record imports nothing.

    Every start makes all records, so they are made without any code of Python's (benchmarks/counts.toml).

    name: its name in model.yaml, and of the extra that installs it. model: the class that serves a version, as
    `module:name`. maker: the function that makes a version's files from a trained estimator, as `module:name`. ending:
    the file name extension of a version's main file; empty if a version needs no file. platform: its name in the Open
    Inference Protocol, `<project>_<format>`. libraries: the modules that the class imports, each top-level module with
    its distribution. imports: the top-level modules that these import. checked: distributions that must have the same
    version as when a model version was written. runs_code: whether opening a version runs code, including code of the
    function's folder. summary: its description in help texts. instead: the faster alternative that `modelet profile`
    recommends; empty if there is none.
    """

    if TYPE_CHECKING:
        name: str
        model: str
        maker: str
        ending: str
        platform: str
        libraries: dict[str, str]
        imports: tuple[str, ...]
        checked: tuple[str, ...]
        runs_code: bool
        summary: str
        instead: str
    imports = checked = ()
    runs_code = False
    instead = ""


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
        name="lightgbm",
        model="modelet.backends.lightgbm:LightGBMModel",
        maker="modelet.dev.publish.boosting.native:lightgbm",
        ending=".txt",
        platform="lightgbm_txt",
        libraries={"lightgbm": "lightgbm", "numpy": "numpy"},
        imports=("scipy",),
        checked=("lightgbm",),
        summary="LightGBM's own files, for what ONNX cannot express",
        instead="backend: onnx, which publish proves to give the same answers",
    ),
    Backend(
        name="xgboost",
        model="modelet.backends.xgboost:XGBoostModel",
        maker="modelet.dev.publish.boosting.native:xgboost",
        ending=".ubj",
        platform="xgboost_ubj",
        libraries={"numpy": "numpy", "xgboost": "xgboost-cpu"},
        imports=("scipy",),
        checked=("xgboost-cpu",),
        summary="XGBoost's own files, for what ONNX cannot express",
        instead="backend: onnx, which publish proves to give the same answers",
    ),
    Backend(
        name="catboost",
        model="modelet.backends.catboost:CatBoostModel",
        maker="modelet.dev.publish.boosting.native:catboost",
        ending=".cbm",
        platform="catboost_cbm",
        libraries={"catboost": "catboost", "numpy": "numpy", "pandas": "pandas", "scipy": "scipy", "six": "six"},
        checked=("catboost",),
        summary="CatBoost's own files with categories; needs 400 MB of libraries",
        instead="backend: onnx, which publish proves to give the same answers",
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
        instead="backend: onnx, which publish proves to give the same answers",
    ),
    Backend(
        name="python",
        model="modelet.backends.python:RuleModel",
        maker="modelet.dev.publish.code:made",
        ending="",
        platform="modelet_python",
        libraries={},
        summary="a class without a framework: rules, predictors, files that it opens itself",
    ),
)

BACKENDS = dict(zip(map(attrgetter("name"), _RECORDS), _RECORDS, strict=True))
"""The backends by name, in the order in which publishing tries them for `backend: auto`."""
DEFAULT = "onnx"
AUTO = "auto"
"""In model.yaml: publishing takes the first backend that serves the model exactly."""


def of_file(name: str) -> Backend | None:
    """Return the backend that opens a version's main file, or None."""
    return next((record for record in BACKENDS.values() if record.ending and name.endswith(record.ending)), None)


def resolve(dotted: str) -> Any:
    """Import the object that a record names as `module:name`."""
    from importlib import import_module  # noqa: PLC0415 - not needed by functions with their own class

    module, _, name = dotted.partition(":")
    return getattr(import_module(module), name)
