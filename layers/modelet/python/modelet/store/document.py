"""Validate model.json: check every value, and name the wrong key."""

from __future__ import annotations

import json
from datetime import datetime
from math import isfinite
from typing import Any

from modelet.errors import ManifestError
from modelet.store.fields import Document
from modelet.store.keys import MANIFEST, NAME_RULES, is_artifact, is_model, is_version
from modelet.store.manifest import BOUNDS, SHARED, ArtifactFile, Column, FrameColumn, Manifest, Pickled

TYPES = ("number", "integer", "string", "boolean", "datetime", "date")
ARRAYS = ("float64", "float32", "int64")
MISSING = ("None", "nan", "NA", "NaT")
MOMENTS = {"datetime": ("datetime64[", "object"), "date": ("object",)}
"""The beginnings of the dtypes of columns that only a DataFrame can hold."""
OUTPUTS = frozenset({"label", "variable", "cluster", "probabilities", "scores", "distances", "vector"})
"""The outputs that a default prediction is made from, see `modelet.backends.answers`."""


def manifest_of(data: bytes) -> Manifest:
    """Return the manifest in a model.json. Raises ManifestError with the key and the reason."""
    try:
        parsed = json.loads(data.decode(), parse_float=_finite, parse_constant=_finite)
    except (ValueError, RecursionError) as error:
        raise ManifestError(f"{MANIFEST} is truncated or not JSON: {error}") from None
    return _manifest(parsed)


def _manifest(parsed: object, place: str = "") -> Manifest:
    keys = Document(parsed, place)
    manifest = Manifest(
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
        answer=_answer(keys.nested("answer"), keys.mapping("answer")) if keys.has("answer") else None,
        models=_models(keys, parsed) if keys.has("models") else None,
        runtime=keys.named_texts("runtime"),
        created_at=keys.text("created_at", _is_utc, "a time in UTC such as 2026-11-20T09:30:00Z"),
    )
    _check(manifest)
    return manifest


def _check(manifest: Manifest) -> None:
    """Raise ManifestError if values do not fit each other."""
    paths = [file.path for file in manifest.files]
    names = [column.name for column in manifest.columns]
    if len(set(paths)) < len(paths):
        raise ManifestError(f"{MANIFEST}: files has a duplicate path")
    if len(set(names)) < len(names):
        raise ManifestError(f"{MANIFEST}: columns has a duplicate name")
    if manifest.frame and len(manifest.frame) != len(manifest.features):
        raise ManifestError(
            f"{MANIFEST}: features has {len(manifest.features)} columns, but frame has {len(manifest.frame)}"
        )
    dtypes = [column.dtype for column in manifest.frame] or [""] * len(names)
    for column, dtype in zip(manifest.columns, dtypes, strict=False):
        if column.type in MOMENTS and not dtype.startswith(MOMENTS[column.type]):
            raise ManifestError(
                f"{MANIFEST}: column {column.name[:80]!r} is a {column.type}, but frame does not hold it"
            )
    if manifest.model_data not in paths and (paths or manifest.model_data):
        raise ManifestError(f"{MANIFEST}: model_data is {manifest.model_data[:80]!r}, which is not in files")
    if manifest.metric not in manifest.performance and (manifest.metric or manifest.performance):
        raise ManifestError(f"{MANIFEST}: metric is {manifest.metric[:80]!r}, which is not in performance")


def _models(keys: Document, parsed: Any) -> dict[str, Manifest]:
    """Return the descriptions of several models, each with the files of the whole version."""
    whole = {key: parsed[key] for key in (*SHARED, "files")}
    named = keys.mapping("models")
    found = {}
    for name, given in named.items():
        Document(given, f"models.{name}")
        if "models" in given or not is_artifact(name):
            keys.fail("models", "an object of models by names, each without models of its own")
        found[name] = _manifest({**given, **whole}, f"models.{name}")
    if not found:
        keys.fail("models", "an object of at least one model")
    return found


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
        keys.fail("found", f"a list of {' or '.join(BOUNDS)}, for bounds that the column has")
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


def _answer(keys: Document, said: dict[str, Any]) -> dict[str, Any]:
    """Return the shape of the default prediction, as it is written."""
    outputs = keys.texts("outputs")
    if not outputs or not set(outputs) <= OUTPUTS or len(set(outputs)) < len(outputs):
        keys.fail("outputs", f"a list of some of {', '.join(sorted(OUTPUTS))}")
    if keys.has("width"):
        keys.count("width")
    if keys.has("targets"):
        for target in keys.objects("targets"):
            target.text("name")
            if target.has("labels"):
                target.scalars("labels")
    return said


def _is_sha256(text: str) -> bool:
    return len(text) == 64 and not text.strip("0123456789abcdef")


def _is_utc(text: str) -> bool:
    try:
        offset = datetime.fromisoformat(text).utcoffset()
    except ValueError:
        return False
    return offset is not None and not offset


def _finite(text: str) -> float:
    """Return a finite JSON number. Raises ValueError for NaN, Infinity and 1e999."""
    number = float(text)
    if not isfinite(number):
        raise ValueError(f"{text[:20]} is not a finite number")
    return number
