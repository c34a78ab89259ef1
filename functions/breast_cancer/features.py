"""Turn biopsies into the graph's input; model.yaml names the function."""

from operator import attrgetter

import numpy as np
from biopsy import Biopsy

from modelet.backends.onnx import Feeds

FEATURES = tuple(name for name in Biopsy.model_fields if name != "id")
"""The columns of the graph's input in order; the id says nothing about a tumour, so it is not one of them."""

_values = attrgetter(*FEATURES)


def to_feeds(instances: list[Biopsy]) -> Feeds:
    """Return the measurements as one float32 matrix, shape (instances, 30)."""
    return {"input": np.array([_values(biopsy) for biopsy in instances], dtype=np.float32)}
