"""Predictions: looked up in the active generation, inferred where they are missing; and the model's readiness."""

from __future__ import annotations

import re
from typing import Any

from batches_routes import generation_view
from bodies import answer, read_json, read_query, refuse
from endings import settled
from fastapi import APIRouter, Request, Response
from problems import logger
from services import Services

from modelet.batch.lookup import Looked, Prediction
from modelet.batch.record import ACTIVE
from modelet.errors import ModeletError, NotFoundError, RequestError

MOST_KEYS = 100
"""The most keys of one look-up, which is one call of DynamoDB."""
RECENT = 20
"""How many of the newest batches the readiness looks at."""
PLAIN_KEY = re.compile(r"[0-9A-Za-z_.-]+")
SOURCE, GENERATION = "x-model-prediction", "x-model-generation"

router = APIRouter()


@router.api_route("/models/{name}/predictions", methods=["GET", "HEAD"])
async def by_query(request: Request) -> Response:
    """Return the prediction of `?key=…`, those of several such, or without a key the model's readiness."""
    services, model = _named(request)
    query = read_query(request)
    if unknown := {name for name, _ in query} - {"key"}:
        raise RequestError(f"There is no parameter {sorted(unknown)[0][:100]}: give ?key=…, once or more often.")
    keys = [value for _, value in query]
    if not keys:
        return answer(_readiness(services, model))
    if len(keys) == 1:
        return _one(services, model, keys[0])
    return _many(services, model, keys)


@router.api_route("/models/{name}/predictions/{key:path}", methods=["GET", "HEAD"])
async def by_path(request: Request) -> Response:
    """Return the prediction of a key of letters, digits, `_`, `.` and `-`: gateways decode other characters here."""
    services, model = _named(request)
    key = request.path_params["key"]
    if not PLAIN_KEY.fullmatch(key):
        raise RequestError(
            "A key in the path has only letters, digits, `_`, `.` and `-`: "
            f"ask GET /models/{model}/predictions?key=… for any other."
        )
    return _one(services, model, key)


@router.post("/models/{name}/predictions")
async def by_body(request: Request) -> Response:
    """Return the predictions of `keys`; or that of a `key`, inferred from its `instance` if it has none."""
    services, model = _named(request)
    match await read_json(request):
        case {"keys": list(keys), **rest} if not rest:
            if not 1 <= len(keys) <= MOST_KEYS:
                raise refuse("keys", f"there are {len(keys)} keys, from 1 to {MOST_KEYS} are allowed")
            return _many(services, model, keys)
        case {"key": key, "instance": instance, **rest} if not set(rest) - {"keep"}:
            keep = rest.get("keep", False)
            if not isinstance(keep, bool):
                raise refuse("keep", "must be true or false")
            return _or_inferred(services, model, key, instance, keep=keep)
    raise refuse("", 'send {"keys": […]}, or {"key": "…", "instance": {…}, "keep": true}')


def _named(request: Request) -> tuple[Services, str]:
    """Return the services, and the model of the path, which must take batches.

    As FastAPI's dependencies, these would be a tenth of a look-up's CPU. Raises NotFoundError.
    """
    services: Services = request.app.state.services
    return services, services.workers.get(request.path_params["name"], "batch").model


def _one(services: Services, model: str, key: str) -> Response:
    looked = services.lookup.get(model, [key])
    found = looked.predictions.get(key)
    if found is None:
        named = f"generation {looked.generation.generation}" if looked.generation else "no generation"
        raise NotFoundError(f"The model {model}, with {named} active, has no prediction for this key.")
    return answer(_entry(key, found), headers=_headers(looked, [found.source]))


def _many(services: Services, model: str, keys: list[str]) -> Response:
    if len(keys) > MOST_KEYS:
        raise RequestError(f"There are {len(keys)} keys, at most {MOST_KEYS} are allowed in one request.")
    looked = services.lookup.get(model, keys)
    wanted, found = list(dict.fromkeys(keys)), looked.predictions
    body = {
        "generation": looked.generation.generation if looked.generation else None,
        "predictions": [_entry(key, found[key]) for key in wanted if key in found],
        "missing": [key for key in wanted if key not in found],
    }
    return answer(body, headers=_headers(looked, [each.source for each in found.values()]))


def _or_inferred(services: Services, model: str, key: Any, instance: Any, *, keep: bool) -> Response:
    looked = services.lookup.get(model, [key])
    if found := looked.predictions.get(key):
        return answer({**_entry(key, found), "kept": False}, headers=_headers(looked, [found.source]))
    prediction = services.online.infer(model, instance)
    kept = keep and _keep(services, model, key, prediction)
    body = {"key": key, "prediction": prediction, "source": "online", "kept": kept}
    return answer(body, headers=_headers(looked, ["online"]))


def _keep(services: Services, model: str, key: str, prediction: Any) -> bool:
    """Keep a prediction; whoever waits for it gets it also if that fails."""
    try:
        return services.lookup.keep(model, key, prediction, services.settings.kept_s)
    except ModeletError as error:
        logger.warning("an online prediction could not be kept", model=model, exc_info=error)
        return False


def _readiness(services: Services, model: str) -> dict[str, Any]:
    pointer, active = services.lookup.pointer(model), services.lookup.active(model)
    recent = services.batches.list(model, limit=RECENT).records
    loading = [each.id for each in recent if each.request.table and settled(services, each).state in ACTIVE]
    nothing = {"generation": None, "rows": None, "since": None, "until": None, "previous": None}
    return {
        "model": model,
        "exists": True,
        "active": active is not None,
        "expired": pointer is not None and active is None,
        "loading": bool(loading),
        "batches": loading,
        **(generation_view(pointer) if pointer else nothing),
    }


def _entry(key: str, found: Prediction) -> dict[str, Any]:
    passed = {} if found.passed is None else {"passed": found.passed}
    return {"key": key, "prediction": found.value, **passed, "source": found.source}


def _headers(looked: Looked, sources: list[str]) -> dict[str, str]:
    """Return the headers that say where predictions come from; of several, each source once."""
    headers = {SOURCE: ", ".join(sorted(set(sources)))} if sources else {}
    return headers | ({GENERATION: looked.generation.generation} if looked.generation else {})
