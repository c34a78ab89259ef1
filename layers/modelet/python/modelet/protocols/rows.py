"""Rows: `{"instances": [...]}` gives `{"predictions": [...]}`, a bare instance gives a bare prediction."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from modelet.core import compact, from_json, to_json
from modelet.errors import ContractError, MalformedBodyError, ModeletError, NotFoundError, RequestError
from modelet.protocols.service import JSON, PROBLEM, Answer, Request, Routes, Service
from modelet.violation import Violation

if TYPE_CHECKING:
    from modelet.contract import Checked, Contract

MEMBER = "instances"
NAMED = f'"{MEMBER}"'.encode()


class Body:
    """The body of one request; after `check` it knows whether it was a bare instance."""

    __slots__ = ("bare", "text")

    def __init__(self, text: bytes) -> None:
        self.text = text
        self.bare = False

    def check(self, contract: Contract) -> Checked:
        """Read instances under the contract: in one pass where all is well, else again to name what is wrong."""
        # The member's name may also be there in escapes, or be deeper down in a bare instance.
        self.bare = NAMED not in self.text and b"\\u00" not in self.text
        checked = contract.check_bare(self.text) if self.bare else contract.check_envelope(self.text)
        if checked is not None:
            return checked
        self.bare = False
        try:
            document = from_json(self.text)
        except ValueError as error:
            raise MalformedBodyError(
                f'The body is not JSON: {error}. Send {{"{MEMBER}": [...]}} or one instance.'
            ) from None
        if not isinstance(document, dict) or MEMBER not in document:
            self.bare = True
            return contract.check_one(self.text)
        rows = document[MEMBER]
        if not isinstance(rows, list):
            raise ContractError([Violation(None, MEMBER, "Input should be a list of instances", "list_type")])
        unknown = [
            Violation(None, name, f"Unknown field beside {MEMBER}: leave it out", "extra_forbidden")
            for name in document
            if name != MEMBER
        ]
        if unknown:
            raise ContractError(unknown)
        return contract.check_rows(rows)


def infer(request: Request, service: Service) -> Answer:
    """POST …/infer: predict for each instance."""
    body = Body(request.body)
    result = service.pipeline.infer(body.check, request.timings, partial=_flag(request, "partial"))
    if body.bare and result.failed:
        raise ContractError(result.failed[0])
    contract = service.pipeline.contract
    if not result.failed:
        text = contract.write_predictions(result.predictions)
    else:
        text = to_json(_with_problems(contract.plain_predictions(result.predictions), result.failed, result.total))
    if body.bare:
        return Answer(200, text[1:-1], {"content-type": JSON})
    text = b'{"predictions":%b,%b}' % (text, _origin(service.name, service.version))
    return Answer(200, text, {"content-type": JSON})


def describe(_request: Request, service: Service) -> Answer:
    """GET /models/{name}: what the model is, how good it is, and where to ask it."""
    manifest = service.manifest
    base = f"/models/{service.name}"
    return Answer.of(
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


def openapi(_request: Request, service: Service) -> Answer:
    """GET /models/{name}/openapi.json: OpenAPI 3.1, made from the contract."""
    return Answer(200, service.bundle.openapi.encode(), {"content-type": JSON})


def problem(error: ModeletError) -> Answer:
    """An error as an RFC 9457 problem."""
    answer = Answer.of(error.problem(), error.status, PROBLEM)
    answer.headers.update(error.headers)
    return answer


ROUTES: Routes = {
    (): {"GET": describe},
    ("infer",): {"POST": infer},
    ("openapi.json",): {"GET": openapi},
}


@cache
def _origin(model: str, version: str) -> bytes:
    """Who predicted, as members of an object."""
    return f'"model":{compact(model)},"version":{compact(version)}'.encode()


def _flag(request: Request, name: str) -> bool:
    value = request.query.get(name, "false")
    if value not in {"true", "false"}:
        raise RequestError(f"?{name}={value} is neither true nor false")
    return value == "true"


def _with_problems(predictions: list[Any], failed: dict[int, list[Violation]], total: int) -> list[Any]:
    """Put predictions and problems where their rows were; past those listed, a problem says only that it is one."""
    good = iter(predictions)
    unlisted = [Violation(None, "", "Breaks the contract (not listed: too many bad rows)", "unlisted")]
    return [ContractError(failed[row] or unlisted).problem() if row in failed else next(good) for row in range(total)]


def unknown_route(path: str, model: str) -> NotFoundError:
    """What says that a path leads nowhere."""
    return NotFoundError(f"There is no {path} here; this is the model {model}, see GET /models/{model}.")
