"""Stand-in for bentoml: `from modelet.predictors import bentoml` serves a class with @bentoml.service and @bentoml.api.

A request's JSON object has the arguments of the method by name, as in BentoML; `?api=NAME` chooses among several.
Source: docs.bentoml.com, "Create online API Services" and "Define input and output types".
"""

from __future__ import annotations

import inspect
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, NoReturn

from modelet.errors import RequestError, StartError
from modelet.predictors.signature import check_ordinary

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from modelet.predictors.received import Received
    from modelet.store.artifacts import Artifacts

MARK = "__modelet_api__"
"""The attribute of a method that @bentoml.api marked; its value is the API's name."""
QUERY = "api"
PLAIN = frozenset({"Any", "bool", "dict", "float", "int", "list", "str"})
"""Annotations that are JSON already."""
ARRAY = frozenset({"np.ndarray", "numpy.ndarray", "NDArray", "ndarray"})


def service(inner: type | None = None, /, **_options: Any) -> Any:
    """Mark a class as a service. Its options say how BentoML scales it, which model.yaml says here."""

    def mark(target: type) -> type:
        target.modelet_style = "bentoml"  # type: ignore[attr-defined]
        return target

    return mark if inner is None else mark(inner)


def api(func: Callable[..., Any] | None = None, /, *, name: str | None = None, **_options: Any) -> Any:
    """Mark a method as an API."""

    def mark(method: Callable[..., Any]) -> Callable[..., Any]:
        setattr(method, MARK, name or method.__name__)
        return method

    return mark if func is None else mark(func)


def importing() -> AbstractContextManager[None]:
    """Do nothing: BentoML lets imports of libraries fail here that only its image has."""
    return nullcontext()


def check(target: Any, config: dict[str, Any]) -> None:
    """Raise StartError if a service cannot be served."""
    name = target.__name__
    apis = _apis(target)
    if not apis:
        raise StartError(f"{name} has no method with @bentoml.api: add one")
    for each, method in apis.items():
        check_ordinary(method, f"{name}.{each}")
        for parameter in list(inspect.signature(method).parameters.values())[1:]:
            _converter(parameter, f"{name}.{each}")
    try:
        inspect.signature(target).bind(**config)
    except TypeError as error:
        raise StartError(f"{name}: config: in model.yaml has the arguments of __init__, but {error}") from None


def opened(target: Any, config: dict[str, Any], _artifacts: Artifacts) -> BentoPredictor:
    """Create a service. config: the arguments of its `__init__`."""
    return BentoPredictor(target(**config), _apis(target))


class BentoPredictor:
    """A service and its APIs."""

    predict_batch = None

    def __init__(self, instance: Any, apis: dict[str, Callable[..., Any]]) -> None:
        self._apis = {name: (method.__get__(instance), _parameters(method, name)) for name, method in apis.items()}

    def predict(self, received: Received) -> Any:
        """Answer one request. Raises RequestError if it names no API, or not the arguments of one."""
        name = received.query_params.get(QUERY, next(iter(self._apis)))
        listed = ", ".join(self._apis)
        if name not in self._apis or (len(self._apis) > 1 and QUERY not in received.query_params):
            raise RequestError(f"?{QUERY}=NAME chooses what is called; the names are {listed}.")
        method, parameters = self._apis[name]
        return method(**_arguments(received, parameters))


def _apis(target: Any) -> dict[str, Callable[..., Any]]:
    found = inspect.getmembers(target, lambda member: hasattr(member, MARK))
    return {getattr(method, MARK): method for _, method in sorted(found)}


Parameters = dict[str, tuple[bool, "Callable[[Any], Any] | None"]]
"""By name: whether a parameter is required, and the function that converts its value, if one does."""


def _parameters(method: Callable[..., Any], name: str) -> Parameters:
    listed = list(inspect.signature(method).parameters.values())[1:]
    return {each.name: (each.default is each.empty, _converter(each, name)) for each in listed}


def _converter(parameter: inspect.Parameter, what: str) -> Callable[[Any], Any] | None:
    """Return what converts a parameter's JSON value. Raises StartError for a type that is not JSON."""
    kind = parameter.annotation
    if parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY}:
        raise StartError(f"{what}: {parameter} has no name in a request: write a named parameter")
    text = kind if isinstance(kind, str) else getattr(kind, "__name__", str(kind))
    first = text.removeprefix("typing.").partition("[")[0].partition("|")[0].strip()
    if (
        kind is parameter.empty
        or first.lower() in PLAIN
        or first in {"Any", "Optional", "Union", "Annotated", "Literal"}
    ):
        return None
    if first in ARRAY:
        return _array
    raise StartError(
        f"{what}: {parameter.name} is a {text}, which is not made from a request: take JSON values, or an np.ndarray"
    )


def _array(value: Any) -> Any:
    import numpy as np  # noqa: PLC0415 - only for arrays

    return np.asarray(value)


def _arguments(received: Received, parameters: Parameters) -> dict[str, Any]:
    """Return the arguments of an API. Raises RequestError if some are missing or unknown."""
    payload = {} if received.payload is None else received.payload
    if not isinstance(payload, dict):
        raise RequestError(f"The body is not a JSON object with {', '.join(parameters) or 'no members'}.")
    if unknown := sorted(payload.keys() - parameters.keys()):
        raise RequestError(f"The body has {unknown[0][:100]!r}, which is not one of {', '.join(parameters)}.")
    if missing := [name for name, (required, _) in parameters.items() if required and name not in payload]:
        raise RequestError(f"The body lacks {missing[0]!r}.")
    given: dict[str, Any] = {}
    for name, value in payload.items():
        convert = parameters[name][1]
        try:
            given[name] = value if convert is None else convert(value)
        except (TypeError, ValueError):
            raise RequestError(f"{name} is not an array of numbers.") from None
    return given


def __getattr__(name: str) -> NoReturn:
    raise AttributeError(
        f"modelet's stand-in for bentoml has service and api, and not {name}: write that part without bentoml"
    )
