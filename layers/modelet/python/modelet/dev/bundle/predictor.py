"""Plain predictors at bundle time: find the class or module, check it, and describe it in OpenAPI."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelet.dev.bundle.openapi import document
from modelet.errors import CommandError, StartError
from modelet.model import Model
from modelet.predictors.styles import style_of

if TYPE_CHECKING:
    from modelet.dev.project.project import Function


STAND_INS = {
    "bentoml": "from modelet.predictors import bentoml",
    "litserve": "from modelet.predictors import litserve as ls",
    "ts": "from modelet.predictors.torchserve import BaseHandler",
}
"""The line that a predictor writes instead of the import of another server, by the first part of its module's name."""
OF_CONTRACTS = ("preprocessing", "logic", "features", "id", "probabilities", "quantize")
"""The keys of model.yaml for models that have a contract."""


def predictor_of(function: Function, model_class: Any, load: Any) -> Any:
    """Return the class or the module that is served as a plain predictor; None for a model.

    model_class: the class in app.py, if there is one. Raises CommandError if it does not exist or cannot be served.
    """
    spec, place = function.spec, function.folder / "model.yaml"
    if spec.predictor is not None and function.has_app:
        raise CommandError(f"{place}: predictor: is for folders without an app.py: remove it, or app.py")
    if spec.predictor is None and (model_class is None or issubclass(model_class, Model)):
        if spec.config:
            raise CommandError(f"{place}: config: is for plain predictors, and this is a model: remove it")
        return None
    if named := next((key for key in OF_CONTRACTS if getattr(spec, key) != type(spec).model_fields[key].default), None):
        raise CommandError(f"{place}: {named}: does not apply to a plain predictor, which has no contract: remove it")
    target = model_class if model_class is not None else _imported(function, load)
    try:
        style_of(target).check(target, dict(spec.config))
    except StartError as error:
        at = function.folder / (
            "app.py" if function.has_app else f"{spec.predictor.module}.py" if spec.predictor else ""
        )
        raise CommandError(f"{at}: {error}") from None
    return target


def _imported(function: Function, load: Any) -> Any:
    named = function.spec.predictor
    assert named is not None  # noqa: S101 - the caller checked it
    try:
        module = load(named.module)
    except (Exception, SystemExit) as error:  # the author's module may raise any error
        missing = (error.name or "").partition(".")[0] if isinstance(error, ModuleNotFoundError) else ""
        remedy = f"write `{STAND_INS[missing]}`" if missing in STAND_INS else "fix the module, or name another"
        raise CommandError(
            f"{function.folder / 'model.yaml'}: predictor: module {named.module} cannot be imported: "
            f"{type(error).__name__}: {error}: {remedy}"
        ) from error
    if named.class_name is None:
        return module
    target = getattr(module, named.class_name, None)
    if not isinstance(target, type):
        raise CommandError(
            f"{function.folder / 'model.yaml'}: predictor: {named.module}.py has no class {named.class_name}: "
            "write it, or name another"
        )
    return target


def predictor_openapi(name: str, version: str) -> str:
    """Return the OpenAPI document of a plain predictor as JSON text: it takes any body, and gives any answer."""
    anything: dict[str, Any] = {"description": "Anything: this model is a plain predictor, which has no contract."}
    kinds = {
        "application/json": {"schema": anything},
        "multipart/form-data": {"schema": {"type": "object"}},
        "text/plain": {"schema": {"type": "string"}},
        "application/octet-stream": {},
    }
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    infer = {
        "operationId": "infer",
        "summary": f"Call {name}",
        "requestBody": {"required": False, "content": kinds},
        "responses": {
            "200": {"description": "What the predictor returned", "content": {"*/*": {}}},
            "default": {
                "description": "A problem, or an answer with a status that the predictor chose",
                "content": problem,
            },
        },
    }
    return document(name, version, infer, {})
