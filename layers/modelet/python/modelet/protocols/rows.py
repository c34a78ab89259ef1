"""Rows: `{"instances": [...]}` gives `{"predictions": [...]}`, a bare instance gives a bare prediction."""

from __future__ import annotations

from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from modelet.contract import Checked
from modelet.core import compact, to_json
from modelet.errors import ContractError, MalformedBodyError, ModeletError, NotFoundError, RequestError
from modelet.protocols.service import JSON, PROBLEM, Answer, Request, Routes, Service
from modelet.violation import LISTED_VIOLATIONS, LONGEST_NAME, Violation

if TYPE_CHECKING:
    from modelet.contract import Contract
    from modelet.pieces import Pieces

MEMBER = "instances"
TRUSTED = 8_192
"""Bytes up to which no body is dear to refuse, whatever the contract."""
NAMED = f'"{MEMBER}"'.encode()


class Body:
    """The body of one request; after `check` it knows whether it was a bare instance.

    limit: instances that a request may hold. partial: whether each bad instance is to have its place.
    """

    __slots__ = ("_limit", "_partial", "bare", "text")

    def __init__(self, text: bytes, limit: int = 100_000, *, partial: bool = False) -> None:
        self.text = text
        self.bare = False
        self._limit = limit
        self._partial = partial

    def check(self, contract: Contract) -> Checked:
        """Read instances under the contract: in one pass where all is well, else again to name what is wrong."""
        # The member's name may also be there in escapes, or be deeper down in a bare instance.
        self.bare = NAMED not in self.text and b"\\u00" not in self.text
        doubtful = len(self.text) > TRUSTED and contract.is_doubtful(self.text)
        if not doubtful:
            checked = contract.check_bare(self.text) if self.bare else contract.check_envelope(self.text)
            if checked is not None:
                return checked
        from modelet.pieces import uncollected  # noqa: PLC0415 - who is never sent a bad row has no use for it

        with uncollected():
            return self._looked_at(contract, doubtful)

    def _looked_at(self, contract: Contract, doubtful: bool) -> Checked:
        rows = self._rows()
        if len(rows) > self._limit:
            return Checked([], len(rows))  # the pipeline refuses it by its count: no need to look at them
        # What was parsed in pieces pydantic-core would hold whole, at two hundred bytes a list.
        if doubtful and isinstance(rows, list) and contract.are_good(rows, self.text):
            checked = self._at_once(contract)
            if checked is not None:
                return checked
        return contract.check_rows(rows, size=len(self.text), partial=self._partial)

    def _at_once(self, contract: Contract) -> Checked | None:
        return contract.check_bare(self.text) if self.bare else contract.check_envelope(self.text)

    def _rows(self) -> list[Any] | Pieces:
        """The instances as parsed JSON. Raises MalformedBodyError, and ContractError for what is wrong around them."""
        from modelet.pieces import parsed  # noqa: PLC0415 - as above

        try:
            document, pieces = parsed(self.text)
        except ValueError as error:
            raise MalformedBodyError(
                f'The body is not JSON: {error}. Send {{"{MEMBER}": [...]}} or one instance.'
            ) from None
        self.bare = not isinstance(document, dict) or MEMBER not in document
        if self.bare:
            return [document]
        rows = document[MEMBER]
        if not isinstance(rows, list):
            raise ContractError([Violation(None, MEMBER, "Input should be a list of instances", "list_type")])
        unknown = [
            Violation(None, name[:LONGEST_NAME], f"Unknown field beside {MEMBER}: leave it out", "extra_forbidden")
            for name in islice((name for name in document if name != MEMBER), LISTED_VIOLATIONS)
        ]
        if unknown:
            raise ContractError(unknown, len(document) - 1)
        return rows if pieces is None else pieces


def infer(request: Request, service: Service) -> Answer:
    """POST …/infer: predict for each instance."""
    partial = _flag(request, "partial")
    body = Body(request.body, service.bundle.spec["limits"]["max_instances"], partial=partial)
    result = service.pipeline.infer(body.check, request.timings, partial=partial)
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
    rest = ContractError(unlisted).problem()
    return [
        (ContractError(failed[row]).problem() if failed[row] else rest) if row in failed else next(good)
        for row in range(total)
    ]


def unknown_route(path: str, model: str) -> NotFoundError:
    """What says that a path leads nowhere."""
    return NotFoundError(f"There is no {path} here; this is the model {model}, see GET /models/{model}.")
