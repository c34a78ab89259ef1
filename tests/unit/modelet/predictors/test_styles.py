"""Predictors as the documents of other servers show them, served with at most one line changed."""

from __future__ import annotations

import difflib
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from modelet.batch.piece import Piece
from modelet.batch.score import Scorer
from modelet.errors import CommandError
from modelet.handler import ModelHandler
from modelet.observability import Timings
from modelet.predictors.directory import model_dir
from modelet.predictors.received import Headers, Received
from modelet.predictors.sagemaker import SageMakerPredictor
from modelet.store.manifest import ArtifactFile
from support.predictors import call, make, opened
from support.repository import ROOT
from support.services import manifest

FIXTURES = ROOT / "tests" / "fixtures" / "predictors"
STYLES = sorted(path.name for path in FIXTURES.iterdir() if path.is_dir())
WEIGHTS = "[1, 2, 3]"
IRIS = "config: {weights: [[1, 0, 0, 0], [0, 0, 0, 2], [0, 0, 2, 0]]}"


def served(style: str) -> str:
    return (FIXTURES / style / "served.py").read_text()


@pytest.mark.parametrize("style", STYLES)
def test_at_most_one_line_is_changed_and_it_is_an_import(style: str) -> None:
    original = (FIXTURES / style / "original.py").read_text().splitlines()
    changes = [line for line in difflib.ndiff(original, served(style).splitlines()) if line[0] in "+-"]

    assert len(changes) in {0, 2}
    assert all("import" in line for line in changes)


def test_every_style_is_here() -> None:
    assert STYLES == ["bentoml", "cortex", "litserve", "sagemaker", "torchserve", "torchserve_module"]


def test_cortex(tmp_path: Path) -> None:
    function = make(tmp_path, served("cortex"), f"predictor: {{module: predictor, class: PythonPredictor}}\n{IRIS}")
    row = {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}

    with opened(function) as handler:
        assert call(handler, row) == (200, "text/plain; charset=utf-8", "setosa")
        status, kind, body = call(handler, row, "/models/tool/infer?verbose=true")

    assert (status, kind) == (200, "application/json")
    assert body == {"label": "setosa", "scores": [5.1, 0.4, 2.8], "agent": "curl/8.5.0"}


def test_cortex_with_an_app_py(tmp_path: Path) -> None:
    code = served("cortex") + "\n\nfrom modelet import ModelHandler\n\nhandler = ModelHandler(PythonPredictor)\n"

    with opened(make(tmp_path, code, IRIS)) as handler:
        row = {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 4, "petal_width": 0.2}
        assert call(handler, row)[2] == "virginica"


def test_bentoml(tmp_path: Path) -> None:
    function = make(tmp_path, served("bentoml"), "predictor: {module: predictor, class: Summarization}")

    def ask(handler: ModelHandler, api: str, body: Any) -> Any:
        return call(handler, body, f"/models/tool/infer?api={api}")

    with opened(function) as handler:
        assert ask(handler, "summarize", {"text": "Cat: it sat"}) == (200, "text/plain; charset=utf-8", "Cat")
        assert ask(handler, "summarize", {})[2] == "Breaking News"
        assert ask(handler, "lengths", {"texts": ["a", "bcd"]}) == (200, "application/json", [1, 3])
        assert ask(handler, "norm", {"vector": [3, 4]})[2] == 5.0
        unknown, none = ask(handler, "other", {}), call(handler, {"text": "a"})
        wrong = [
            ask(handler, "norm", body) for body in ({}, {"vector": [1], "extra": 2}, [1], {"vector": [[1], [2, 3]]})
        ]

    for status, _, problem in (unknown, none):
        assert (status, problem["detail"]) == (
            400,
            "?api=NAME chooses what is called; the names are lengths, norm, summarize.",
        )
    assert [status for status, _, _ in wrong] == [400] * 4
    assert [problem["detail"] for _, _, problem in wrong] == [
        "The body lacks 'vector'.",
        "The body has 'extra', which is not one of vector.",
        "The body is not a JSON object with vector.",
        "vector is not an array of numbers.",
    ]


def test_litserve(tmp_path: Path) -> None:
    with opened(make(tmp_path, served("litserve"), "predictor: {module: predictor, class: SimpleLitAPI}")) as handler:
        assert call(handler, {"input": 4.0}) == (200, "application/json", {"output": 80.0})


def test_litserve_with_batches(tmp_path: Path) -> None:
    said = "predictor: {module: predictor, class: BatchedLitAPI}\nconfig: {max_batch_size: 4}"
    with opened(make(tmp_path, served("litserve"), said)) as handler:
        assert call(handler, {"input": 3, "unit": "s"})[2] == {"output": 9, "unit": "s"}


@pytest.mark.parametrize(
    ("style", "said"),
    [
        ("torchserve", "predictor: {module: predictor, class: ModelHandler}"),
        ("torchserve_module", "predictor: {module: predictor}"),
    ],
)
def test_torchserve(tmp_path: Path, style: str, said: str) -> None:
    with opened(make(tmp_path, served(style), said, weights_json=WEIGHTS)) as handler:
        status, kind, body = call(handler, [1, 1, 2])

    assert (status, kind, body) == (200, "application/json", {"score": 9} if style == "torchserve" else 9)


def test_sagemaker(tmp_path: Path) -> None:
    function = make(tmp_path, served("sagemaker"), "predictor: {module: predictor}", weights_json=WEIGHTS)

    with opened(function) as handler:
        assert call(handler, [[1, 1, 2]]) == (200, "application/json", {"instances": [{"features": 9}]})
        csv = call(handler, "1,0,0\n0,1,0\n", content_type="text/csv", accept="text/csv")
        failed = call(handler, "<a/>", content_type="text/xml")

    assert csv == (200, "text/csv", "1.0,2.0")
    assert failed[0] == 500
    assert "supported" not in json.dumps(failed[2])


LIT = "from modelet.predictors import litserve as ls\n"
BENTO = "from modelet.predictors import bentoml\n"
TORCH = "from modelet.predictors.torchserve import BaseHandler\n"
LA, BA = f"{LIT}class A(ls.LitAPI):", f"{BENTO}@bentoml.service\nclass A:"
TA = f"{TORCH}class A(BaseHandler):"
CLASS, MODULE = "predictor: {module: predictor, class: A}", "predictor: {module: predictor}"


@pytest.mark.parametrize(
    ("code", "said", "error"),
    [
        (f"{LA} ...\n", CLASS, "A has no predict: write it"),
        (f"{LA}\n def predict(self, x):\n  yield x\n", CLASS, "A.predict yields"),
        (f"{LA}\n async def batch(self, r): ...\n def predict(self, x): ...\n", CLASS, "is async"),
        (f"{LA}\n def predict(self, x): ...\n", f"{CLASS}\nconfig: {{workers: 2}}", "keyword argument 'workers'"),
        (f"{LA}\n def predict(self, x): ...\nls.LitServer(A())\n", CLASS, "the function is the server"),
        (f"{LIT}class A(ls.LitSpec): ...\n", CLASS, "has LitAPI, and not LitSpec"),
        (f"{BA} ...\n", CLASS, "A has no method with @bentoml.api"),
        (f"{BA}\n @bentoml.api\n def f(self, image: 'PIL.Image'): ...\n", CLASS, "image is a PIL.Image"),
        (f"{BA}\n @bentoml.api\n def f(self, *rest): ...\n", CLASS, "has no name in a request"),
        (f"{BA}\n @bentoml.api\n async def f(self): ...\n", CLASS, "A.f is async"),
        (f"{BA}\n m = bentoml.models.get('a')\n", CLASS, "and not models"),
        (f"{TA}\n def handle(self, data): ...\n", CLASS, "A.handle takes other arguments"),
        (f"{TA} ...\n", f"{CLASS}\nconfig: {{a: 1}}", "takes no config"),
        ("def handle(data): ...\n", MODULE, "takes other arguments than data and context"),
        ("async def handle(data, context): ...\n", MODULE, "is async"),
        ("def predict_fn(data, model): ...\n", MODULE, "predictor.py has no model_fn"),
        ("def model_fn(folder): ...\ndef transform_fn(a, b, c, d): ...\n", MODULE, "write it as input_fn"),
        ("def model_fn(folder): ...\ndef input_fn(body): ...\n", MODULE, "input_fn takes 1 arguments: it gets 2"),
        ("def model_fn(folder): ...\n", f"{MODULE}\nconfig: {{a: 1}}", "take no config"),
    ],
)  # fmt: skip
def test_what_cannot_be_served_is_refused_with_the_reason(tmp_path: Path, code: str, said: str, error: str) -> None:
    with pytest.raises(CommandError) as caught:
        make(tmp_path, code, said)
    assert error in str(caught.value)


def scored(handler: ModelHandler, rows: list[Any]) -> Any:
    pipeline = handler.service.pipeline
    return Scorer(pipeline, Timings()).score(Piece(0, [str(place) for place in range(len(rows))], rows=rows, failed={}))


def test_rows_of_a_batch_go_to_litserve_together_up_to_its_most(tmp_path: Path) -> None:
    said = "predictor: {module: predictor, class: BatchedLitAPI}\nconfig: {max_batch_size: 4}"
    code = (
        served("litserve")
        + "\nSIZES = []\nBatchedLitAPI.batch = lambda self, inputs: SIZES.append(len(inputs)) or inputs\n"
    )
    with opened(make(tmp_path, code, said)) as handler:
        found = scored(handler, [{"input": number, "unit": str(number)} for number in range(10)])
        sizes = list(sys.modules["predictor"].SIZES)

    assert found.predictions == [{"output": number**2, "unit": str(number)} for number in range(10)]
    assert sizes == [4, 4, 2]


def test_arrays_are_stacked_for_litserve(tmp_path: Path) -> None:
    code = f"""{LIT}
import numpy as np

class A(ls.LitAPI):
    def decode_request(self, request):
        return np.array(request)
    def predict(self, x):
        assert x.shape[1:] == (2,)
        return x.sum(axis=1)
"""
    with opened(make(tmp_path, code, f"{CLASS}\nconfig: {{max_batch_size: 8}}")) as handler:
        assert scored(handler, [[1, 2], [3, 4], [5, 6]]).predictions == [3, 7, 11]
        assert call(handler, [1, 2])[2] == 3


def test_a_batch_of_another_length_is_refused(tmp_path: Path) -> None:
    code = f"{LIT}class A(ls.LitAPI):\n def predict(self, x):\n  return x[1:]\n"
    with opened(make(tmp_path, code, f"{CLASS}\nconfig: {{max_batch_size: 8}}")) as handler:
        assert call(handler, 1)[0] == 500


def test_rows_of_a_batch_go_to_torchserve_in_one_call(tmp_path: Path) -> None:
    code = f"{TORCH}class A(BaseHandler):\n def handle(self, data, context):\n  return [len(data)] * len(data)\n"
    with opened(make(tmp_path, code, CLASS)) as handler:
        assert scored(handler, [1, 2, 3]).predictions == [3, 3, 3]


def test_torchserve_s_context_has_the_request_and_sets_the_answer(tmp_path: Path) -> None:
    code = f"""{TORCH}
class A(BaseHandler):
    def handle(self, data, context):
        context.set_response_content_type(0, "text/csv")
        context.set_response_status(201, idx=0)
        model = sorted(context.manifest["model"])
        return [",".join([context.get_request_header(0, "X-Mine"), str(data[0]["f"]), str(model)])]
"""
    body = b'--b\r\nContent-Disposition: form-data; name="f"; filename="x"\r\n\r\n\xff\r\n--b--'
    with opened(make(tmp_path, code, CLASS)) as handler:
        found = call(handler, body, content_type="multipart/form-data; boundary=b", x_mine="m")

    assert found == (201, "text/csv", "m,bytearray(b'\\xff'),['modelName', 'modelVersion', 'serializedFile']")


@pytest.mark.parametrize(
    ("content", "kind", "body"),
    [
        (b"a", "text/plain", "bytearray(b'a')"),
        (b"\xff", "image/png", "bytearray(b'\\xff')"),
        (b'"a"', "application/json", "'a'"),
        (b"", "application/json", "None"),
    ],
)
def test_torchserve_s_body_is_bytes_unless_it_is_json(tmp_path: Path, content: bytes, kind: str, body: str) -> None:
    code = "def handle(data, context):\n    return [repr(data[0]['body'])] if data else None\n"
    with opened(make(tmp_path, code, MODULE)) as handler:
        assert call(handler, content, content_type=kind)[2] == body


@pytest.mark.parametrize("returned", ["[1, 2]", "5", "{0: 1}", "None"])
def test_torchserve_must_return_one_answer_for_each_request(tmp_path: Path, returned: str) -> None:
    code = f"def handle(data, context):\n    return {returned} if data else None\n"
    with opened(make(tmp_path, code, MODULE)) as handler:
        assert call(handler, 1)[0] == 500


def test_the_base_handler_calls_its_stages(tmp_path: Path) -> None:
    code = f"""{TORCH}
import numpy as np

class A(BaseHandler):
    def initialize(self, context):
        super().initialize(context)
        self.model = lambda rows: np.array([row["body"] * 2 for row in rows])
"""
    with opened(make(tmp_path, code, CLASS)) as handler:
        assert call(handler, 21) == (200, "application/json", 42)


def test_sagemaker_without_its_own_functions_reads_and_writes_json(tmp_path: Path) -> None:
    code = "def model_fn(folder, context):\n    return lambda rows: [sum(row) for row in rows]\n"
    with opened(make(tmp_path, code, MODULE)) as handler:
        assert call(handler, [[1, 2], [3, 4]]) == (200, "application/json", [3, 7])
        assert call(handler, "1,2", content_type="text/csv")[0] == 415
        assert scored(handler, [[[1, 2]]]).predictions == [[3]]


def test_sagemaker_s_json_must_be_json(tmp_path: Path) -> None:
    code = "def model_fn(f): ...\ndef predict_fn(d, m):\n    return 'NaN'\ndef output_fn(p, accept):\n    return p\n"
    with opened(make(tmp_path, code, MODULE)) as handler:
        assert call(handler, 1)[0] == 500


def test_a_published_version_s_files_are_in_one_folder(tmp_path: Path) -> None:
    class Files:
        manifest = manifest(files=(ArtifactFile("a/b.json", 1, ""), ArtifactFile("c.bin", 1, "")))

        def path(self, name: str) -> Path:
            return tmp_path / name

    assert model_dir(Files(), Files) == str(tmp_path)  # type: ignore[arg-type]  # what it reads


@pytest.mark.parametrize("accept", ["text/*", "*/*", "", "no type", "a/b/c", "\x01/\x02", "text/*;q=0.5, */*"])
def test_a_content_type_of_sagemaker_is_never_a_wildcard_of_the_caller(accept: str) -> None:
    module = SimpleNamespace(predict_fn=lambda given, _model: given, output_fn=lambda _prediction, _accept: "1")
    answered = SageMakerPredictor(module, None).predict(Received(1, {}, Headers({"accept": accept}), b"1"))
    assert answered.headers == {"content-type": "application/json"}
