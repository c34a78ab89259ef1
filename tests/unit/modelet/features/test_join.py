"""What `features:` says, as the run time reads it."""

from __future__ import annotations

import pytest

from modelet.features.errors import NoFeaturesError
from modelet.features.join import Join, fields_of, seconds
from support.joined import FEATURES


def test_fields_are_named_by_the_columns_or_renamed() -> None:
    assert fields_of(["a", {"b": "c", "passed.d": "e"}, "passed.f"]) == {
        "a": "a",
        "c": "b",
        "e": "passed.d",
        "f": "passed.f",
    }


@pytest.mark.parametrize(("text", "expected"), [("30m", 1_800), ("12h", 43_200), ("2d", 172_800), (None, None)])
def test_ages_are_read(text: str | None, expected: int | None) -> None:
    assert seconds(text) == expected


def test_a_function_that_is_not_told_its_tables_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MODELET_FEATURES_TABLE", raising=False)
    with pytest.raises(NoFeaturesError, match="does not know where the prediction set customers is"):
        Join(FEATURES).join({0: "a"}, [{}])
