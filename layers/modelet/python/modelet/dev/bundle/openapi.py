"""Build the OpenAPI 3.1 document of a model from its contract."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from modelet.errors import (
    ContractError,
    DeadlineError,
    MalformedBodyError,
    MediaTypeError,
    ModelError,
    NotAcceptableError,
    StoreError,
    TooLargeError,
)
from modelet.protocols.binary import RAW
from modelet.protocols.form import MULTIPART

if TYPE_CHECKING:
    from collections.abc import Mapping

JSON = "application/json"
DEFINITIONS, COMPONENTS = "#/$defs/", "#/components/schemas/"
SCHEMA = frozenset(
    {
        "additionalProperties",
        "contains",
        "contentSchema",
        "else",
        "if",
        "items",
        "not",
        "propertyNames",
        "then",
        "unevaluatedItems",
        "unevaluatedProperties",
    }
)
SCHEMAS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
NAMED_SCHEMAS = frozenset({"$defs", "dependentSchemas", "patternProperties", "properties"})
"""The keywords of JSON Schema 2020-12 (core, section 10) with schemas as values: one, a list, or a mapping by name."""

FAILURES = (
    MalformedBodyError,
    NotAcceptableError,
    TooLargeError,
    MediaTypeError,
    ContractError,
    ModelError,
    StoreError,
    DeadlineError,
)
"""The error responses of `infer`."""


def openapi(name: str, version: str, instance: Mapping[str, Any], prediction: Mapping[str, Any]) -> str:
    """Return the document as JSON text.

    instance, prediction: JSON schemas with shared parts in `$defs`. The instance's part X becomes the component
    Instance.X. Format: OpenAPI 3.1.0 with schemas in JSON Schema 2020-12.
    """
    schemas = {**_moved("Instance", instance), **_moved("Prediction", prediction)}
    one, many, problem = ({"$ref": f"{COMPONENTS}{name}"} for name in ("Instance", "Prediction", "Problem"))
    rows = _object({"instances": {"type": "array", "items": one, "minItems": 1}})
    request = {"anyOf": [{**rows, "additionalProperties": False}, one]}
    failed = {"anyOf": [many, problem]}
    batch = {"predictions": {"type": "array", "items": failed}, "model": {"const": name}, "version": {"type": "string"}}
    failures: dict[str, Any] = {
        str(error.status): {
            "description": error.title,
            "content": {"application/problem+json": {"schema": problem}},
        }
        for error in FAILURES
    }
    infer = {
        "operationId": "infer",
        "summary": f"Predict with {name}",
        "parameters": [
            {
                "name": "partial",
                "in": "query",
                "description": "Return predictions for valid rows, and a problem in place of each invalid row.",
                "schema": {"type": "boolean", "default": False},
            }
        ],
        "requestBody": {"required": True, "content": {JSON: {"schema": request}, **_files(instance)}},
        "responses": {"200": _json("The predictions", {"anyOf": [_object(batch), many]}), **failures},
    }
    return document(name, version, infer, schemas)


def document(name: str, version: str, infer: Mapping[str, Any], schemas: Mapping[str, Any]) -> str:
    """Return the document of a model as JSON text. infer: its operation. schemas: the components besides Problem."""
    described = _json("A description of the model", {"type": "object"})
    whole = {
        "openapi": "3.1.0",
        "info": {"title": name, "version": version},
        "paths": {
            f"/models/{name}/infer": {"post": infer},
            f"/models/{name}": {
                "get": {"operationId": "describe", "summary": f"Describe {name}", "responses": {"200": described}}
            },
        },
        "components": {"schemas": {**schemas, "Problem": _PROBLEM}},
    }
    return json.dumps(whole, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


_PROBLEM = {
    "type": "object",
    "description": "An RFC 9457 problem.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "count": {"type": "integer", "description": "The number of violations; `errors` lists the first hundred."},
        "at_least": {"type": "boolean", "description": "True if there may be more than `count`."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "instance": {"type": ["integer", "null"]},
                    "field": {"type": "string"},
                    "message": {"type": "string"},
                    "rule": {"type": "string"},
                },
            },
        },
    },
}


def _files(instance: Mapping[str, Any]) -> dict[str, Any]:
    """Return the media types of bodies that are files, for an instance with one field of bytes."""
    fields = instance.get("properties", {})
    found = [name for name, field in fields.items() if field.get("contentEncoding") == "base64"]
    if len(found) != 1 or set(instance.get("required", ())) - set(found):
        return {}
    files = {"type": "array", "items": {"type": "string", "contentMediaType": RAW[0]}, "minItems": 1}
    form = {**_object({found[0]: files}), "additionalProperties": False}
    return {**{kind: {} for kind in RAW}, MULTIPART: {"schema": form}}


def _object(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": dict(properties)}


def _json(description: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {JSON: {"schema": dict(schema)}}}


def _moved(side: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return one side's schema and its `$defs` as components, with the side's name as a prefix.

    The prefix is needed because an instance and a prediction may have different parts with the same name, and because
    a class may be called Instance.
    """
    parts = schema.get("$defs", {})
    named = {f"{side}.{name}": _redirected(part, side) for name, part in parts.items()}
    return {side: _redirected({key: value for key, value in schema.items() if key != "$defs"}, side), **named}


def _redirected(schema: Any, side: str) -> Any:
    """Return a schema with references to the document's components.

    Only the keywords that contain schemas are followed: a field may be called `$ref`, and a default may be any value.
    """
    if not isinstance(schema, dict):
        return schema
    made: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "$ref":
            made[key] = _target(value, side)
        elif key == "discriminator" and "mapping" in value:
            made[key] = {**value, "mapping": {tag: _target(to, side) for tag, to in value["mapping"].items()}}
        elif key in SCHEMA:
            made[key] = _redirected(value, side)
        elif key in SCHEMAS and isinstance(value, list):
            made[key] = [_redirected(child, side) for child in value]
        elif key in NAMED_SCHEMAS:
            made[key] = {name: _redirected(child, side) for name, child in value.items()}
        else:
            made[key] = value
    return made


def _target(reference: str, side: str) -> str:
    return reference.replace(DEFINITIONS, f"{COMPONENTS}{side}.", 1) if reference.startswith(DEFINITIONS) else reference
