"""Rows: `{"instances": [...]}` gives `{"predictions": [...]}`, a bare instance gives a bare prediction."""

from __future__ import annotations

from functools import cache
from itertools import islice
from time import perf_counter
from typing import TYPE_CHECKING, Any

from modelet.contract.contract import Checked
from modelet.contract.schema import compact, to_json
from modelet.errors import (
    ContractError,
    MalformedBodyError,
    ModeletError,
    NotFoundError,
    RequestError,
)
from modelet.protocols.media import Media, negotiate
from modelet.protocols.service import JSON, PROBLEM, Request, Response, Routes, Service
from modelet.violation import LISTED_VIOLATIONS, MAX_NAME_LENGTH, Violation

if TYPE_CHECKING:
    from modelet.contract.contract import Contract
    from modelet.contract.pieces import Pieces
    from modelet.pipeline import Inference, InferencePipeline

MEMBER = "instances"
TRUSTED = 8_192
"""Bytes up to which rejecting a body is cheap under any contract."""
QUOTED_MEMBER = f'"{MEMBER}"'.encode()


def read_json(text: bytes, pipeline: InferencePipeline, *, partial: bool = False) -> tuple[Checked, bool]:
    """Return the validated instances of a body, and whether it was one bare instance.

    A valid body is read in one pass; another is read again to find the violations. partial: whether to report every bad
    instance. Raises MalformedBodyError, and ContractError for errors outside the instances.
    """
    contract = pipeline.contract
    # The member's name may also be written with escapes, or be nested in a bare instance.
    bare = QUOTED_MEMBER not in text and b"\\u00" not in text
    may_be_expensive = len(text) > TRUSTED and contract.may_be_expensive(text)
    if not may_be_expensive and (checked := _at_once(text, contract, bare=bare)) is not None:
        return checked, bare
    from modelet.contract.pieces import paused_gc  # noqa: PLC0415 - only for bad rows and unusual bodies

    with paused_gc():
        bare, instances = _parsed(text)
        if not pipeline.allows(len(instances)):
            return Checked([], len(instances)), bare  # the pipeline rejects the count: no need to validate them
        # Pieces are not validated in one pass: pydantic-core would hold all of them, with 200 bytes per list.
        if may_be_expensive and isinstance(instances, list) and contract.is_cheap(instances, text):
            checked = _at_once(text, contract, bare=bare)
            if checked is not None:
                return checked, bare
        return contract.check_rows(instances, size=len(text), partial=partial), bare


def _at_once(text: bytes, contract: Contract, *, bare: bool) -> Checked | None:
    return contract.check_bare(text) if bare else contract.check_envelope(text)


def _parsed(text: bytes) -> tuple[bool, list[Any] | Pieces]:
    """Parse a body; return whether it is one bare instance, and its instances."""
    from modelet.contract.pieces import parsed  # noqa: PLC0415 - only for bad rows and unusual bodies

    try:
        document, pieces = parsed(text)
    except ValueError as error:
        raise MalformedBodyError(
            f'The body is not JSON: {error}. Send {{"{MEMBER}": [...]}} or one instance.'
        ) from None
    if not isinstance(document, dict) or MEMBER not in document:
        return True, [document]
    rows = document[MEMBER]
    if not isinstance(rows, list):
        raise ContractError([Violation(None, MEMBER, "Input should be a list of instances", "list_type")])
    unknown = [
        Violation(None, name[:MAX_NAME_LENGTH], f"Unknown field beside {MEMBER}: remove it", "extra_forbidden")
        for name in islice((name for name in document if name != MEMBER), LISTED_VIOLATIONS)
    ]
    if unknown:
        raise ContractError(unknown, len(document) - 1)
    return False, rows if pieces is None else pieces


def write_json(result: Inference, service: Service, *, bare: bool) -> bytes:
    """Write predictions, with a problem in place of each bad row. bare: write the one prediction alone."""
    contract = service.pipeline.contract
    if not result.failed:
        text = contract.write_predictions(result.predictions)
    else:
        answers = _with_problems(contract.plain_predictions(result.predictions), result.failed, result.total)
        ids = getattr(result, "ids", None)  # of a model with `id:`; predictions have theirs already
        text = to_json(answers if ids is None else ids.into(answers, result.failed))
    return text[1:-1] if bare else b'{"predictions":%b,%b}' % (text, _origin(service.name, service.version))


MEDIA = Media(readers={JSON: read_json}, writers={JSON: write_json})
"""The media types of this protocol; a new one is another entry."""


def infer(request: Request, service: Service) -> Response:
    """POST …/infer: return a prediction for each instance."""
    began = perf_counter()
    try:
        read, kind, write = negotiate(request, MEDIA)
    except RequestError as error:
        if error.status != 415:
            raise
        from modelet.protocols import binary  # noqa: PLC0415 - only for bodies that are not JSON

        read, kind, write = negotiate(request, binary.media_of(request, service, MEDIA, error))
    partial = flag(request, "partial") if request.query else False
    checked, bare = read(request.body, service.pipeline, partial=partial)
    request.timings.validate = perf_counter() - began
    result = service.pipeline.infer(checked, request.timings, partial=partial)
    if bare and result.failed:
        raise ContractError(result.failed[0])
    return Response(200, write(result, service, bare=bare), {"content-type": kind})


def flag(request: Request, name: str) -> bool:
    """Return whether the query has a flag; false by default. Raises RequestError for a value that is no flag."""
    value = request.query.get(name, "false")
    if value not in {"true", "false"}:
        raise RequestError(f"?{name}={value} is neither true nor false.")
    return value == "true"


def describe(_request: Request, service: Service) -> Response:
    """GET /models/{name}: return the model's description, its performance and its links."""
    manifest = service.manifest
    base = f"/models/{service.name}"
    return Response.of(
        {
            "model": service.name,
            "version": service.version,
            "task": manifest.model_info.get("task"),
            "class": manifest.class_name,
            "model_lib": manifest.model_lib,
            "model_lib_version": manifest.model_lib_version,
            "metric": manifest.metric,
            "performance": manifest.performance,
            "features": list(manifest.features),
            "created_at": manifest.created_at,
            "links": {"infer": f"{base}/infer", "openapi": f"{base}/openapi.json", "oip": f"/v2{base}"},
        }
    )


def openapi(_request: Request, service: Service) -> Response:
    """GET /models/{name}/openapi.json: return the OpenAPI 3.1 document, made from the contract."""
    return Response(200, service.bundle.openapi.encode(), {"content-type": JSON})


def problem(error: ModeletError) -> Response:
    """Return an error as an RFC 9457 problem."""
    answer = Response.of(error.problem(), error.status, PROBLEM)
    answer.headers.update(error.headers)
    return answer


ROUTES: Routes = {
    (): {"GET": describe},
    ("infer",): {"POST": infer},
    ("openapi.json",): {"GET": openapi},
}


@cache
def _origin(model: str, version: str) -> bytes:
    """Return the model's name and version as members of a JSON object."""
    return f'"model":{compact(model)},"version":{compact(version)}'.encode()


def _with_problems(predictions: list[Any], failed: dict[int, list[Violation]], total: int) -> list[Any]:
    """Return predictions and problems in the order of the rows; unlisted problems have no details."""
    good = iter(predictions)
    unlisted = [Violation(None, "", "Violates the contract (not listed: too many bad rows)", "unlisted")]
    rest = ContractError(unlisted).problem()
    return [
        (ContractError(failed[row]).problem() if failed[row] else rest) if row in failed else next(good)
        for row in range(total)
    ]


def unknown_route(path: str, model: str) -> NotFoundError:
    """Return the error for an unknown path."""
    return NotFoundError(f"There is no route {path}; this is the model {model}, see GET /models/{model}.")
