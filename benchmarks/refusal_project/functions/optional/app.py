from typing import Any, NotRequired

from modelet import Model, ModelHandler
from modelet.typing import TypedDict


class Row(TypedDict):
    x: float | None
    y: NotRequired[float]
    z: NotRequired[str | None]


class Count(Model[Row, int]):
    def preprocess(self, instances: list[Row]) -> Any:
        return instances

    def infer(self, inputs: Any) -> list[int]:
        return [1] * len(inputs)


handler = ModelHandler(Count)
