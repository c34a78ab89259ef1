"""docs/features.md says what happens: its blocks are run."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml

from modelet.dev.project.spec import ModelSpec
from modelet.features.errors import FeaturesError, NoFeaturesError
from modelet.features.join import Join
from modelet.features.pipeline import JoinedPipeline
from modelet.features.prediction_set import MOST_ATTEMPTS, MOST_DISTINCT, MOST_KEYS, SHARE, WINDOW_S, Row
from modelet.model import Model
from modelet.protocols.service import Service
from support.joined import Customers
from support.repository import ROOT
from support.services import ask, service

TEXT = (ROOT / "docs" / "features.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


def test_each_block_is_true() -> None:
    [given], [types] = blocks("yaml"), blocks("python")
    row, request, instance, answer = map(json.loads, blocks("json"))
    spec = ModelSpec.model_validate(yaml.safe_load(given)).model_dump(mode="json")
    made: dict[str, Any] = {}
    exec(types, made)
    seen: list[Any] = []

    base: Any = Model.__class_getitem__((made["Order"], made["Risk"]))  # type: ignore[attr-defined] # of typing

    class Risks(base):  # type: ignore[misc] # its types are made by the document
        def infer(self, inputs: list[Any]) -> list[Any]:
            seen.extend(inputs)
            return [{"risk": 0.5}] * len(inputs)

    served = service(Risks, features=spec["features"], id=spec["id"])
    join = Join(spec["features"], Customers({"c-17": Row(**row)}))
    served = Service(served.bundle, served.manifest, JoinedPipeline.around(served.pipeline, served.bundle.spec, join))
    assert ask(served, "POST", "/models/tiny/infer", request)[:2] == (200, answer)
    assert seen == [instance]


@pytest.mark.parametrize(
    "said",
    [
        f"{MOST_DISTINCT:,} distinct keys",
        f"within {WINDOW_S:g} s and {SHARE:.0%} of".replace("%", " %"),
        f"500, kind `{FeaturesError.kind}`",
        f"503, kind `{NoFeaturesError.kind}`",
    ],
)
def test_the_numbers_and_names_are_the_code_s(said: str) -> None:
    assert said in TEXT
    assert (MOST_ATTEMPTS, MOST_KEYS) == (5, 100), "the document says five attempts, and a hundred keys"
