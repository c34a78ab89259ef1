from __future__ import annotations

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
