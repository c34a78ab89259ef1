from __future__ import annotations

import copy
import json
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from modelet.digest import digest
from modelet.errors import ArtifactError, ManifestError
from modelet.store.keys import is_artifact, is_model, is_version
from modelet.store.manifest import ArtifactFile, Column, Manifest

DOCUMENT: dict[str, Any] = {
    "name": "sentiment",
    "version": "3",
    "model_lib": "scikit-learn",
    "model_lib_version": "1.9.1",
    "model_data": "model.onnx",
    "features": ["text"],
    "class": "Pipeline",
    "metric": "accuracy",
    "performance": {"accuracy": 0.93, "folds": 5},
    "feature_importance": {"text": 1},
    "model_info": {"task": "classification", "labels": ["부정", "긍정"], "nested": {"deep": [1, None, 0.5]}},
    "files": [
        {"path": "model.onnx", "bytes": 1024, "sha256": "ab" * 32},
        {"path": "more/labels.json", "bytes": 0, "sha256": "0" * 64},
    ],
    "columns": [
        {"name": "text", "type": "string", "nullable": False, "categories": None, "minimum": None, "maximum": None},
        {
            "name": "stars",
            "type": "integer",
            "nullable": True,
            "categories": [1, 2.5, "x", True],
            "minimum": 1,
            "maximum": 5,
        },
    ],
    "compiled": {"backend": "onnx", "opset": 21, "parity": {"rows": 1000, "largest": 9e-8}},
    "runtime": {"python": "3.11", "scikit-learn": "1.9.1", "numpy": "2.4.6"},
    "frame": [
        {
            "dtype": "category",
            "missing": "nan",
            "categories": ["a", "b"],
            "categories_dtype": "str",
            "ordered": False,
        },
    ],
    "pickled": {"packages": {"sklearn": "scikit-learn"}, "modules": {"features.py": "ab" * 32}, "whole": True},
    "created_at": "2026-11-20T09:30:00Z",
}


def as_bytes(document: object) -> bytes:
    return json.dumps(document).encode()


def parsed(data: bytes) -> Manifest | str:
    """The manifest, or what the ManifestError says."""
    try:
        return Manifest.parse(data)
    except ManifestError as error:
        return str(error)


def changed(**members: object) -> dict[str, Any]:
    return {**copy.deepcopy(DOCUMENT), **members}


def test_a_document_becomes_what_it_says() -> None:
    manifest = Manifest.parse(as_bytes(DOCUMENT))
    assert (manifest.name, manifest.version, manifest.class_name) == ("sentiment", "3", "Pipeline")
    assert manifest.features == ("text",)
    assert manifest.performance == {"accuracy": 0.93, "folds": 5.0}
    assert isinstance(manifest.performance["folds"], float)
    assert manifest.files[0] == ArtifactFile("model.onnx", 1024, "ab" * 32)
    assert manifest.columns == (
        Column("text", "string"),
        Column("stars", "integer", nullable=True, categories=(1, 2.5, "x", True), minimum=1.0, maximum=5.0),
    )
    assert manifest.model_info["labels"] == ["부정", "긍정"]


OPTIONAL = {"columns", "compiled", "frame", "pickled"}


def test_what_older_releases_did_not_write_may_be_missing_or_null() -> None:
    document = changed(**dict.fromkeys(OPTIONAL))
    manifest = Manifest.parse(as_bytes(document))
    assert (manifest.columns, manifest.frame, manifest.compiled, manifest.pickled) == ((), (), None, None)
    for key in OPTIONAL:
        del document[key]
    assert Manifest.parse(as_bytes(document)) == manifest
    assert not {"frame", "pickled"} & json.loads(manifest.to_json()).keys()


def test_bounds_that_publish_found_are_named_and_there() -> None:
    column = {"name": "text", "type": "number", "minimum": -4.5, "found": ["minimum"]}
    manifest = Manifest.parse(as_bytes(changed(columns=[column])))
    assert manifest.columns == (Column("text", "number", minimum=-4.5, found=("minimum",)),)
    assert Manifest.parse(manifest.to_json()) == manifest
    for found in (["maximum"], ["name"], ["minimum", "x"]):
        with pytest.raises(
            ManifestError, match=r"columns\[0\].found .* a list of minimum or maximum, for bounds that the column has"
        ):
            Manifest.parse(as_bytes(changed(columns=[{**column, "found": found}])))


def test_the_columns_of_a_frame_are_as_many_as_the_features() -> None:
    with pytest.raises(ManifestError, match="features has 2 columns, but frame has 1"):
        Manifest.parse(as_bytes(changed(features=["text", "stars"])))


def test_keys_of_a_later_modelet_are_left_alone() -> None:
    assert Manifest.parse(as_bytes(changed(later={"x": 1}))) == Manifest.parse(as_bytes(DOCUMENT))


def test_it_is_written_in_one_way_that_people_can_read() -> None:
    manifest = Manifest.parse(as_bytes(DOCUMENT))
    written = manifest.to_json()
    assert written == Manifest.parse(written).to_json()
    text = written.decode()
    assert text.endswith("}\n")
    assert "긍정" in text
    keys = list(json.loads(text))
    assert keys == sorted(DOCUMENT)
    assert text.startswith('{\n  "class": "Pipeline",\n')


def test_the_digest_is_sha256_in_hex() -> None:
    assert digest(b"graph") == sha256(b"graph").hexdigest()


def test_a_file_is_found_by_its_path() -> None:
    assert Manifest.parse(as_bytes(DOCUMENT)).file("more/labels.json").bytes == 0


def test_a_file_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(
        ArtifactError, match=r"sentiment version 3 has no file vocab\.txt; its files: model\.onnx, more/"
    ):
        Manifest.parse(as_bytes(DOCUMENT)).file("vocab.txt")


# what is wrong is named


@pytest.mark.parametrize("key", sorted(DOCUMENT.keys() - OPTIONAL))
def test_a_missing_key_is_named(key: str) -> None:
    document = changed()
    del document[key]
    with pytest.raises(ManifestError, match=rf"^model\.json: {key} is missing$"):
        Manifest.parse(as_bytes(document))


@pytest.mark.parametrize("key", sorted(DOCUMENT))
@pytest.mark.parametrize("value", [None, True, -1, 1.5, "", "x y", [], [1], {}, {"a": None}, [[]], "ü" * 300])
def test_a_value_of_the_wrong_kind_is_named_or_fits(key: str, value: object) -> None:
    outcome = parsed(as_bytes(changed(**{key: value})))
    if isinstance(outcome, Manifest):
        written = json.loads(outcome.to_json()).get(key)
        assert written == value or (key in {"columns", "frame"} and not value)
    else:
        assert outcome.startswith(f"model.json: {key}") or (key in {"files", "performance"} and "is not in" in outcome)
        assert len(outcome) < 300


CHANGES: dict[str, tuple[dict[str, object], str]] = {
    "a model's name": ({"name": "Sentiment"}, r"name is 'Sentiment', not lower-case letters"),
    "a version's name": ({"version": "latest"}, r"version is 'latest', not letters"),
    "a path out": (
        {"files": [{"path": "../x", "bytes": 1, "sha256": "0" * 64}]},
        r"files\[0\]\.path is '\.\./x', not letters",
    ),
    "an absolute path": (
        {"files": [{"path": "/etc/passwd", "bytes": 1, "sha256": "0" * 64}]},
        r"files\[0\]\.path is '/etc/passwd'",
    ),
    "our own file": (
        {"files": [{"path": "model.json", "bytes": 1, "sha256": "0" * 64}]},
        r"files\[0\]\.path is 'model\.json'",
    ),
    "a short digest": (
        {"files": [{"path": "x", "bytes": 1, "sha256": "0"}]},
        r"files\[0\]\.sha256 is '0', not 64 lower-case hexadecimal digits",
    ),
    "a digest in capitals": ({"files": [{"path": "x", "bytes": 1, "sha256": "A" * 64}]}, r"files\[0\]\.sha256"),
    "a size below nothing": (
        {"files": [{"path": "x", "bytes": -1, "sha256": "0" * 64}]},
        r"files\[0\]\.bytes is -1, not an integer from 0",
    ),
    "a size that is true": (
        {"files": [{"path": "x", "bytes": True, "sha256": "0" * 64}]},
        r"files\[0\]\.bytes is True",
    ),
    "a file without a size": ({"files": [{"path": "x", "sha256": "0" * 64}]}, r"files\[0\]\.bytes is missing"),
    "a file that is a text": ({"files": ["model.onnx"]}, r"files\[0\] is 'model\.onnx', not an object"),
    "one path twice": ({"files": [DOCUMENT["files"][0]] * 2}, r"files has a duplicate path"),
    "no main file": ({"model_data": "model.joblib"}, r"model_data is 'model\.joblib', which is not in files"),
    "an unknown headline": ({"metric": "f1"}, r"metric is 'f1', which is not in performance"),
    "no headline of several": ({"metric": ""}, r"metric is '', which is not in performance"),
    "a figure that is a text": ({"performance": {"accuracy": "0.9"}}, r"performance\.accuracy is '0\.9', not a number"),
    "a figure that is true": ({"performance": {"accuracy": True}}, r"performance\.accuracy is True, not a number"),
    "a figure too large": ({"performance": {"accuracy": 10**400}}, r"performance\.accuracy is a huge number"),
    "a name of many lines": (
        {"performance": {"a\nb" + "x" * 200: "0.9"}},
        r"performance\.a\\nbx{30,60}… is '0\.9', not a number$",
    ),
    "a feature that is a number": ({"features": ["a", 1]}, r"features\[1\] is 1, not a string"),
    "a version that is a number": ({"runtime": {"python": 3.11}}, r"runtime\.python is 3\.11, not a string"),
    "an unknown type": (
        {"columns": [{"name": "a", "type": "time"}]},
        r"columns\[0\]\.type is 'time', not one of number",
    ),
    "a datetime without a frame": (
        {"columns": [{"name": "a", "type": "datetime"}]},
        r"column 'a' is a datetime, but frame does not hold it",
    ),
    "no categories": (
        {"columns": [{"name": "a", "type": "string", "categories": []}]},
        r"columns\[0\]\.categories is a list, not a list of at least one value",
    ),
    "a category that is a list": (
        {"columns": [{"name": "a", "type": "string", "categories": ["x", []]}]},
        r"columns\[0\]\.categories\[1\] is a list",
    ),
    "one column twice": ({"columns": [{"name": "a", "type": "string"}] * 2}, r"columns has a duplicate name"),
    "a time without a zone": ({"created_at": "2026-11-20T09:30:00"}, r"created_at is .*, not a time in UTC"),
    "a time elsewhere": ({"created_at": "2026-11-20T09:30:00+09:00"}, r"created_at is .*, not a time in UTC"),
    "a time that is none": ({"created_at": "2026-13-20T09:30:00Z"}, r"created_at is .*, not a time in UTC"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_wrong_is_named(change: str) -> None:
    members, said = CHANGES[change]
    with pytest.raises(ManifestError, match=rf"^model\.json: {said}"):
        Manifest.parse(as_bytes(changed(**members)))


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_number_that_is_none_is_refused_wherever_it_stands(value: str) -> None:
    text = json.dumps(changed(model_info={"threshold": "HERE"})).replace('"HERE"', value)
    with pytest.raises(ManifestError, match=r"is not a finite number"):
        Manifest.parse(text.encode())


@pytest.mark.parametrize("keep", [0, 1, 10, -1])
def test_a_truncated_document_is_said_to_be_truncated(keep: int) -> None:
    with pytest.raises(ManifestError, match=r"^model\.json is truncated or not JSON"):
        Manifest.parse(as_bytes(DOCUMENT)[:keep])


@pytest.mark.parametrize("data", [b"null", b"[]", b"3", b'"model"'])
def test_a_document_that_is_no_object_is_refused(data: bytes) -> None:
    with pytest.raises(ManifestError, match=r"^model\.json: the document is .*, not an object$"):
        Manifest.parse(data)


@given(data=st.binary(max_size=200))
@example(b"[" * 100_000)
@example(b'{"name":' * 50_000)
@example(b"9" * 5_000)
@example(b"\xff\xfe{\x00}\x00")
@example(b'\xef\xbb\xbf{"name": "x"}')
def test_random_bytes_are_a_manifest_error_and_nothing_else(data: bytes) -> None:
    with pytest.raises(ManifestError):
        Manifest.parse(data)
    with pytest.raises(ManifestError, match="is damaged: pin the version again"):
        Manifest.trusted(data)


@settings(max_examples=500)
@given(cut=st.integers(0, len(as_bytes(DOCUMENT)) - 1), put=st.binary(max_size=8), drop=st.integers(0, 40))
def test_a_document_with_bytes_changed_is_a_manifest_or_a_manifest_error(cut: int, put: bytes, drop: int) -> None:
    data = as_bytes(DOCUMENT)
    data = data[:cut] + put + data[cut + drop :]
    outcome = parsed(data)
    if isinstance(outcome, Manifest):
        assert Manifest.trusted(data) == outcome
        assert Manifest.parse(outcome.to_json()) == outcome
    else:
        assert outcome.isprintable()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
places = st.sampled_from(
    [
        *((key,) for key in DOCUMENT),
        *(("files", 0, key) for key in DOCUMENT["files"][0]),
        *(("columns", 1, key) for key in DOCUMENT["columns"][1]),
        ("files", 0),
        ("columns", 0),
        ("features", 0),
        ("performance", "accuracy"),
        ("runtime", "python"),
        ("model_info", "labels"),
    ]
)


@settings(max_examples=500)
@given(place=places, value=json_values)
def test_a_document_with_any_value_changed_is_a_manifest_or_a_manifest_error(
    place: tuple[Any, ...], value: object
) -> None:
    document = copy.deepcopy(DOCUMENT)
    inner: Any = document
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    outcome = parsed(as_bytes(document))
    if not isinstance(outcome, Manifest):
        assert outcome.isprintable()
        return
    assert repr(Manifest.trusted(as_bytes(document))) == repr(outcome)
    try:
        written = outcome.to_json()
    except ManifestError:
        # Half of a surrogate pair is JSON, but no text that a file can hold.
        if "\\ud" not in json.dumps(document):
            raise
        return
    assert Manifest.parse(written) == outcome


# round trip

finite = st.floats(allow_nan=False, allow_infinity=False)
names = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
hexadecimal = st.text("0123456789abcdef", min_size=64, max_size=64)
scalars = names | st.integers() | finite | st.booleans()


def bounds_of(column: Column) -> list[str]:
    return [name for name in ("minimum", "maximum") if getattr(column, name) is not None]


columns = st.builds(
    Column,
    name=names,
    type=st.sampled_from(["number", "integer", "string", "boolean"]),
    nullable=st.booleans(),
    categories=st.none() | st.lists(scalars, min_size=1, max_size=4).map(tuple),
    minimum=st.none() | finite,
    maximum=st.none() | finite,
    found=st.just(()),
).flatmap(lambda column: st.sampled_from([column, column._replace(found=tuple(bounds_of(column)))]))
files = st.builds(
    ArtifactFile,
    path=st.from_regex(r"[a-z_][a-z0-9_.-]{0,8}(/[a-z][a-z.]{0,5})?", fullmatch=True).filter(is_artifact),
    bytes=st.integers(0, 2**40),
    sha256=hexadecimal,
)


@st.composite
def manifests(draw: st.DrawFn) -> Manifest:
    performance = draw(st.dictionaries(names, finite, max_size=3))
    listed = draw(st.lists(files, min_size=1, max_size=4, unique_by=lambda file: file.path))
    return Manifest(
        name=draw(st.from_regex(r"[a-z][a-z0-9-]{0,62}", fullmatch=True).filter(is_model)),
        version=draw(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}", fullmatch=True).filter(is_version)),
        model_lib=draw(names),
        model_lib_version=draw(names),
        model_data=draw(st.sampled_from(listed)).path,
        features=tuple(draw(st.lists(names, max_size=4))),
        class_name=draw(names),
        metric=draw(st.sampled_from(sorted(performance))) if performance else "",
        performance=performance,
        feature_importance=draw(st.dictionaries(names, finite, max_size=3)),
        model_info=draw(st.dictionaries(names, scalars | st.lists(scalars, max_size=3), max_size=3)),
        files=tuple(listed),
        columns=tuple(draw(st.lists(columns, max_size=3, unique_by=lambda column: column.name))),
        compiled=draw(st.none() | st.dictionaries(names, scalars, max_size=3)),
        runtime=draw(st.dictionaries(names, names, max_size=3)),
        created_at=draw(st.datetimes()).isoformat() + draw(st.sampled_from(["Z", "+00:00"])),
    )


@given(manifest=manifests())
def test_what_is_written_is_read_back_the_same(manifest: Manifest) -> None:
    written = manifest.to_json()
    assert Manifest.parse(written) == Manifest.trusted(written) == manifest
    assert Manifest.parse(written).to_json() == written


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "Not A Name"}, "name is 'Not A Name'"),
        ({"files": (ArtifactFile("../model.onnx", 1, "0" * 64),)}, r"files\[0\]\.path is"),
        ({"model_info": {"labels": {1, 2}}}, "cannot be written: .* set"),
        ({"performance": {"accuracy": float("nan")}}, "cannot be written: .* float"),
        ({"model_info": {"half": "\ud83d"}}, "cannot be written: .* surrogates"),
    ],
)
def test_what_could_not_be_read_back_is_never_written(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ManifestError, match=said):
        Manifest.parse(as_bytes(DOCUMENT))._replace(**changes).to_json()
