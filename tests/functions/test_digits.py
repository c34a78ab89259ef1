"""The digits sample: its pictures, its exported network, and what it answers to files of all kinds."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image

from modelet.bundle import Bundle
from modelet.dev.project.author import author_modules
from modelet.dev.project.project import Function, Project
from modelet.settings import Settings
from modelet.startup.version import deferred
from modelet.store.manifest import Manifest
from support.callers import in_process
from support.contexts import Context
from support.events import http_event
from support.repository import ROOT

FOLDER = "digits"
MODEL = ROOT / "functions" / FOLDER / "model"

Send = Callable[..., tuple[int, Any]]

with author_modules(ROOT / "functions" / FOLDER) as load_once:
    data = load_once("training.data")


@pytest.fixture(scope="module")
def held_out() -> tuple[Any, Any]:
    images, digits = data.pictures(held_out=True)
    return images[:, 0].astype(np.uint8), digits


@pytest.fixture(scope="module")
def send(function: Function, published: Project) -> Iterator[Send]:
    """Sends bytes with a content type to the model: the status and the body of its answer."""
    settings = Settings(function.folder, published.store_url(None), published.root / "tmp" / "in-process")
    with in_process(function, settings) as handler:

        def post(body: bytes, content_type: str = "image/png", query: str = "", root: str = "") -> tuple[int, Any]:
            path = f"{root}/models/{function.name}/infer{query}"
            response = handler(http_event("POST", path, body, content_type=content_type), Context())
            return response["statusCode"], json.loads(response["body"])

        yield post


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def form(*files: bytes, name: str = "image") -> tuple[bytes, str]:
    head = f'--cut\r\nContent-Disposition: form-data; name="{name}"; filename="a"\r\n\r\n'.encode()
    return b"".join(head + each + b"\r\n" for each in files) + b"--cut--\r\n", "multipart/form-data; boundary=cut"


def test_the_exported_model_is_small() -> None:
    assert sum(path.stat().st_size for path in MODEL.iterdir()) < 300_000


def test_the_version_has_its_figures_and_how_it_was_compared(manifest: Manifest) -> None:
    assert manifest.metric == "accuracy"
    assert manifest.performance["accuracy"] >= 0.98
    assert manifest.performance["accuracy_inverted"] >= 0.95
    assert manifest.class_name == "Net"
    assert manifest.model_lib == "torch"
    assert manifest.model_info["labels"] == list(range(10))
    assert manifest.compiled is not None
    assert manifest.compiled["parity"]["greatest_difference"] <= 1e-5
    assert manifest.compiled["parity"]["batches"][:4] == [1, 2, 3, 7]


def test_the_contract_needs_no_pydantic_and_says_that_an_image_is_base64(function: Function) -> None:
    bundle = Bundle.read(function.bundle_path, function.folder)
    assert None not in bundle.contract.values()
    document = json.loads(bundle.openapi)
    image = document["components"]["schemas"]["Instance"]["properties"]["image"]
    assert image["contentEncoding"] == "base64"
    content = document["paths"]["/models/digits/infer"]["post"]["requestBody"]["content"]
    assert set(content) == {
        "application/json", "application/octet-stream", "image/jpeg", "image/png", "multipart/form-data",
    }  # fmt: skip


def test_held_out_pictures_are_read(send: Send, held_out: tuple[Any, Any]) -> None:
    images, digits = (each[:100] for each in held_out)
    status, answer = send(*form(*(encoded(Image.fromarray(image)) for image in images)))
    assert status == 200
    right = sum(each["digit"] == digit for each, digit in zip(answer["predictions"], digits.tolist(), strict=True))
    assert right >= 97


@pytest.mark.parametrize("content_type", ["image/png", "image/jpeg", "application/octet-stream", "IMAGE/PNG; a=b"])
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_file_is_the_body_and_its_bytes_say_what_it_is(
    send: Send, held_out: tuple[Any, Any], kind: str, content_type: str
) -> None:
    image = Image.fromarray(held_out[0][0])
    status, answer = send(encoded(image, kind), content_type)
    assert (status, answer["digit"]) == (200, held_out[1][0])


def test_a_picture_is_the_same_in_json_in_a_form_and_as_tensors(send: Send, held_out: tuple[Any, Any]) -> None:
    file = encoded(Image.fromarray(held_out[0][3]))
    status, alone = send(file)
    assert status == 200
    text = base64.b64encode(file).decode()
    assert send(json.dumps({"image": text}).encode(), "application/json") == (200, alone)
    _, rows = send(json.dumps({"instances": [{"image": text}] * 2}).encode(), "application/json")
    assert rows["predictions"] == [alone, alone]
    assert send(*form(file, file))[1] == rows
    assert send(*form(file))[1]["predictions"] == [alone]
    tensor = {"name": "image", "datatype": "BYTES", "shape": [1], "data": [text]}
    status, tensors = send(json.dumps({"inputs": [tensor]}).encode(), "application/json", root="/v2")
    assert (status, [each["data"] for each in tensors["outputs"]]) == (200, [[alone["digit"]], [alone["probability"]]])


@pytest.mark.parametrize(
    ("change", "options"),
    [
        (lambda image: image.convert("RGB"), {}),
        (lambda image: image.convert("P"), {}),
        (lambda image: image.convert("RGBA"), {}),
        (lambda image: image.convert("CMYK"), {"kind": "JPEG"}),
        (lambda image: Image.fromarray(np.asarray(image).astype(np.uint16) * 257), {}),
        (lambda image: image.resize((640, 640)), {"kind": "JPEG"}),
        (lambda image: Image.fromarray(255 - np.asarray(image)), {}),
    ],
    ids=["RGB", "palette", "RGBA", "CMYK", "16 bits", "large", "dark on light"],
)
def test_other_kinds_of_picture_are_read_as_the_same_digit(
    send: Send, held_out: tuple[Any, Any], change: Any, options: dict[str, Any]
) -> None:
    for place in range(10):
        status, answer = send(encoded(change(Image.fromarray(held_out[0][place])), **options))
        assert (status, answer.get("digit")) == (200, held_out[1][place])


def test_bad_files_are_refused_by_row_and_field(send: Send, held_out: tuple[Any, Any]) -> None:
    good = encoded(Image.fromarray(held_out[0][0]))
    status, problem = send(*form(good, good[:-20], b"hello", good))
    assert status == 422
    assert [(each["instance"], each["field"], each["message"]) for each in problem["errors"]] == [
        (1, "image", "The image is truncated or damaged: send the whole file"),
        (2, "image", "This is not an image: send PNG or JPEG"),
    ]
    body, content_type = form(good, good[:-20])
    status, answer = send(body, content_type, query="?partial=true")
    assert (status, answer["predictions"][0]["digit"]) == (200, held_out[1][0])
    assert answer["predictions"][1]["status"] == 422


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        (b"", "image/png", 422),
        (b"x", "text/plain", 415),
        (b"a=b", "application/x-www-form-urlencoded", 415),
        (form(b"a", name="other")[0], "multipart/form-data; boundary=cut", 422),
        (form()[0], "multipart/form-data; boundary=cut", 422),
        (form(b"a")[0][:-9], "multipart/form-data; boundary=cut", 400),
        (b'{"image": "not base64!"}', "application/json", 422),
        (b'{"image": 3}', "application/json", 422),
    ],
)
def test_what_is_not_a_file_is_refused(send: Send, body: bytes, content_type: str, expected: int) -> None:
    assert send(body, content_type)[0] == expected


def test_more_files_than_the_limit_are_too_many(send: Send) -> None:
    assert send(*form(*[b"a"] * 101))[0] == 413


def test_publishing_again_gives_the_same_files_and_figures(
    manifest: Manifest, manifest_of_a_second_training: Manifest
) -> None:
    assert manifest_of_a_second_training.files == manifest.files
    assert manifest_of_a_second_training.performance == manifest.performance


def test_the_class_of_the_documents_feeds_the_graph_of_a_picture(held_out: tuple[Any, Any]) -> None:
    text = (ROOT / "docs" / "torch.md").read_text(encoding="utf-8")
    [block] = re.findall(r"```python\n# functions/photos/app.py\n(.*?)```", text, re.DOTALL)
    names: dict[str, Any] = {"__name__": "photos"}
    with deferred():
        exec(compile(block, "docs/torch.md", "exec"), names)
    photo = names["PhotoModel"]()
    feeds = photo.preprocess([{"image": encoded(Image.fromarray(held_out[0][0]))}])
    assert feeds["image"].tolist() == held_out[0][:1, np.newaxis].tolist()
    assert photo.postprocess({"probabilities": np.array([[0.25, 0.75]])}, []) == [{"share": 0.75}]
