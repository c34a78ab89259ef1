"""Makes a function's `bundle.json`: its spec as data, its lock, its compiled contract, its documents."""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pydantic_core
from pydantic import TypeAdapter
from pydantic.errors import PydanticUserError

from modelet.bundle import AUTHORS_HANDLER, BUNDLE_FILE, ENTRY_POINT, Bundle, Lock
from modelet.contract.schema import tighten
from modelet.dev.bundle.answers import check_answers
from modelet.dev.bundle.bake import BAKED
from modelet.dev.bundle.columns import column_types
from modelet.dev.bundle.constraints import inapplicable
from modelet.dev.bundle.core_schema import compile_type
from modelet.dev.bundle.modules import check_modules
from modelet.dev.bundle.openapi import openapi
from modelet.dev.bundle.opens import check_opens
from modelet.dev.bundle.proof import check_fields
from modelet.dev.bundle.schema import json_schema
from modelet.dev.bundle.tensors import tensors
from modelet.dev.project.author import author_modules
from modelet.errors import CommandError
from modelet.handler import ModelHandler
from modelet.model import contract_types
from modelet.registry.listing import read_manifest
from modelet.store.keys import manifest_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelet.contract.schema import Core
    from modelet.dev.project.project import Function
    from modelet.store.manifest import Manifest
    from modelet.store.store import Store

TRAINING = {"train.py"}
"""What runs on the publisher's machine only: a change of it leaves the bundle true."""


@dataclass(frozen=True, slots=True)
class Bundled:
    """A bundle, and why pydantic is needed to serve it (empty where it is not); sha256: of its file."""

    bundle: Bundle
    needs_pydantic: str
    sha256: str


def write_bundle(function: Function, store: Store, lock: Lock, path: Path | None = None) -> Bundled:
    """Compile a function and write its bundle; the same inputs give the same bytes.

    path: where to, the folder's own bundle.json unless given. Raises CommandError where app.py cannot be read, names no
    contract, or one that does not fit the version, and where the function cannot open the version.
    """
    manifest, sha256 = read_manifest(store, function.name, lock.version)
    if sha256 != lock.manifest_sha256:
        raise CommandError(
            f"{store.url}: the manifest of {function.name} version {lock.version} is not the one that was pinned: "
            f"`modelet pin {function.name}` trusts what is there now"
        )
    check_modules(function, manifest)
    with author_modules(function.folder) as load:
        model_class = _model_class(function, load) if function.has_app else None
        check_opens(function, manifest, model_class)
        types = contract_types(model_class) if model_class else None
        if model_class and types is None and not manifest.columns:
            raise CommandError(
                f"{function.folder / 'app.py'}: {model_class.__name__} names no contract: "
                "write the types of an instance and a prediction, as in OnnxModel[Review, Sentiment]"
            )
        _check_preprocessing(function, load)
        instance, prediction = types or column_types(manifest)
        try:
            compiled = {"instance": compile_type(instance), "prediction": compile_type(prediction, returned=True)}
            schemas = [json_schema(instance, "validation"), json_schema(prediction, "serialization")]
            cores = [_core(instance, returned=False), _core(prediction, returned=True)]
        except Exception as error:  # types may bring code of their own to make their schema
            said = error.message if isinstance(error, PydanticUserError) else f"{type(error).__name__}: {error}"
            raise CommandError(
                f"{function.folder / 'app.py'}: the contract cannot be read: {said}: change that type"
            ) from error
        _check_contract(function, manifest, model_class if types else None, schemas[0], cores)
        _check_assumptions(function, manifest, model_class)
    bundle = Bundle(
        name=function.name,
        handler=AUTHORS_HANDLER if function.has_app else ENTRY_POINT,
        spec=function.spec.model_dump(mode="json"),
        lock=lock,
        contract={part: one.core for part, one in compiled.items()} | {"pydantic_core": pydantic_core.__version__},
        tensors=tensors(*schemas),
        openapi=openapi(function.name, lock.version, *schemas),
        manifest=store.read(manifest_path(function.name, lock.version)).decode(),
        sources=dict(_sources(function.folder)),
    )
    data = bundle.to_json()
    _replace(path or function.folder / BUNDLE_FILE, data)
    reasons = [f"the {part} {one.reason}" for part, one in compiled.items() if one.core is None]
    return Bundled(bundle, "; ".join(reasons), hashlib.sha256(data).hexdigest())


def _model_class(function: Function, load: Any) -> Any:
    path = function.folder / "app.py"
    try:
        handler = getattr(load("app"), "handler", None)
    except (Exception, SystemExit) as error:  # the author's module may raise anything
        raise CommandError(f"{path} cannot be imported: {type(error).__name__}: {error}") from error
    if not isinstance(handler, ModelHandler) or handler.model_class is None:
        raise CommandError(f"{path} has no handler: end it with `handler = ModelHandler(YourModel)`")
    return handler.model_class


def _check_preprocessing(function: Function, load: Any) -> None:
    """Refuse a preprocessing function that is not there."""
    named = function.spec.preprocessing
    if named is None:
        return
    try:
        found = getattr(load(named.module), named.function, None)
    except (Exception, SystemExit) as error:  # the author's module may raise anything
        raise CommandError(
            f"{function.folder / 'model.yaml'}: preprocessing: module {named.module} cannot be imported: "
            f"{type(error).__name__}: {error}: mend it, or name another"
        ) from error
    if not callable(found):
        raise CommandError(
            f"{function.folder / 'model.yaml'}: preprocessing: {named.module}.py has no function {named.function}: "
            "write it, or name another"
        )


def _check_assumptions(function: Function, manifest: Manifest, model_class: Any) -> None:
    """Refuse a version that takes for granted what only the author's own code can see to."""
    assumed = (manifest.compiled or {}).get("assumes")
    own = function.spec.preprocessing is not None or (model_class and not _is_backends(model_class.preprocess))
    if assumed and not own:
        raise CommandError(
            f"{function.folder}: version {manifest.version} takes for granted that {assumed[0]}, but no preprocess is "
            f"there: write one, or publish again with `modelet publish {function.name}`"
        )


def _core(kind: Any, *, returned: bool) -> Core:
    return tighten(dict(TypeAdapter(kind).core_schema), returned=returned)


def _check_contract(
    function: Function, manifest: Manifest, model_class: Any, schema: dict[str, Any], cores: list[Core]
) -> None:
    """Refuse a contract that hides the envelope, cannot be checked, or does not fit what the version was proven with.

    model_class: None where the contract is the version's own columns. schema: the instance's, as JSON.
    """
    app = str(function.folder / "app.py")
    if "$ref" in schema:
        schema = schema["$defs"][schema["$ref"].rpartition("/")[2]]
    if "instances" in schema.get("properties", ()):
        if model_class is None:
            raise CommandError(
                f"version {manifest.version} of {manifest.name} has a column called instances, which is the envelope's "
                "own word: rename it before the fit and publish again, or write a contract in app.py"
            )
        raise CommandError(f"{app}: a field cannot be called instances, which is the envelope's own word: rename it")
    if model_class is None:
        return
    for part, core in zip(("instance", "prediction"), cores, strict=True):
        if said := next(inapplicable(core), None):
            raise CommandError(f"{app}: the {part}'s contract: {said}: remove it there, or change the type")
    if function.spec.preprocessing is None and _is_backends(model_class.preprocess):
        check_fields(app, manifest, cores[0])
    if _is_backends(model_class.postprocess) and _is_backends(model_class.infer):
        check_answers(app, manifest, *cores)


def _is_backends(stage: Any) -> bool:
    """Whether a stage is a backend's own, which no author has overridden."""
    return bool(stage.__module__.startswith("modelet.backends."))


def _sources(folder: Path) -> Iterator[tuple[str, str]]:
    """The files that the bundle was made from, each with its SHA-256, in order."""
    code = [path for path in folder.rglob("*.py") if path.name not in TRAINING and "__pycache__" not in path.parts]
    code = [path for path in code if not path.is_relative_to(folder / BAKED)]
    for path in sorted([*code, folder / "model.yaml"]):
        yield path.relative_to(folder).as_posix(), hashlib.sha256(path.read_bytes()).hexdigest()


def _replace(path: Path, data: bytes) -> None:
    """Write a file whole: whoever reads meanwhile sees the old one or the new one."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    Path(name).chmod(0o644)
    Path(name).replace(path)
