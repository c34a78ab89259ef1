"""The errors of features by key.

ServingError
├── FeaturesError             500  the prediction set has values that do not fit the contract
└── StoreError
    └── NoFeaturesError       503  retryable: the prediction set has no generation that can be used
"""

from __future__ import annotations

from modelet.errors import ServingError, StoreError


class FeaturesError(ServingError):
    """Values of a prediction set do not fit the contract: the caller cannot change that."""

    kind = "features"
    title = "Features do not fit"
    fixed_detail = None


class NoFeaturesError(StoreError):
    """The prediction set has no generation, or one that has expired or is too old: a batch must run first."""

    kind = "no-features"
    title = "Features unavailable"

    @property
    def detail(self) -> str:
        """The text for the caller, which names the prediction set."""
        return str(self)
