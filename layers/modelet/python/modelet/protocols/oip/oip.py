"""The Open Inference Protocol v2, REST, with tensors as JSON.

Source: github.com/kserve/open-inference-protocol, inference_rest.md and open_inference_rest.yaml (2.0) of its
specification/protocol.
"""

from __future__ import annotations

from functools import cache
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from modelet.contract.brief import MISSING, brief
from modelet.contract.contract import Checked
from modelet.contract.schema import SchemaValidator, ValidationError, to_json
from modelet.errors import MalformedBodyError, MediaTypeError, ModeletError, RequestError
from modelet.protocols.media import Media, negotiate
from modelet.protocols.oip.signature import MATRIX, Signature
from modelet.protocols.oip.tensor import JSON_ONLY, Tensor
from modelet.protocols.service import JSON, Request, Response, Routes, Service

if TYPE_CHECKING:
    from pydantic_core import CoreSchema

    from modelet.contract.contract import Contract
    from modelet.pipeline import Inference

BINARY_HEADER = "inference-header-content-length"
MAX_DIMENSIONS = 32
MANY = 200_000
"""The most braces in a body whose tensor data is parsed as usual: an object in it, which is invalid, takes 70 bytes."""
OBJECT = object()
"""The placeholder for any such object; it has no datatype either."""


class Tensors(NamedTuple):
    """The contents of a body: its checked instances, the request's id, and the requested outputs."""

    checked: Checked
    id: str | None
    outputs: list[str]


def read_json(body: bytes, service: Service) -> Tensors:
    """Read tensors as instances and validate them. Raises RequestError if the tensors do not match the model."""
    signature = Signature(service.bundle.tensors)
    document = _parse(body)
    wanted = document.get("outputs")
    outputs = signature.choose([each["name"] for each in wanted] if wanted else None)
    tensors = [Tensor.read(item) for item in document["inputs"]]
    count, seen = tensors[0].rows, set[str]()
    for tensor in tensors:
        if tensor.name in seen:
            raise tensor.error("duplicate name")
        if tensor.rows != count:
            raise tensor.error(f"the first dimension, the number of instances, is {count} in the tensors before it")
        seen.add(tensor.name)
    if service.pipeline.allows(count):
        checked = _checked(signature, tensors, service.pipeline.contract, len(body))
    else:
        checked = Checked([], count)  # the pipeline rejects the count: no need to build the rows
    return Tensors(checked, document.get("id"), outputs)


def _checked(signature: Signature, tensors: list[Tensor], contract: Contract, size: int) -> Checked:
    columns = signature.columns(tensors)
    if signature.has_fields:
        return contract.check_columns(columns)
    [rows] = columns.values()
    text = b'{"instances":%b}' % to_json(rows)
    at_once = not contract.may_be_expensive(text) or contract.is_cheap(rows, text)
    checked = contract.check_envelope(text) if at_once else None
    return checked or contract.check_rows(rows, size=size, partial=False)


def write_json(result: Inference, asked: Tensors, service: Service) -> bytes:
    """Write the requested outputs."""
    predictions = service.pipeline.contract.plain_predictions(result.predictions)
    answer: dict[str, Any] = {"model_name": service.name, "model_version": service.version}
    if asked.id is not None:
        answer["id"] = asked.id
    answer["outputs"] = Signature(service.bundle.tensors).tensors(predictions, asked.outputs)
    return to_json(answer)


MEDIA = Media(readers={JSON: read_json}, writers={JSON: write_json})
"""The media types of this protocol; a new one is another entry."""


def infer(request: Request, service: Service) -> Response:
    """POST …/infer: tensors in, tensors out."""
    began = perf_counter()
    read, kind, write = negotiate(request, MEDIA)
    if BINARY_HEADER in request.headers:
        raise MediaTypeError(f"The body is not only JSON: {JSON_ONLY}")
    tensors = read(request.body, service)
    request.timings.validate = perf_counter() - began
    result = service.pipeline.infer(tensors.checked, request.timings)
    return Response(200, write(result, tensors, service), {"content-type": kind})


def describe(_request: Request, service: Service) -> Response:
    """GET …/{name}: return the model's metadata; its `parameters` say if one matrix may replace all fields."""
    from modelet.backends import BACKENDS  # noqa: PLC0415 - few requests ask for metadata

    tensors = service.bundle.tensors
    metadata = {
        "name": service.name,
        "versions": [service.version],
        "platform": BACKENDS[service.bundle.spec["backend"]].platform,
        "inputs": tensors["inputs"],
        "outputs": tensors["outputs"],
    }
    if Signature(tensors).takes_matrix:
        metadata["parameters"] = {"matrix_input": MATRIX, "matrix_columns": len(tensors["inputs"])}
    return Response.of(metadata)


def ready(_request: Request, service: Service) -> Response:
    """GET …/ready: always true, because an environment that answers has loaded its model."""
    return Response.of({"name": service.name, "ready": True})


def problem(error: ModeletError) -> Response:
    """Return an error as an RFC 9457 problem with the protocol's member `error`.

    The content type is plain JSON, as in the specification's OpenAPI document; with another one, KServe's client does
    not read `error`.
    """
    answer = Response.of({**error.problem(), "error": error.detail}, error.status, JSON)
    answer.headers.update(error.headers)
    return answer


ROUTES: Routes = {(): {"GET": describe}, ("ready",): {"GET": ready}, ("infer",): {"POST": infer}}


def _parse(body: bytes) -> dict[str, Any]:
    try:
        schema = _request_schema(has_objects=body.count(b"{") > MANY)
        return cast("dict[str, Any]", schema.validate_json(body))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        if first["type"] == "json_invalid":
            raise MalformedBodyError(f'{first["msg"]}. Send {{"inputs": [...]}}.') from None
        place = ".".join(map(str, first["loc"])) or "body"
        message = "Field required" if first["input"] is MISSING else first["msg"]
        raise RequestError(f"{place}: {message}") from None


@cache
def _request_schema(*, has_objects: bool) -> SchemaValidator:
    """Return the validator of the protocol's `$inference_request` for every model; unknown members are allowed.

    has_objects: replace each object in the data, which is invalid, by OBJECT.
    """
    text = {"type": "str", "strict": True}
    parameters = _optional({"type": "dict"})
    element = {"type": "function-plain", "function": {"type": "no-info", "function": _element}}
    dimension = {"type": "int", "strict": True, "ge": 0, "lt": 2**64}
    tensor = {
        "name": _required(text),
        "shape": _required(_list(dimension, max_length=MAX_DIMENSIONS)),
        "datatype": _required(text),
        "parameters": parameters,
        "data": {
            "type": "typed-dict-field",
            "schema": _list(element) if has_objects else {"type": "list"},
            "required": False,
        },
    }
    output = {"name": _required(text), "parameters": parameters}
    request = {
        "id": _optional(text),
        "parameters": parameters,
        "inputs": _required(_list(_object(tensor), min_length=1)),
        "outputs": _optional(_list(_object(output))),
    }
    return SchemaValidator(cast("CoreSchema", brief(_object(request))))


def _element(value: Any) -> Any:
    return OBJECT if type(value) is dict else value


def _object(fields: dict[str, Any]) -> dict[str, Any]:
    return {"type": "typed-dict", "fields": fields}


def _list(items: dict[str, Any], **bounds: int) -> dict[str, Any]:
    return {"type": "list", "items_schema": items, "fail_fast": True, **bounds}


def _required(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "typed-dict-field", "schema": schema, "required": True}


def _optional(schema: dict[str, Any]) -> dict[str, Any]:
    """Return an optional member; null is allowed, because some clients write all members."""
    return {"type": "typed-dict-field", "schema": {"type": "nullable", "schema": schema}, "required": False}
