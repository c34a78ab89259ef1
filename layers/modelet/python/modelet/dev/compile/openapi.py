"""The OpenAPI 3.1 document of one model, made from its contract."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from modelet.errors import (
    ContractError,
    DeadlineError,
    MalformedBodyError,
    MediaTypeError,
    ModelError,
    StoreError,
    TooLargeError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

JSON = "application/json"
FAILURES = (MalformedBodyError, TooLargeError, MediaTypeError, ContractError, ModelError, StoreError, DeadlineError)
"""What `infer` may answer beside predictions."""


def openapi(name: str, version: str, instance: Mapping[str, Any], prediction: Mapping[str, Any]) -> str:
    """Write the document as JSON text.

    instance, prediction: JSON schemas whose shared parts are in `$defs`. Format: OpenAPI 3.1.0, whose schemas are JSON
    Schema 2020-12.
    """
    schemas: dict[str, Any] = {}
    schemas["Instance"] = _moved(instance, schemas)
    schemas["Prediction"] = _moved(prediction, schemas)
    schemas["Problem"] = _PROBLEM
    one, many = {"$ref": "#/components/schemas/Instance"}, {"$ref": "#/components/schemas/Prediction"}
    request = {"anyOf": [_object({"instances": {"type": "array", "items": one, "minItems": 1}}), one]}
    failed = {"anyOf": [many, {"$ref": "#/components/schemas/Problem"}]}
    batch = {"predictions": {"type": "array", "items": failed}, "model": {"const": name}, "version": {"type": "string"}}
    failures: dict[str, Any] = {
        str(error.status): {
            "description": error.title,
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
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
                "description": "Answer for good rows, with a problem in the place of each bad one.",
                "schema": {"type": "boolean", "default": False},
            }
        ],
        "requestBody": {"required": True, "content": {JSON: {"schema": request}}},
        "responses": {"200": _json("The predictions", {"anyOf": [_object(batch), many]}), **failures},
    }
    described = _json("What the model is", {"type": "object"})
    document = {
        "openapi": "3.1.0",
        "info": {"title": name, "version": version},
        "paths": {
            f"/models/{name}/infer": {"post": infer},
            f"/models/{name}": {
                "get": {"operationId": "describe", "summary": f"What {name} is", "responses": {"200": described}}
            },
        },
        "components": {"schemas": schemas},
    }
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


_PROBLEM = {
    "type": "object",
    "description": "An RFC 9457 problem.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "count": {"type": "integer", "description": "All violations; `errors` lists the first hundred."},
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


def _object(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": dict(properties)}


def _json(description: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {JSON: {"schema": dict(schema)}}}


def _moved(schema: Mapping[str, Any], schemas: dict[str, Any]) -> Any:
    """A schema with its `$defs` moved to the document's components."""
    for name, part in schema.get("$defs", {}).items():
        schemas[name] = _redirected(part)
    return _redirected({key: value for key, value in schema.items() if key != "$defs"})


def _redirected(node: Any) -> Any:
    if isinstance(node, dict):
        return {
            key: value.replace("#/$defs/", "#/components/schemas/") if key == "$ref" else _redirected(value)
            for key, value in node.items()
        }
    return [_redirected(child) for child in node] if isinstance(node, list) else node
