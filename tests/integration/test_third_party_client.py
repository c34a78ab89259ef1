"""NVIDIA's own client of the Open Inference Protocol works against a local gateway, unchanged."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import tritonclient.http as triton
from numpy.typing import NDArray
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

from support.projects import make_tiny
from support.repository import ROOT

SERVER = """
import json, sys
from pathlib import Path
from modelet.dev.local.runtime.function import LocalFunction
from modelet.dev.local.serve import serve

functions = [
    LocalFunction(each["name"], Path(each["folder"]), "app.handler", environment=each["environment"])
    for each in json.loads(sys.argv[1])
]
serve(functions, default="models-index", port=0, api=sys.argv[2], ready=lambda url: print(url, flush=True))
"""
ROWS = np.array([[4, 2], [1, 900], [0, 0]], dtype=np.float32)


@pytest.fixture(scope="module", params=["http", "rest"])
def address(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A gateway, of either kind, with one model and the index of models behind it."""
    tiny = make_tiny(tmp_path_factory.mktemp("project"))
    models = json.dumps({"tiny": tiny.lock.version})
    folders = {"tiny": tiny.function.folder, "models-index": ROOT / "functions" / "models_index"}
    environ = {"tiny": {"MODELET_STORE": tiny.store.url}, "models-index": {"MODELET_MODELS": models}}
    functions = [
        {"name": name, "folder": str(folder), "environment": environ[name]} for name, folder in folders.items()
    ]
    command = [sys.executable, "-c", SERVER, json.dumps(functions), request.param]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        try:
            assert server.stdout is not None
            yield server.stdout.readline().strip().removeprefix("http://")
        finally:
            server.terminate()


@pytest.fixture
def client(address: str) -> Iterator[Any]:
    with triton.InferenceServerClient(address) as made:
        yield made


def tensor(name: str, data: NDArray[Any], *, binary: bool = False) -> Any:
    made = triton.InferInput(name, list(data.shape), np_to_triton_dtype(data.dtype))
    return made.set_data_from_numpy(data, binary_data=binary)


def columns(dtype: str = "float64") -> list[Any]:
    return [tensor("a", ROWS[:, 0].astype(dtype)), tensor("b", ROWS[:, 1].astype(dtype))]


def test_the_server_is_live_and_ready_and_says_what_it_is(client: Any) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    metadata = client.get_server_metadata()
    assert metadata["name"] == "modelet"
    assert metadata["extensions"] == []


def test_the_model_is_ready_and_its_tensors_are_described(client: Any) -> None:
    assert client.is_model_ready("tiny")
    assert client.is_model_ready("tiny", "1")
    assert not client.is_model_ready("tiny", "2")
    assert not client.is_model_ready("other")
    metadata = client.get_model_metadata("tiny", "1")
    assert metadata["versions"] == ["1"]
    assert [each["name"] for each in metadata["inputs"]] == ["a", "b"]
    assert [each["datatype"] for each in metadata["outputs"]] == ["BYTES", "FP64"]


def test_arrays_go_in_and_arrays_come_out(client: Any) -> None:
    result = client.infer("tiny", columns(), request_id="seven")
    labels, probabilities = result.as_numpy("label"), result.as_numpy("probability")
    assert labels.shape == probabilities.shape == (3,)
    assert set(labels) <= {"low", "high"}
    assert probabilities.dtype == np.float64
    assert (probabilities >= 0.5).all()
    response = result.get_response()
    assert (response["id"], response["model_name"], response["model_version"]) == ("seven", "tiny", "1")


@pytest.mark.parametrize("dtype", ["float16", "float32", "int16", "int64", "uint64"])
def test_every_numeric_type_gives_the_same_answer(client: Any, dtype: str) -> None:
    expected = client.infer("tiny", columns()).as_numpy("probability")
    assert np.array_equal(client.infer("tiny", columns(dtype)).as_numpy("probability"), expected)


def test_one_matrix_stands_for_all_columns(client: Any) -> None:
    expected = client.infer("tiny", columns()).as_numpy("label")
    assert np.array_equal(client.infer("tiny", [tensor("input", ROWS)]).as_numpy("label"), expected)


@pytest.mark.parametrize("binary", [False, True])
def test_outputs_may_be_asked_for_by_name(client: Any, binary: bool) -> None:
    """Asked for binary outputs, the client's default, JSON ones are as good: each answer says what it is."""
    result = client.infer("tiny", columns(), outputs=[triton.InferRequestedOutput("probability", binary_data=binary)])
    assert result.as_numpy("label") is None
    assert result.as_numpy("probability").shape == (3,)


def test_requests_may_run_side_by_side(client: Any) -> None:
    asked = [client.async_infer("tiny", columns(), request_id=str(number)) for number in range(4)]
    assert [each.get_result().get_response()["id"] for each in asked] == ["0", "1", "2", "3"]


@pytest.mark.parametrize(
    ("inputs", "status", "said"),
    [
        ([tensor("a", ROWS[:, 0])], "400", "The input tensors b are missing"),
        ([tensor("c", ROWS[:, 0])], "400", "The tensor 'c' is not an input"),
        ([tensor("a", ROWS[:, 0] - 9), tensor("b", ROWS[:, 1])], "422", "instance 0 field a"),
        ([tensor("a", np.array([b"4"])), tensor("b", np.array([2.0]))], "400", "send FP64"),
        ([tensor("input", ROWS, binary=True)], "415", "binary_data=False"),
    ],
)
def test_the_client_raises_what_the_error_says(client: Any, inputs: list[Any], status: str, said: str) -> None:
    with pytest.raises(InferenceServerException, match=said) as caught:
        client.infer("tiny", inputs)
    assert caught.value.status() == status


@pytest.mark.parametrize(("model", "version"), [("other", ""), ("tiny", "2")])
def test_an_unknown_model_or_version_is_a_404(client: Any, model: str, version: str) -> None:
    with pytest.raises(InferenceServerException) as caught:
        client.infer(model, columns(), model_version=version)
    assert caught.value.status() == "404"
    assert caught.value.message()


def test_an_unknown_output_is_refused(client: Any) -> None:
    with pytest.raises(InferenceServerException, match="no output 'logits'"):
        client.infer("tiny", columns(), outputs=[triton.InferRequestedOutput("logits", binary_data=False)])
