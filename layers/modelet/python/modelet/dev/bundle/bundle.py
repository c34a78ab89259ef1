"""Build a function's `bundle.json`: its spec, its lock, its compiled contract and its OpenAPI document."""

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

from modelet.bundle import AUTHORS_HANDLER, BUNDLE_FILE, ENTRY_POINT, LOCK_FILE, Bundle, Lock
from modelet.contract.schema import tighten
from modelet.dev.bundle.answers import check_answers
from modelet.dev.bundle.bake import BAKED
from modelet.dev.bundle.code import code_version
from modelet.dev.bundle.columns import column_types
from modelet.dev.bundle.constraints import inapplicable
from modelet.dev.bundle.core_schema import compile_type
from modelet.dev.bundle.features import as_answered, as_sent, check_joined
from modelet.dev.bundle.logic.types import logic_types
from modelet.dev.bundle.logic.verify import check_logic
from modelet.dev.bundle.modules import check_modules
from modelet.dev.bundle.openapi import openapi
from modelet.dev.bundle.opens import backend_of, check_opens
from modelet.dev.bundle.predictor import predictor_of, predictor_openapi
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

TRAINING = {"train.py", "training"}
"""Files and folders for the publisher's machine only: a change of them does not make the bundle stale."""


@dataclass(frozen=True, slots=True)
class Bundled:
    """A bundle, the reason why it needs pydantic (empty if it does not), and the SHA-256 of its file."""

    bundle: Bundle
    needs_pydantic: str
    sha256: str


def write_bundle(function: Function, store: Store, lock: Lock, path: Path | None = None) -> Bundled:
    """Compile a function and write its bundle. The same inputs give the same bytes.

    path: the file to write, by default the folder's bundle.json. Raises CommandError if app.py cannot be imported, has
    no contract or one that does not fit the version, and if the function cannot open the version.
    """
    manifest, sha256 = read_manifest(store, function.name, lock.version)
    if sha256 != lock.manifest_sha256:
        raise CommandError(
            f"{store.url}: the manifest of {function.name} version {lock.version} is not the pinned one: "
            f"run `modelet pin {function.name}` if you trust the current one"
        )
    if function.is_code and lock.version != (now := code_version(function)):
        raise CommandError(
            f"functions/{function.folder.name}: its code is {now}, but {LOCK_FILE} pins {lock.version}: "
            f"run `modelet pin {function.name}`"
        )
    check_modules(function, manifest)
    with author_modules(function.folder) as load:
        model_class = _model_class(function, load) if function.has_app else None
        is_plain = predictor_of(function, model_class, load) is not None
        if is_plain:
            model_class = None  # its stages are Modelet's own
        else:
            check_opens(function, manifest, model_class)
        types = (Any, Any) if is_plain else contract_types(model_class) if model_class else None
        if model_class and types is None and not manifest.columns and function.spec.logic is None:
            raise CommandError(
                f"{function.folder / 'app.py'}: {model_class.__name__} has no contract: "
                "give the types of an instance and a prediction, as in OnnxModel[Review, Sentiment]"
            )
        _check_preprocessing(function, load, manifest)
        instance, prediction = types or _types(function, manifest)
        try:
            compiled = {"instance": compile_type(instance), "prediction": compile_type(prediction, returned=True)}
            schemas = [json_schema(instance, "validation"), json_schema(prediction, "serialization")]
            cores = [_core(instance, returned=False), _core(prediction, returned=True)]
        except CommandError as error:
            raise CommandError(f"{function.folder / 'app.py'}: {error}") from error
        except Exception as error:  # a type may run its own code to build its schema
            said = error.message if isinstance(error, PydanticUserError) else f"{type(error).__name__}: {error}"
            raise CommandError(
                f"{function.folder / 'app.py'}: the contract cannot be read: {said}: change that type"
            ) from error
        if not is_plain:
            _check_contract(function, manifest, model_class if types else None, schemas[0], cores)
            _check_assumptions(function, manifest, model_class)
            check_logic(function, manifest, model_class if types else None, schemas[0], cores)
    sent = [as_tensors, answered] = schemas
    if function.spec.features is not None or function.spec.id is not None:
        check_joined(function, schemas[0], schemas[1], cores[0])
        as_tensors = as_sent(function.spec, schemas[0], tensors=True)
        sent = [as_sent(function.spec, schemas[0]), as_answered(function.spec, schemas[1])]
    bundle = Bundle(
        name=function.name,
        handler=AUTHORS_HANDLER if function.has_app else ENTRY_POINT,
        spec=function.spec.model_dump(mode="json") | {"backend": backend_of(function, manifest)},
        lock=lock,
        contract={part: one.core for part, one in compiled.items()} | {"pydantic_core": pydantic_core.__version__},
        tensors=tensors(as_tensors, answered, nested=types is None),
        openapi=predictor_openapi(function.name, lock.version)
        if is_plain
        else openapi(function.name, lock.version, *sent),
        manifest=store.read(manifest_path(function.name, lock.version)).decode(),
        sources=dict(_sources(function.folder)),
    )
    data = bundle.to_json()
    _replace(path or function.folder / BUNDLE_FILE, data)
    reasons = [f"the {part} {one.reason}" for part, one in compiled.items() if one.core is None]
    return Bundled(bundle, "; ".join(reasons), hashlib.sha256(data).hexdigest())


def _types(function: Function, manifest: Manifest) -> tuple[Any, Any]:
    """Return the types of an instance and a prediction of a function without a class that names them."""
    if function.spec.logic is not None:
        return logic_types(function, manifest, function.spec.logic)
    return column_types(manifest, probabilities=function.spec.probabilities)


def _model_class(function: Function, load: Any) -> Any:
    path = function.folder / "app.py"
    try:
        handler = getattr(load("app"), "handler", None)
    except (Exception, SystemExit) as error:  # the author's module may raise any error
        raise CommandError(f"{path} cannot be imported: {type(error).__name__}: {error}") from error
    if not isinstance(handler, ModelHandler) or handler.model_class is None:
        raise CommandError(f"{path} has no handler: add `handler = ModelHandler(YourModel)` at the end")
    return handler.model_class


def _check_preprocessing(function: Function, load: Any, manifest: Manifest) -> None:
    """Raise CommandError if the preprocessing function does not exist, or if there is not one graph that it is for."""
    named = function.spec.preprocessing
    if named is None:
        return
    if manifest.models:
        raise CommandError(
            f"{function.folder / 'model.yaml'}: preprocessing: gives the inputs of one model, but version "
            f"{manifest.version} has {', '.join(manifest.models)}: write logic.preprocess, which gives the columns"
        )
    try:
        found = getattr(load(named.module), named.function, None)
    except (Exception, SystemExit) as error:  # the author's module may raise any error
        raise CommandError(
            f"{function.folder / 'model.yaml'}: preprocessing: module {named.module} cannot be imported: "
            f"{type(error).__name__}: {error}: fix the module, or name another"
        ) from error
    if not callable(found):
        raise CommandError(
            f"{function.folder / 'model.yaml'}: preprocessing: {named.module}.py has no function {named.function}: "
            "write it, or name another"
        )


def _check_assumptions(function: Function, manifest: Manifest, model_class: Any) -> None:
    """Raise CommandError if the version assumes something that only a preprocess of the author's can ensure."""
    parts = (manifest.models or {"": manifest}).values()
    assumed = next((said for each in parts if (said := (each.compiled or {}).get("assumes"))), None)
    own = _is_preprocessed(function) or (model_class and not _is_backends(model_class.preprocess))
    if assumed and not own:
        raise CommandError(
            f"{function.folder}: version {manifest.version} assumes that {assumed[0]}, but there is no preprocess: "
            f"write one, or publish again with `modelet publish {function.name}`"
        )


def _core(kind: Any, *, returned: bool) -> Core:
    return tighten(dict(TypeAdapter(kind).core_schema), returned=returned)


def _check_contract(
    function: Function, manifest: Manifest, model_class: Any, schema: dict[str, Any], cores: list[Core]
) -> None:
    """Raise CommandError if the contract hides the envelope, cannot be checked, or does not fit the published version.

    model_class: None if the contract is made from the version's columns. schema: the instance's JSON schema.
    """
    app = str(function.folder / "app.py")
    if "$ref" in schema:
        schema = schema["$defs"][schema["$ref"].rpartition("/")[2]]
    if "instances" in schema.get("properties", ()):
        if model_class is None:
            raise CommandError(
                f"version {manifest.version} of {manifest.name} has a column called instances, which is a reserved "
                "name: rename it before the fit and publish again, or write a contract in app.py"
            )
        raise CommandError(f"{app}: a field cannot be called instances, which is a reserved name: rename it")
    if model_class is None:
        return
    if not function.spec.probabilities:
        raise CommandError(
            f"{function.folder / 'model.yaml'}: probabilities: is for functions without a class: remove it there, and "
            f"name the members that you want in the prediction's type in {app}"
        )
    for part, core in zip(("instance", "prediction"), cores, strict=True):
        if said := next(inapplicable(core), None):
            raise CommandError(f"{app}: the {part}'s contract: {said}: remove it there, or change the type")
    if not _is_preprocessed(function) and _is_backends(model_class.preprocess):
        check_fields(app, manifest, cores[0])
    if _is_backends(model_class.postprocess) and _is_backends(model_class.infer):
        _check_answers(function, manifest, model_class, cores)


def _check_answers(function: Function, manifest: Manifest, model_class: Any, cores: list[Core]) -> None:
    """Raise CommandError if the contract rejects what the models answer, unless rules or `decide` make the answer."""
    app, logic = str(function.folder / "app.py"), function.spec.logic
    if logic is not None and (logic.postprocess is not None or logic.predict_fn == "none"):
        return
    if manifest.models and logic is not None and logic.select is not None:
        for name, part in manifest.models.items():
            check_answers(f"{app}: {name}", part, *cores)
    elif not manifest.models or _is_backends(model_class.decide):
        check_answers(app, manifest, *cores)


def _is_preprocessed(function: Function) -> bool:
    """Return whether model.yaml names a function or rules that make the columns."""
    logic = function.spec.logic
    return function.spec.preprocessing is not None or (logic is not None and logic.preprocess is not None)


def _is_backends(stage: Any) -> bool:
    """Return whether a stage is the backend's own and not overridden by the author."""
    return bool(stage.__module__.startswith("modelet.backends."))


def _sources(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the source files of the bundle, each with its SHA-256, in order."""
    code = [path for path in folder.rglob("*.py") if path.name not in TRAINING and "__pycache__" not in path.parts]
    code = [path for path in code if path.relative_to(folder).parts[0] not in {*TRAINING, BAKED}]
    for path in sorted([*code, folder / "model.yaml"]):
        yield path.relative_to(folder).as_posix(), hashlib.sha256(path.read_bytes()).hexdigest()


def _replace(path: Path, data: bytes) -> None:
    """Replace a file atomically: readers see either the old contents or the new."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    Path(name).chmod(0o644)
    Path(name).replace(path)
