"""JSON schemas of the contract's types, which say whether objects may have additional fields."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from modelet.contract.schema import tighten
from modelet.dev.bundle.encoding import with_base64

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

Schema = dict[str, Any]


def json_schema(kind: Any, mode: Literal["validation", "serialization"]) -> Schema:
    """Return the schema of a type as served: an instance's for validation, a prediction's for serialisation.

    pydantic allows additional fields unless the author forbids them, but the server rejects unknown fields. Raises
    PydanticUserError if the type has no JSON schema.
    """
    adapter = TypeAdapter(kind)
    adapter.rebuild()
    core = tighten(dict(adapter.core_schema), returned=mode == "serialization")
    made: Schema = _Served().generate(with_base64(core) if mode == "validation" else core, mode=mode)
    return made


class _Served(GenerateJsonSchema):
    """Forbids additional fields in objects, and says that bytes are base64, if the core schema does.

    The classes' own config does not show it.
    """

    _encoding: str | None = None
    """How bytes in the innermost object are written in JSON."""

    @contextmanager
    def _inside(self, schema: Any) -> Iterator[None]:
        outer, self._encoding = self._encoding, (schema.get("config") or {}).get("val_json_bytes")
        yield
        self._encoding = outer

    def model_schema(self, schema: Any) -> Schema:
        """Return a model's schema. It stays open if a validator before the fields may accept any input."""
        with self._inside(schema):
            made, inner = super().model_schema(schema), schema["schema"]
        if inner["type"] == "model-fields":
            self._close(made, inner, inner["fields"].values(), schema.get("config", {}))
        return made

    def dataclass_schema(self, schema: Any) -> Schema:
        """Return a dataclass's schema, with the same exception."""
        with self._inside(schema):
            made, inner = super().dataclass_schema(schema), schema["schema"]
        if inner["type"] == "dataclass-args":
            self._close(made, inner, inner["fields"], schema.get("config", {}))
        return made

    def typed_dict_schema(self, schema: Any) -> Schema:
        """Return a typed dict's schema."""
        open_one: Any = {key: value for key, value in schema.items() if key != "extra_behavior"}
        with self._inside(schema):
            made = super().typed_dict_schema(open_one)
        self._close(made, schema, schema["fields"].values(), schema.get("config", {}))
        return made

    def bytes_schema(self, schema: Any) -> Schema:
        """Return the schema of bytes, which are base64 in JSON (`encoding`). Limits are those of the base64 text."""
        if self.mode != "validation" or self._encoding != "base64":
            return super().bytes_schema(schema)
        made: Schema = {"type": "string", "contentEncoding": "base64"}
        limits = {"minLength": schema.get("min_length"), "maxLength": schema.get("max_length")}
        return {**made, **{name: 4 * -(-length // 3) for name, length in limits.items() if length}}

    def _close(self, made: Schema, record: Any, fields: Iterable[Mapping[str, Any]], config: Mapping[str, Any]) -> None:
        """Forbid additional fields, unless a field may have a name that the schema does not list."""
        by_name = config.get("validate_by_name") or config.get("populate_by_name")
        aliases = [field["validation_alias"] for field in fields if field.get("validation_alias") is not None]
        hidden = aliases and (by_name or not all(isinstance(alias, str) for alias in aliases))
        if record.get("extra_behavior") == "forbid" and not (hidden and self.mode == "validation"):
            made.setdefault("additionalProperties", False)
