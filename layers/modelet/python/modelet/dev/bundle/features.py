"""Features by key and ids in a bundle: the schemas that callers see, and what the prediction set must have."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from modelet.bundle import BUNDLE_FILE
from modelet.contract.ids import PREDICTION
from modelet.contract.names import field_names
from modelet.dev.project.spec import MODEL_YAML, read_spec
from modelet.errors import CommandError
from modelet.features.join import PASSED, WHOLE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelet.bundle import Bundle
    from modelet.contract.schema import Core
    from modelet.dev.project.project import Function
    from modelet.dev.project.spec import ModelSpec

Schema = dict[str, Any]

JOINED = "x-features"
"""The member of the instance's schema that says which fields are joined, and of which JSON types each may be."""
KINDS = {"array", "boolean", "integer", "null", "number", "object", "string"}
TEXT_OR_INTEGER = {"anyOf": [{"type": "string"}, {"type": "integer"}]}
LISTED = 20


def as_sent(spec: ModelSpec, instance: Schema, *, tensors: bool = False) -> Schema:
    """Return the schema of an instance as callers send it: without joined fields, with the key and the id.

    tensors: as tensors of the Open Inference Protocol, which have no ids, and texts as keys.
    """
    made = _unfolded(instance)
    properties, required = dict(made.get("properties", {})), list(made.get("required", ()))
    features = spec.features
    if features is not None:
        made[JOINED] = {
            "from": features.source,
            "fields": {field: sorted(_kinds(properties[field], instance)) for field in features.fields},
        }
        for field in features.fields:
            del properties[field]
        listed = ", ".join(features.fields)
        told = {"description": f"The key of the row in the predictions of {features.source}, which give {listed}."}
        kind = {"type": "string"} if tensors else TEXT_OR_INTEGER
        properties.setdefault(features.key, {**kind, **told})
        required = [name for name in (*required, features.key) if name in properties]
    if spec.id is not None and not tensors:
        properties.setdefault(
            spec.id, {**TEXT_OR_INTEGER, "description": "The row's own id, which is in its answer too."}
        )
        required.append(spec.id)
    return {**made, "properties": properties, "required": list(dict.fromkeys(required))}


def as_answered(spec: ModelSpec, prediction: Schema) -> Schema:
    """Return the schema of a prediction as callers get it: with the id."""
    if spec.id is None:
        return prediction
    made = _unfolded(prediction)
    own = {spec.id: TEXT_OR_INTEGER}
    if "properties" in made:
        return {**made, "properties": {**own, **made["properties"]}, "required": [spec.id, *made.get("required", ())]}
    if made.get("type") == "object":
        return {**made, "properties": own, "required": [spec.id]}
    shared = {"$defs": prediction["$defs"]} if "$defs" in prediction else {}
    whole = {name: value for name, value in prediction.items() if name != "$defs"}
    return {"type": "object", "properties": {**own, PREDICTION: whole}, "required": [spec.id, PREDICTION], **shared}


def check_joined(function: Function, instance: Schema, prediction: Schema, core: Core) -> None:
    """Raise CommandError if `features:` or `id:` do not fit the contract, or the set of a model of this project.

    instance, prediction: JSON schemas of the contract. core: the core schema of an instance.
    """
    spec, place = function.spec, str(function.folder / MODEL_YAML)
    fields = _unfolded(instance).get("properties", {})
    if field_names(core) is None or not fields:
        key = "features" if spec.features else "id"
        raise CommandError(f"{place}: {key}: needs an instance that is an object whose fields are all named: change it")
    if spec.id is not None and spec.id in _unfolded(prediction).get("properties", {}):
        raise CommandError(f"{place}: id: the prediction has a member {spec.id!r} of its own: rename one of them")
    features = spec.features
    _check_names(place, spec, fields, instance)
    if features is None:
        return
    for field in features.fields:
        if field not in fields:
            raise CommandError(
                f"{place}: features.columns: an instance has no field {field!r}; its fields are {_listed(fields)}: "
                "rename the column, as {member: field}, or remove it"
            )
        if features.missing == "null" and "null" not in _kinds(fields[field], instance):
            raise CommandError(
                f"{place}: features.missing: null does not fit the field {field!r}, which cannot be null: use "
                "`refuse`, or change the field's type"
            )
    source = _beside(function, features.source)
    if source is None:
        return  # synth refuses a model that does not exist
    sibling, openapi = source
    reason = "it has no `batch:`, which writes them" if sibling.batch is None else None
    if reason is None and openapi is not None:
        sent = as_sent(spec, instance)[JOINED]
        reason = misfit(features.fields, sent["fields"], openapi)
    if reason:
        raise CommandError(f"{place}: features: the predictions of {features.source} do not fit: {reason}")


def _check_names(place: str, spec: ModelSpec, fields: Mapping[str, Schema], instance: Schema) -> None:
    """Raise CommandError if a field with an id or a key is in the contract with a type that neither can have."""
    for key, field in (("id", spec.id), ("features.key", spec.features.key if spec.features else None)):
        if field is None or field not in fields:
            continue
        found = _kinds(fields[field], instance) - {"null"}
        if not found & {"string", "integer"} or found == {"integer", "number"}:
            raise CommandError(
                f"{place}: {key}: the field {field!r} is of type {_listed(found)}, but it is a text or a whole number: "
                "change its type"
            )


def misfit(fields: Mapping[str, str], kinds: Mapping[str, list[str]], openapi: str) -> str | None:
    """Return why the predictions of a model cannot become fields; None if they can.

    fields: the columns by field. kinds: the JSON types of each field. openapi: the document of the model whose
    predictions they are. What its batches pass on is known only when they run.
    """
    schemas = json.loads(openapi)["components"]["schemas"]
    prediction = _followed(schemas["Prediction"], schemas)
    members = prediction.get("properties")
    is_open = prediction.get("additionalProperties", members is None) is not False
    for field, column in fields.items():
        if column.startswith(PASSED):
            continue
        node = (members or {}).get(column)
        if node is None and members is None and column == WHOLE:
            node = prediction
        if node is None:
            if is_open and "object" in _kinds(prediction, schemas):
                continue
            has = (
                f"its members are {_listed(members)}"
                if members
                else f"its predictions are not objects: use the column {WHOLE}"
            )
            return f"a prediction has no member {column!r}; {has}, and `{PASSED}NAME` is a column that batches pass on"
        found = _kinds(node, schemas) - {"null"}
        if not found & set(kinds[field]):
            return f"{column} is of type {_listed(found)}, but the field {field} takes {_listed(kinds[field])}"
    return None


def misfit_of_bundles(features: Any, own: Bundle, source: Bundle) -> str | None:
    """Return why the predictions of a bundled model do not fit another one; None if they do."""
    instance = json.loads(own.openapi)["components"]["schemas"]["Instance"]
    return misfit(features.fields, instance[JOINED]["fields"], source.openapi)


def _beside(function: Function, name: str) -> tuple[ModelSpec, str | None] | None:
    """Return the spec of another model of the project, and its OpenAPI document if it is bundled."""
    for path in sorted(function.folder.parent.glob(f"*/{MODEL_YAML}")):
        if path.parent.name.replace("_", "-") != name:
            continue
        try:
            document = json.loads((path.parent / BUNDLE_FILE).read_bytes())["openapi"]
        except (OSError, ValueError, KeyError, TypeError):
            document = None  # it is not bundled yet; synth compares them
        return read_spec(path), document
    return None


def _unfolded(schema: Schema) -> Schema:
    """Return a schema whose root is not a reference; its definitions stay."""
    return {**_followed(schema, schema), **({"$defs": schema["$defs"]} if "$defs" in schema else {})}


def _followed(node: Schema, schemas: Mapping[str, Any]) -> Schema:
    """Return what a node refers to. schemas: the schema with `$defs`, or the document's components by name."""
    seen = set()
    while "$ref" in node and node["$ref"] not in seen:
        seen.add(node["$ref"])
        name = node["$ref"].rpartition("/")[2]
        node = schemas["$defs"][name] if "$defs" in schemas else schemas[name]
    return node


def _kinds(node: Schema, schemas: Mapping[str, Any]) -> set[str]:
    """Return the JSON types of a node's values; all of them if it does not say."""
    node = _followed(node, schemas)
    options = node.get("anyOf") or node.get("oneOf")
    if options:
        return set().union(*(_kinds(option, schemas) for option in options))
    if "enum" in node or "const" in node:
        return {_kind(value) for value in node.get("enum", [node.get("const")])}
    named = node.get("type", sorted(KINDS))
    found = {named} if isinstance(named, str) else set(named)
    return found | ({"integer"} if "number" in found else set())


def _kind(value: Any) -> str:
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string", type(None): "null", list: "array"}
    return kinds.get(type(value), "object")


def _listed(names: Any) -> str:
    every = sorted(names)
    more = f" and {len(every) - LISTED} more" if len(every) > LISTED else ""
    return f"{', '.join(every[:LISTED])}{more}"
