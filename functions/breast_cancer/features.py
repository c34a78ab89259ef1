"""From biopsies to the graph's input: the function that model.yaml names."""

from operator import attrgetter

import numpy as np
from biopsy import Biopsy

from modelet.backends.onnx import Feeds

FEATURES = tuple(name for name in Biopsy.model_fields if name != "id")
"""The columns of the graph's input, in their order; the id says nothing about a tumour and stays outside."""

_values = attrgetter(*FEATURES)


def to_feeds(instances: list[Biopsy]) -> Feeds:
    """The measurements as one float32 matrix, shape (instances, 30)."""
    return {"input": np.array([_values(biopsy) for biopsy in instances], dtype=np.float32)}
