"""The pipeline of a model with features or ids: the join's time is not validate's."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence

from modelet.features.prediction_set import Row
from modelet.observability import Timings
from modelet.protocols.rows import infer
from modelet.protocols.service import Request
from support.joined import Customers, Sum, customer, joined


class Slow(Customers):
    def __call__(self, keys: Sequence[str]) -> dict[str, Row]:
        time.sleep(0.2)
        return super().__call__(keys)


def test_the_time_of_the_join_is_not_counted_as_validation() -> None:
    served, timings = joined(Sum, Slow({"a": customer()})), Timings()
    body = b'{"instances":[{"customer":"a","amount":1}]}'
    response = infer(Request("POST", "/models/tiny/infer", {}, {}, body, timings), served)
    assert response.status == 200
    assert 0 <= timings.validate < 0.1
    assert timings.features >= 0.2
    assert timings.instances == 1


def test_features_are_read_without_boto3() -> None:
    heavy = ("boto3", "botocore", "urllib3", "orjson", "pyarrow", "numpy", "secrets")
    code = f"import sys, modelet.features.pipeline; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
