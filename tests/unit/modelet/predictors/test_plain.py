from __future__ import annotations

import abc
import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest

from modelet.errors import StartError
from modelet.predictors.plain import check


class Good:
    def predict(self, payload: Any) -> Any: ...


class WithConfig:
    def __init__(self, config: Any) -> None: ...
    def predict(self) -> Any: ...


class NoPredict:
    predict = 5


class OtherInit:
    def __init__(self, config: Any, client: Any) -> None: ...
    def predict(self, payload: Any) -> Any: ...


class OtherPredict:
    def predict(self, data: Any) -> Any: ...


class Async:
    async def predict(self, payload: Any) -> Any: ...


class Streaming:
    def predict(self, payload: Any) -> Iterator[int]:
        yield payload


class AsyncBatch(Good):
    async def predict_batch(self, payloads: Any) -> Any: ...


class Static:
    @staticmethod
    def predict(payload: Any) -> Any: ...


class ByClass:
    @classmethod
    def predict(cls, payload: Any) -> Any: ...


@pytest.mark.parametrize("target", [Good, WithConfig, Static, ByClass])
def test_a_predictor_that_can_be_served_passes(target: Any) -> None:
    check(target, {})


@pytest.mark.parametrize(
    ("target", "config", "said"),
    [
        (NoPredict, {}, r"NoPredict has no predict: write `def predict\(self, payload\)`"),
        (OtherInit, {}, "OtherInit.__init__ requires client, .* it may take config and artifacts"),
        (OtherPredict, {}, "OtherPredict.predict requires data, .* payload, query_params and headers"),
        (Async, {}, "Async.predict is async"),
        (Streaming, {}, "Streaming.predict yields"),
        (AsyncBatch, {}, "AsyncBatch.predict_batch is async"),
        (Good, {"a": 1}, "Good.__init__ does not take config, but model.yaml has one"),
    ],
)
def test_one_that_cannot_is_refused_with_the_remedy(target: Any, config: dict[str, Any], said: str) -> None:
    with pytest.raises(StartError, match=said):
        check(target, config)


class Positional:
    def predict(self, *args: Any) -> Any: ...


class Misnamed:
    def predict(self, body: Any = None) -> Any: ...


class ByPlace:
    def predict(self, payload: Any = None, /) -> Any: ...


class OtherStatic:
    @staticmethod
    def predict(body: Any) -> Any: ...


class BatchOfTwo(Good):
    def predict_batch(self, payloads: Any, headers: Any) -> Any: ...


class Unfinished(Good, abc.ABC):
    @abc.abstractmethod
    def score(self, payload: Any) -> Any: ...


class Mapping(dict[str, Any]):
    def predict(self, payload: Any) -> Any: ...


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (Positional, r"takes \*args, and gets payload, query_params and headers, by these names"),
        (Misnamed, "takes body, and gets payload"),
        (ByPlace, "by its name: remove the /"),
        (OtherStatic, "predict requires body"),
        (BatchOfTwo, "predict_batch gets a list of payloads and nothing else, but it has missing .*'headers'"),
        (Unfinished, "is abstract: write score"),
        (Mapping, "Mapping.__init__ is not a method in Python"),
    ],
)
def test_a_class_whose_predict_would_not_get_the_payload_is_refused(target: Any, said: str) -> None:
    with pytest.raises(StartError, match=said):
        check(target, {})


def test_predict_may_take_nothing_anything_or_only_keywords() -> None:
    class Nothing:
        def predict(self) -> Any: ...

    class Anything:
        def predict(self, *args: Any, **kwargs: Any) -> Any: ...

    class Keywords:
        @classmethod
        def predict(cls, *, payload: Any, threshold: float = 0.5) -> Any: ...

        @staticmethod
        def predict_batch(payloads: Any) -> Any: ...

    @dataclasses.dataclass
    class Data:
        config: Any

        def predict(self, payload: Any) -> Any: ...

    for target in (Nothing, Anything, Keywords):
        check(target, {})
    check(Data, {"a": 1})
