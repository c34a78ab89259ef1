"""The manifest, `model.json`: what a version is, with size and SHA-256 of each file (docs/design.md, the store)."""

from __future__ import annotations

import json
from typing import Any, Literal, NamedTuple, TypeVar

from modelet.errors import ArtifactError, ManifestError
from modelet.store.keys import MANIFEST

T = TypeVar("T")
BOUNDS = ("minimum", "maximum")


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
        """Read model.json and validate it; keys that are not ours are left alone. Raises ManifestError."""
        from modelet.store.document import manifest_of  # noqa: PLC0415 - a function reads what was validated at pin

        return manifest_of(data)

    @classmethod
    def trusted(cls, data: bytes) -> Manifest:
        """Read model.json whose SHA-256 is the lock's: it was validated when it was pinned. Raises ManifestError."""
        try:
            said = {name: value for name, value in json.loads(data).items() if value is not None}
            said["class_name"] = said.pop("class")
            said["features"] = tuple(said["features"])
            for part in ("performance", "feature_importance"):
                said[part] = {name: float(value) for name, value in said[part].items()}
            for part, kind in (("files", ArtifactFile), ("columns", Column), ("frame", FrameColumn)):
                said[part] = tuple(_made(kind, each) for each in said.get(part, ()))
            if "pickled" in said:
                said["pickled"] = _made(Pickled, said["pickled"])
            return cls(**{name: said[name] for name in cls._fields if name in said})
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise ManifestError(f"{MANIFEST} is damaged: pin the version again") from None

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


def _made(kind: type[T], said: dict[str, Any]) -> T:
    """A part of the manifest as `kind`, a NamedTuple: what is null is left out, lists become tuples."""
    known: dict[str, Any] = {}
    for name in kind._fields:  # type: ignore[attr-defined]  # each is a NamedTuple
        value = said.get(name)
        if value is not None:
            known[name] = tuple(value) if isinstance(value, list) else float(value) if name in BOUNDS else value
    return kind(**known)
