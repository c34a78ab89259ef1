"""Tiny functions that are profiled: each is published, and answers one event."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from modelet.dev.profile.profile import Profile, profile
from support.events import rows_event
from support.projects import GOOD, Tiny, make_tiny

APP = """
from typing import Annotated, Literal
from modelet import ModelHandler
from modelet.typing import Ge, Le, TypedDict
from modelet.backends.onnx import OnnxModel

class Row(TypedDict):
    a: Annotated[float, Ge(0), Le(1000)]
    b: float

class Label(TypedDict):
    label: Literal["low", "high"]
    probability: float

class TinyModel(OnnxModel[Row, Label]):
    pass

handler = ModelHandler(TinyModel)
"""
EVENT = json.dumps(rows_event(GOOD)).encode()


@pytest.fixture
def tiny(tmp_path: Path) -> Tiny:
    """A function that has nothing to change."""
    return make_tiny(tmp_path, app=APP)


@pytest.fixture
def changed(tiny: Tiny) -> Callable[[str], Tiny]:
    """The function with lines before its own; `model.yaml` and files are the test's own business."""

    def change(before: str) -> Tiny:
        (tiny.function.folder / "app.py").write_text(before + APP)
        return tiny

    return change


def profiled(tiny: Tiny, event: bytes | None = EVENT) -> Profile:
    """Its profile, by one start that counts."""
    return profile(tiny.function, tiny.store, event, 1)
