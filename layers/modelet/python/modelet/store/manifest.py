"""The manifest, `model.json`: the description of a version, with size and SHA-256 of each file (docs/design.md)."""

from __future__ import annotations

import json
from typing import Any, Literal, NamedTuple, TypeVar

from modelet.errors import ArtifactError, ManifestError
from modelet.store.keys import MANIFEST

T = TypeVar("T")
BOUNDS = ("minimum", "maximum")
LISTS = ("categories", "found")
SHARED = ("name", "version", "created_at")
"""What each of several models has from its version, and does not repeat."""


class ArtifactFile(NamedTuple):
    """One file of a version: its path below the version, its size in bytes, its SHA-256 in hex."""

    path: str
    bytes: int
    sha256: str


class Column(NamedTuple):
    """One column of a model's input, with its valid values.

    type: a datetime and a date are ISO 8601 texts in requests; the frame says whether a datetime has a time zone.
    categories: the only valid values, None for any. minimum, maximum: inclusive bounds of numbers. found: which of the
    two bounds publish determined, as the range in which the graph was tested; values outside it are rejected even if
    the contract does not exclude them.
    """

    name: str
    type: Literal["number", "integer", "string", "boolean", "datetime", "date"]
    nullable: bool = False
    categories: tuple[str | int | float | bool, ...] | None = None
    minimum: float | None = None
    maximum: float | None = None
    found: tuple[str, ...] = ()


class FrameColumn(NamedTuple):
    """The dtype of one column of the DataFrame with which an estimator was tested.

    dtype: its name in pandas ("float64", "Int64", "str", "category", "datetime64[us, UTC]"). missing: the object for a
    missing value among Python objects, "None", "nan", "NA" or "NaT". categories, ordered, categories_dtype: the values
    of the dtype "category" in their order, whether they are ordered, and their own dtype.
    """

    dtype: str
    missing: str = "nan"
    categories: tuple[str | int | float | bool, ...] | None = None
    categories_dtype: str | None = None
    ordered: bool = False


class Pickled(NamedTuple):
    """The imports of a version's pickles, and the dtype with which its estimator was tested.

    packages: the distribution of each top-level module ("sklearn": "scikit-learn"), whose version is in `runtime`.
    modules: the SHA-256 of each of the author's own files, by its path in the function's folder. dtype: the dtype of
    the examples' array, because some estimators give different answers for integers or float32 than for float64.
    """

    packages: dict[str, str]
    modules: dict[str, str]
    dtype: str = "float64"


class Manifest(NamedTuple):
    """The description of a version.

    model_lib, model_lib_version: the library that trained it ("scikit-learn"). class_name: the estimator's class.
    model_data: the main file. features: the names of the inputs in order. columns: their types, empty if a class
    defines them.
    metric: the name of the most important figure in performance (cross-validated figures), empty if there are none.
    model_info: at least the `task`, and the `labels` of a classifier.
    compiled: backend, opset and parity figures, None if nothing was converted.
    answer: the shape of the default prediction, see `modelet.backends.answers`; None in versions of older releases, and
    if a class must define it.
    runtime: the Python minor and the library versions that wrote the files. created_at: ISO 8601 in UTC.
    frame: one entry per feature if the estimator was tested with a DataFrame, otherwise empty. pickled: None if no file
    is a pickle. Versions of older releases have neither.
    models: the description of each model if the version has several by name, otherwise None. Their `model_data` is the
    path of a file of the version; the version's columns are those of all of them.
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
    answer: dict[str, Any] | None = None
    models: dict[str, Manifest] | None = None

    @classmethod
    def parse(cls, data: bytes) -> Manifest:
        """Read and validate model.json; unknown keys are ignored. Raises ManifestError."""
        from modelet.store.document import manifest_of  # noqa: PLC0415 - functions read a manifest validated at pin

        return manifest_of(data)

    @classmethod
    def trusted(cls, data: bytes) -> Manifest:
        """Read a model.json with the lock's SHA-256, which was validated when it was pinned. Raises ManifestError."""
        try:
            return cls._read(json.loads(data))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise ManifestError(f"{MANIFEST} is damaged: pin the version again") from None

    @classmethod
    def _read(cls, document: dict[str, Any]) -> Manifest:
        given = {name: value for name, value in document.items() if value is not None}
        given["class_name"] = given.pop("class")
        given["features"] = tuple(given["features"])
        for part in ("performance", "feature_importance"):
            given[part] = {name: float(value) for name, value in given[part].items()}
        for part, kind in (("files", ArtifactFile), ("columns", Column), ("frame", FrameColumn)):
            given[part] = tuple(_made(kind, each) for each in given.get(part, ()))
        if "pickled" in given:
            given["pickled"] = _made(Pickled, given["pickled"])
        if "models" in given:
            whole = {name: given[name] for name in SHARED}
            files = document["files"]
            models = {name: cls._read({**each, **whole, "files": files}) for name, each in given["models"].items()}
            given["models"] = models
        return cls(**{name: given[name] for name in cls._fields if name in given})

    def to_json(self) -> bytes:
        """Return the manifest as JSON: sorted keys, two spaces, a final newline. Raises ManifestError like `parse`."""
        try:
            text = json.dumps(self._document(), sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False)
            data = f"{text}\n".encode()
        except (TypeError, ValueError, RecursionError) as error:
            raise ManifestError(f"{MANIFEST} cannot be written: {error}") from None
        Manifest.parse(data)
        return data

    def _document(self) -> dict[str, Any]:
        document = self._asdict()
        for part in ("files", "columns", "frame"):
            document[part] = [each._asdict() for each in document[part]]
        document["pickled"] = self.pickled._asdict() if self.pickled else None
        if self.models:
            parts = {name: each._document() for name, each in self.models.items()}
            left_out = (*SHARED, "files")
            document["models"] = {
                name: {key: value for key, value in each.items() if key not in left_out} for name, each in parts.items()
            }
        for part in ("frame", "pickled", "answer", "models"):  # most versions have few of them
            if not document[part]:
                del document[part]
        for column in document["columns"]:
            if not column["found"]:
                del column["found"]
        document["class"] = document.pop("class_name")
        return document

    def file(self, path: str) -> ArtifactFile:
        """Return one of the version's files. Raises ArtifactError with the names of all files."""
        for file in self.files:
            if file.path == path:
                return file
        paths = ", ".join(file.path for file in self.files)
        raise ArtifactError(f"{self.name} version {self.version} has no file {path}; its files: {paths}")


def _made(kind: type[T], given: dict[str, Any]) -> T:
    """Return a part of the manifest as a NamedTuple; null values are left out, lists become tuples."""
    fields = kind._fields  # type: ignore[attr-defined]  # each is a NamedTuple
    known = {name: value for name, value in given.items() if value is not None and name in fields}
    for name in BOUNDS:
        if name in known:
            known[name] = float(known[name])
    for name in LISTS:
        if name in known:
            known[name] = tuple(known[name])
    return kind(**known)
