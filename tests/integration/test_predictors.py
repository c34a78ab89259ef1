"""Plain predictors behind the real local gateway: what goes in and out by content type, and what goes wrong."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from modelet.dev.local.prepare import local_function
from modelet.dev.local.runtime.once import invoke_once
from modelet.dev.project.project import Project
from modelet.store.store import Store
from support.predictors import INFER, make
from support.repository import ROOT
from support.servers import serving

pytestmark = pytest.mark.slow

CODE = """
import math
import time

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from modelet import Response


class Predictor:
    def __init__(self, config):
        self.config = config

    def predict(self, payload, query_params, headers):
        match query_params.get("do", "echo"):
            case "echo":
                return self.echo(payload)
            case "config":
                return self.config
            case "headers":
                return [query_params, headers["X-Mine"], headers.get("Content-Type")]
            case "raise":
                raise KeyError("secret")
            case "nan":
                return {"a": [1.0, math.nan]}
            case "generator":
                return (n for n in range(3))
            case "object":
                return object()
            case "never":
                time.sleep(60)
            case "loop":
                while True:
                    pass
            case "refuse":
                raise HTTPException(404, "no such thing")
            case "png":
                return Response(b"\\x89PNG\\x00\\xff", headers={"content-type": "image/png", "x-extra": "yes"})
            case "starlette":
                return JSONResponse({"a": "\\uac00"}, 202)
            case "large":
                return b"\\xff" * int(query_params["size"])
            case "header":
                return Response(1, headers={"x-a": "b\\r\\nx-c: d"})

    def echo(self, payload):
        if isinstance(payload, dict) and hasattr(payload, "files"):
            files = [(name, file.filename, file.content_type, list(file.read())) for name, file in payload.files]
            return {"form": payload.fields, "files": files}
        if isinstance(payload, bytes):
            return payload
        return {"kind": type(payload).__name__, "payload": payload}
"""
SAID = "predictor: {module: predictor, class: Predictor}\nconfig: {a: [1, {b: null}]}\nresources: {timeout_s: 3}"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    root = tmp_path_factory.mktemp("project")
    make(root, CODE, SAID)
    return Project(root)


@pytest.fixture(scope="module")
def url(project: Project) -> Iterator[str]:
    with serving([local_function(project.function("tool"), Store(project.store_url(None)))]) as found:
        yield f"{found}{INFER}"


def post(url: str, content: Any = b"", kind: str | None = None, **query: str) -> httpx.Response:
    headers = {} if kind is None else {"content-type": kind}
    return httpx.post(url, content=content, headers=headers, params=query, timeout=30)


@pytest.mark.parametrize(
    ("content", "kind", "payload"),
    [
        (b'{"a": [1, 2.5, null, "\xea\xb0\x80"]}', "application/json", {"a": [1, 2.5, None, "가"]}),
        (b"[1]", "application/vnd.x+json; charset=utf-8", [1]),
        ("가\r\n".encode(), "text/plain", "가\r\n"),
        (b"a,b", "text/csv; charset=utf-8", "a,b"),
        (b"", "application/json", None),
        (b"", None, None),
    ],
)
def test_a_payload_is_what_its_content_type_says(url: str, content: bytes, kind: str | None, payload: Any) -> None:
    answer = post(url, content, kind)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {"kind": type(payload).__name__, "payload": payload}
    assert answer.headers["x-model-version"].startswith("code-")


@pytest.mark.parametrize("content", [b"\x00\xff\x89", bytes(range(256)) * 100, b"plain ascii"])
def test_bytes_go_in_and_out_unchanged(url: str, content: bytes) -> None:
    answer = post(url, content, "application/octet-stream")

    assert answer.content == content
    assert answer.headers["content-type"] == "application/octet-stream"


def test_forms_have_fields_and_files(url: str) -> None:
    encoded = httpx.post(url, data={"a": "가 &", "b": ["1", "2"]})
    multipart = httpx.post(url, data={"a": "가"}, files={"f": ("x.png", b"\x89\x00\xff", "image/png")})

    assert encoded.json() == {"form": [["a", "가 &"], ["b", "1"], ["b", "2"]], "files": []}
    assert multipart.json() == {"form": [["a", "가"]], "files": [["f", "x.png", "image/png", [0x89, 0, 0xFF]]]}


@pytest.mark.parametrize(
    ("content", "kind", "status", "said"),
    [
        (b'{"a": 1', "application/json", 400, "not JSON"),
        (b'{"a": 1, "a": 2}', "application/json", 400, "occurs twice"),
        (b"1" * 5_000, "application/json", 400, "not JSON"),
        (b"[" * 10_000, "application/json", 400, "not JSON"),
        (b"\xff", "text/plain; charset=utf-8", 400, "UTF-8"),
        (b"a", "text/plain; charset=latin-1", 415, "charset is latin-1"),
        (b"&".join(b"a=1" for _ in range(10_000)), "application/x-www-form-urlencoded", 413, "1,000 parts"),
        (b'{"a": 1}', "application/x-www-form-urlencoded", 415, "The body is JSON"),
        (
            b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1',
            "multipart/form-data; boundary=b",
            400,
            "end of multipart",
        ),
        (b"--b\r\nX: " + b"a" * 9_000 + b"\r\n\r\n1\r\n--b--", "multipart/form-data; boundary=b", 413, "4,096 bytes"),
    ],
)
def test_a_body_that_is_not_what_it_says_is_refused(
    url: str, content: bytes, kind: str, status: int, said: str
) -> None:
    answer = post(url, content, kind)

    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert said in answer.json()["detail"]


def test_the_document_s_predictor_is_served(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "predictors.md").read_text()
    blocks = dict(re.findall(r"^```\w+\n# (functions/reviews/\S+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))
    for place, code in blocks.items():
        path = tmp_path / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(code)
    project = Project(tmp_path)
    found = local_function(project.function("reviews"), Store(project.store_url(None)))

    assert sorted(blocks) == ["functions/reviews/model.yaml", "functions/reviews/predictor.py"]
    assert json.loads(invoke_once(found, b'{"text": "late again"}').payload) == {"label": "negative"}
    assert json.loads(invoke_once(found, b'{"text": "good"}').payload) == {"label": "positive"}


def test_config_query_and_headers_reach_the_predictor(url: str) -> None:
    asked = httpx.post(
        f"{url}?do=headers&b=%20", content=b"1", headers={"x-mine": "5", "content-type": "application/json"}
    )

    assert post(url, do="config").json() == {"a": [1, {"b": None}]}
    assert asked.json() == [{"do": "headers", "b": " "}, "5", "application/json"]


def test_answers_have_their_own_status_and_headers(url: str) -> None:
    png, starlette, refused = (post(url, do=name) for name in ("png", "starlette", "refuse"))

    assert (png.status_code, png.content) == (200, b"\x89PNG\x00\xff")
    assert (png.headers["content-type"], png.headers["x-extra"]) == ("image/png", "yes")
    assert (starlette.status_code, starlette.json()) == (202, {"a": "가"})
    assert (refused.status_code, refused.json()["detail"]) == (404, "no such thing")


@pytest.mark.parametrize("do", ["raise", "nan", "generator", "object", "header"])
def test_a_predictor_that_fails_answers_500_without_its_text(url: str, do: str) -> None:
    answer = post(url, do=do)

    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert answer.json()["detail"] == "The function failed; its log has the cause under this request id."
    assert "x-c" not in answer.headers


@pytest.mark.parametrize("do", ["never", "loop"])
def test_a_predictor_that_never_returns_answers_504(url: str, do: str) -> None:
    answer = post(url, do=do)

    # Ours, not the gateway's: it came before Lambda would kill the environment.
    assert (answer.status_code, answer.headers["content-type"]) == (504, "application/problem+json")
    assert post(url, b"1", "application/json").status_code == 200


def test_an_answer_that_is_too_large_as_encoded_is_refused(url: str) -> None:
    assert len(post(url, do="large", size="4700000").content) == 4_700_000
    assert post(url, do="large", size="4800000").status_code == 413


def test_the_other_routes_work_or_name_what_does(url: str) -> None:
    base = url.removesuffix(INFER)
    described, openapi = httpx.get(f"{base}/models/tool"), httpx.get(f"{base}/models/tool/openapi.json")
    tensors = [httpx.get(f"{base}/v2/models/tool"), httpx.post(f"{base}/v2/models/tool/infer", json={"inputs": []})]

    assert described.json()["model"] == "tool"
    assert "no contract" in openapi.text
    assert httpx.get(f"{base}/v2/models/tool/ready").json() == {"name": "tool", "ready": True}
    assert httpx.head(url).status_code == 405
    assert httpx.get(url).status_code == 405
    for answer in tensors:
        assert answer.status_code == 404
        assert "POST /models/tool/infer" in answer.json()["detail"]


def test_behind_a_rest_api_bytes_that_are_not_text_are_refused_not_changed(project: Project) -> None:
    function = local_function(project.function("tool"), Store(project.store_url(None)))
    with serving([function], rest=True) as found:
        png, text, sent = (
            post(f"{found}{INFER}", do="png"),
            post(f"{found}{INFER}", b'{"a": 1}', "application/json"),
            post(f"{found}{INFER}", b"\x89\xff", "application/octet-stream"),
        )

    assert png.status_code == 500
    assert text.json() == {"kind": "dict", "payload": {"a": 1}}
    assert sent.status_code == 400
    assert "U+FFFD" in sent.json()["detail"]


def test_a_direct_invocation_has_the_answers_value(project: Project) -> None:
    function = local_function(project.function("tool"), Store(project.store_url(None)))

    assert json.loads(invoke_once(function, b'{"a": 1}').payload) == {"kind": "dict", "payload": {"a": 1}}
    assert json.loads(invoke_once(function, b"5").payload) == {"kind": "int", "payload": 5}


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("raise ValueError('no weights')", "no weights"),
        ("open('/no/such/file')", "/no/such/file"),
    ],
)
def test_an_error_of_init_ends_the_start_with_the_reason(tmp_path: Path, code: str, said: str) -> None:
    written = f"class Predictor:\n    def __init__(self):\n        {code}\n    def predict(self): ...\n"
    function = make(tmp_path, written)
    outcome = invoke_once(local_function(function, Store(Project(tmp_path).store_url(None))), b"{}")
    shutil.rmtree(tmp_path)

    assert said in outcome.payload.decode()
