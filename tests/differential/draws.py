"""Draws: one example of a Hypothesis strategy for a seed, the same in every process."""

from __future__ import annotations

from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.internal.conjecture.providers import AVAILABLE_PROVIDERS, HypothesisProvider

T = TypeVar("T")

BACKEND = "modelet-seeded"


class SeededProvider(HypothesisProvider):
    """Hypothesis's own source of choices, without the constants that it finds in the modules that are loaded.

    With them the same seed would give another case in another process.
    """

    def _maybe_draw_constant(self, *_arguments: Any, **_options: Any) -> None:
        return None


AVAILABLE_PROVIDERS[BACKEND] = f"{__name__}.{SeededProvider.__name__}"


def drawn(strategy: st.SearchStrategy[T], number: int) -> T:
    """The example of a strategy that belongs to a number.

    Hypothesis begins with the simplest example of all: the second is the first that the number decides.
    """
    found: list[T] = []

    @settings(
        backend=BACKEND,
        database=None,
        deadline=None,
        max_examples=2,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @seed(number)
    @given(strategy)
    def keep(value: T) -> None:
        found.append(value)

    keep()
    return found[-1]
