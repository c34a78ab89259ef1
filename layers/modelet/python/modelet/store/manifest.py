"""The manifest, `model.json`: what a version is, with size and SHA-256 of each file (docs/design.md, the store)."""

from __future__ import annotations

import json
from datetime import datetime
from math import isfinite
from typing import Any, Literal, NamedTuple

from modelet.errors import ArtifactError, ManifestError
from modelet.store.document import Document
from modelet.store.keys import MANIFEST, NAME_RULES, is_artifact, is_model, is_version

TYPES = ("number", "integer", "string", "boolean")
BOUNDS = ("minimum", "maximum")
ARRAYS = ("float64", "float32", "int64")
MISSING = ("None", "nan", "NA")


class ArtifactFile(NamedTuple):
    """One file of a version: its path below the version, its size in bytes, its SHA-256 in hex."""

    path: str
    bytes: int
    sha256: str


class Column(NamedTuple):
    """One column of a model's input: what a value may be, where no class says it.

    categories: the only values there are, None for any; minimum, maximum: inclusive bounds of numbers. found: which of
    the two publish found, as far as the graph was proven; a contract may say less, and a value beyond is refused.
    """

    name: str
    type: Literal["number", "integer", "string", "boolean"]
    nullable: bool = False
    categories: tuple[str | int | float | bool, ...] | None = None
    minimum: float | None = None
    maximum: float | None = None
    found: tuple[str, ...] = ()


class FrameColumn(NamedTuple):
    """How pandas held one column of the frame on which an estimator was proven.

    dtype: its name in pandas ("float64", "Int64", "str", "category"). missing: what stands for a missing value among
    Python objects, "None", "nan" or "NA". categories, ordered: those of the dtype category in their order;
    categories_dtype: how pandas held them.
    """

    dtype: str
    missing: str = "nan"
    categories: tuple[str | int | float | bool, ...] | None = None
    categories_dtype: str | None = None
    ordered: bool = False


class Pickled(NamedTuple):
    """What opening a version's pickles imports, and what its estimator was proven on.

    packages: the distribution of each top-level module ("sklearn": "scikit-learn"), whose version is in `runtime`.
    modules: the SHA-256 of each of the author's own files, by its path in the function's folder. dtype: that of
    the array that the examples were: of whole numbers, or of float32, some estimators make other answers than of
    float64.
    """

    packages: dict[str, str]
    modules: dict[str, str]
    dtype: str = "float64"


class Manifest(NamedTuple):
    """What a version is.

    model_lib, model_lib_version: the library that trained it ("scikit-learn"); class_name: the estimator's class.
    model_data: the main file; features: the input's names in their order; columns: their types, empty where a class
    says them.
    metric: the headline's name in performance (cross-validated figures), empty where there are none.
    model_info: at least the `task`, and the `labels` of a classifier.
    compiled: backend, opset and parity figures, None where nothing was converted.
    runtime: the Python minor and the library versions that wrote the files; created_at: ISO 8601 in UTC.
    frame: one for each feature where the estimator was proven on a DataFrame, else empty; pickled: None where no file
    is a pickle. Versions of older releases have neither.
    """

    name: str
    version: str
    model_lib: str
    model_lib_version: str
    model_data: str
    features: tuple[str, ...]
    class_name: str
    metric: str
    performance: dict[str, float]
    feature_importance: dict[str, float]
    model_info: dict[str, Any]
    files: tuple[ArtifactFile, ...]
    runtime: dict[str, str]
    created_at: str
    columns: tuple[Column, ...] = ()
    compiled: dict[str, Any] | None = None
    frame: tuple[FrameColumn, ...] = ()
    pickled: Pickled | None = None

    @classmethod
    def parse(cls, data: bytes) -> Manifest:
        """Read model.json; keys that are not ours are left alone. Raises ManifestError naming what is wrong."""
        try:
            parsed = json.loads(data.decode(), parse_float=_finite, parse_constant=_finite)
        except (ValueError, RecursionError) as error:
            raise ManifestError(f"{MANIFEST} is truncated or no JSON: {error}") from None
        keys = Document(parsed)
        manifest = cls(
            name=keys.text("name", is_model, NAME_RULES["model"]),
            version=keys.text("version", is_version, NAME_RULES["version"]),
            model_lib=keys.text("model_lib"),
            model_lib_version=keys.text("model_lib_version"),
            model_data=keys.text("model_data"),
            features=keys.texts("features"),
            class_name=keys.text("class"),
            metric=keys.text("metric"),
            performance=keys.numbers("performance"),
            feature_importance=keys.numbers("feature_importance"),
            model_info=keys.mapping("model_info"),
            files=tuple(map(_file, keys.objects("files"))),
            columns=tuple(map(_column, keys.objects("columns"))) if keys.has("columns") else (),
            compiled=keys.mapping("compiled") if keys.has("compiled") else None,
            frame=tuple(map(_frame_column, keys.objects("frame"))) if keys.has("frame") else (),
            pickled=_pickled(keys.nested("pickled")) if keys.has("pickled") else None,
            runtime=keys.named_texts("runtime"),
            created_at=keys.text("created_at", _is_utc, "a time in UTC such as 2026-11-20T09:30:00Z"),
        )
        manifest._check()
        return manifest

    def to_json(self) -> bytes:
        """The one way to write it: sorted keys, two spaces, a last newline. Raises ManifestError as `parse` would."""
        document = self._asdict()
        for part in ("files", "columns", "frame"):
            document[part] = [each._asdict() for each in document[part]]
        document["pickled"] = self.pickled._asdict() if self.pickled else None
        for part in ("frame", "pickled"):  # graphs have neither
            if not document[part]:
                del document[part]
        for column in document["columns"]:
            if not column["found"]:
                del column["found"]
        document["class"] = document.pop("class_name")
        try:
            text = json.dumps(document, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False)
            data = f"{text}\n".encode()
        except (TypeError, ValueError, RecursionError) as error:
            raise ManifestError(f"{MANIFEST} cannot be written: {error}") from None
        Manifest.parse(data)
        return data

    def file(self, path: str) -> ArtifactFile:
        """One of the version's files. Raises ArtifactError naming what there is."""
        for file in self.files:
            if file.path == path:
                return file
        there = ", ".join(file.path for file in self.files)
        raise ArtifactError(f"{path} is no file of {self.name} version {self.version}; there are: {there}")

    def _check(self) -> None:
        """Refuse what each value alone does not show."""
        paths = [file.path for file in self.files]
        names = [column.name for column in self.columns]
        if len(set(paths)) < len(paths):
            raise ManifestError(f"{MANIFEST}: files names a path twice")
        if len(set(names)) < len(names):
            raise ManifestError(f"{MANIFEST}: columns names a column twice")
        if self.frame and len(self.frame) != len(self.features):
            raise ManifestError(f"{MANIFEST}: features names {len(self.features)} columns, frame has {len(self.frame)}")
        if self.model_data not in paths:
            raise ManifestError(f"{MANIFEST}: model_data is {self.model_data[:80]!r}, which is not in files")
        if self.metric not in self.performance and (self.metric or self.performance):
            raise ManifestError(f"{MANIFEST}: metric is {self.metric[:80]!r}, which is not in performance")


def _file(keys: Document) -> ArtifactFile:
    return ArtifactFile(
        path=keys.text("path", is_artifact, NAME_RULES["file"]),
        bytes=keys.count("bytes"),
        sha256=keys.text("sha256", _is_sha256, "64 lower-case hexadecimal digits"),
    )


def _column(keys: Document) -> Column:
    kind: Any = keys.text("type", TYPES.__contains__, f"one of {', '.join(TYPES)}")
    found = keys.texts("found") if keys.has("found") else ()
    if not all(name in BOUNDS and keys.has(name) for name in found):
        keys.refuse("found", f"of {' and '.join(BOUNDS)}, those that are there")
    return Column(
        name=keys.text("name"),
        type=kind,
        nullable=keys.flag("nullable") if keys.has("nullable") else False,
        categories=keys.scalars("categories") if keys.has("categories") else None,
        minimum=keys.number("minimum") if keys.has("minimum") else None,
        maximum=keys.number("maximum") if keys.has("maximum") else None,
        found=found,
    )


def _frame_column(keys: Document) -> FrameColumn:
    return FrameColumn(
        dtype=keys.text("dtype"),
        missing=keys.text("missing", MISSING.__contains__, f"one of {', '.join(MISSING)}"),
        categories=keys.scalars("categories") if keys.has("categories") else None,
        categories_dtype=keys.text("categories_dtype") if keys.has("categories_dtype") else None,
        ordered=keys.flag("ordered"),
    )


def _pickled(keys: Document) -> Pickled:
    return Pickled(
        packages=keys.named_texts("packages"),
        modules=keys.named_texts("modules"),
        dtype=keys.text("dtype", ARRAYS.__contains__, f"one of {', '.join(ARRAYS)}")
        if keys.has("dtype")
        else "float64",
    )


def _is_sha256(text: str) -> bool:
    return len(text) == 64 and not text.strip("0123456789abcdef")


def _is_utc(text: str) -> bool:
    try:
        offset = datetime.fromisoformat(text).utcoffset()
    except ValueError:
        return False
    return offset is not None and not offset


def _finite(text: str) -> float:
    """A JSON number that is one: neither NaN nor Infinity nor 1e999."""
    number = float(text)
    if not isfinite(number):
        raise ValueError(f"{text[:20]} is not a finite number")
    return number
