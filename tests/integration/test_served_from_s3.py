"""A version in S3, over the wire: pushed, pinned, and served by the official runtime client."""

from __future__ import annotations

import json
from pathlib import Path

from modelet.dev.local.prepare import local_function
from modelet.dev.local.runtime.function import LocalFunction
from modelet.dev.local.runtime.once import invoke_once
from modelet.publishing import push
from modelet.store.store import Store
from support.projects import GOOD, make_tiny


def served_from(s3_url: str, root: Path) -> LocalFunction:
    tiny = make_tiny(root)
    target = Store(s3_url)
    push(tiny.store, target, "tiny", "1")
    return local_function(tiny.function, target)


def test_a_pushed_version_is_served_from_s3(s3_url: str, tmp_path: Path) -> None:
    outcome = invoke_once(served_from(s3_url, tmp_path), json.dumps(GOOD).encode())
    assert outcome.error is None, outcome.payload
    assert json.loads(outcome.payload)["label"] == "high"


def test_an_altered_object_never_serves(s3_url: str, tmp_path: Path) -> None:
    function = served_from(s3_url, tmp_path)
    Store(s3_url).overwrite("tiny/1/model.onnx", b"something else")
    outcome = invoke_once(function, json.dumps(GOOD).encode())
    assert outcome.error is not None
    failure = json.loads(outcome.payload)
    assert failure["errorType"] == "ArtifactError"
    assert "tiny/1/model.onnx has 14 bytes" in failure["errorMessage"]
