"""The routes of a plain predictor: it answers any payload itself; there is no contract, and so there are no tensors."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, NoReturn

from modelet.contract.contract import Checked
from modelet.errors import NotFoundError
from modelet.predictors.received import Headers, Received
from modelet.protocols import rows
from modelet.protocols.oip import oip
from modelet.protocols.payload import read_payload
from modelet.protocols.service import Request, Response, Routes, Service

if TYPE_CHECKING:
    from modelet.predictors.answers import Answer


def infer(request: Request, service: Service) -> Response:
    """POST …/infer: answer as the predictor does."""
    began = perf_counter()
    payload = read_payload(request)
    received = Received(payload, dict(request.query), Headers(request.headers), request.body)
    request.timings.validate = perf_counter() - began
    answer: Answer = service.pipeline.infer(Checked([received], 1), request.timings).predictions[0]
    return Response(answer.status, answer.body, answer.headers)


def no_tensors(_request: Request, service: Service) -> NoReturn:
    """Refuse a request of the Open Inference Protocol that needs tensors."""
    raise NotFoundError(
        f"{service.name} is a plain predictor: it has no contract, and so no tensors. "
        f"Use POST /models/{service.name}/infer."
    )


ROUTES: Routes = {**rows.ROUTES, ("infer",): {"POST": infer}}
OIP_ROUTES: Routes = {(): {"GET": no_tensors}, ("ready",): {"GET": oip.ready}, ("infer",): {"POST": no_tensors}}
