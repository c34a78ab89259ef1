"""Packages of exported models of texts: what is checked, measured and refused before a version is written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from modelet.backends.onnx import ENGINE
from modelet.dev.progress import Silent
from modelet.dev.project.project import Function
from modelet.dev.publish.draft import Package
from modelet.dev.publish.exported import package_exported
from modelet.dev.publish.parity.served import Served, check_equal
from modelet.dev.publish.publish import publish
from modelet.dev.publish.source.exported import Exported
from modelet.errors import ParityError, PublishError
from modelet.store.store import Store
from support.texts import LABELS, scores, span_graph, text_graph, tiny_tokenizer, token_graph, write_export

BEST = {"김민수": "B-PER", "서울": "B-LOC", "부산": "B-LOC"}
GRAPH = token_graph(scores(LABELS, BEST))
KIM = {"sentence": "김민수는 서울에 갑니다", "entities": [{"start": 0, "end": 3, "tag": "PER"}]}
APP = {"app.py": "handler = 1"}

Make = Callable[..., Function]


@pytest.fixture
def function(make_function: Make) -> Function:
    return make_function(None, files=APP)


def packed(function: Function, folder: Path, *examples: Any, **info: Any) -> Package:
    return package_exported(function, Exported(folder=folder, examples=examples or ["서울"], info=info), Silent())


def test_a_package_has_the_files_and_the_figures_of_the_export_and_of_what_is_served(
    function: Function, tmp_path: Path
) -> None:
    folder = write_export(tmp_path / "bert", GRAPH, checkpoint="best.ckpt", val_loss=0.25)
    (folder / "label_map.json").write_text('{"PER": "인명"}', encoding="utf-8")
    ready = packed(function, folder, KIM, {**KIM, "sentence": "오늘", "entities": []}, languages=["ko"])
    manifest = ready.manifest
    assert sorted(ready.files) == ["model.onnx", "tokenizer.json"]
    assert (manifest.model_lib, manifest.model_lib_version, manifest.class_name) == (
        "transformers", "5.24.0", "TinyForTexts",
    )  # fmt: skip
    assert manifest.model_info == {
        "task": "token-classification", "labels": list(LABELS), "max_seq_length": 32, "pad_token_id": 0,
        "source": "folder", "checkpoint": "best.ckpt", "val_loss": 0.25, "languages": ["ko"],
        "label_map": {"PER": "인명"},
    }  # fmt: skip
    assert [(column.name, column.type) for column in manifest.columns] == [("sentence", "string")]
    assert manifest.metric == "f1"
    assert manifest.performance == pytest.approx({"precision": 0.5, "recall": 1.0, "f1": 2 / 3})
    assert manifest.compiled is not None
    assert manifest.compiled["parity"]["greatest_difference"] == 1e-7
    assert manifest.compiled["optimized_by"] == ENGINE
    assert manifest.compiled["served"] == {
        "examples": 2, "unknown_tokens": 0.0, "alone_as_together": True, "greatest_difference": 0.0,
    }  # fmt: skip
    assert "quantized" not in manifest.compiled


@pytest.mark.parametrize(
    ("task", "labels", "graph", "example"),
    [
        ("text-classification", ("bad", "good"), text_graph(scores(("bad", "good"), {})), {"text": "good"}),
        (
            "pair-classification",
            ("bad", "good"),
            text_graph(scores(("bad", "good"), {})),
            {"first": "a", "second": "b"},
        ),
        ("question-answering", (), span_graph(scores(("s", "e"), {})), {"question": "where", "context": "서울"}),
        ("sentence-embedding", (), token_graph(scores(("x", "y"), {})), {"text": "good"}),
    ],
)
def test_every_task_is_packaged_with_its_fields(
    function: Function, tmp_path: Path, task: str, labels: tuple[str, ...], graph: bytes, example: dict[str, str]
) -> None:
    manifest = packed(function, write_export(tmp_path / "bert", graph, task, labels), example).manifest
    assert manifest.features == tuple(example)
    assert manifest.model_info["task"] == task


@pytest.mark.parametrize(
    ("examples", "said"),
    [
        ([{"text": "서울"}], "examples: number 0 has no text sentence: give sentence"),
        ([KIM, 3], "examples: number 1 has no text sentence"),
        (
            ["漢字 かな", "서울 갑니다"],
            r"the tokenizer does not know 60% of the examples' tokens: save .*do_lower_case",
        ),
        ([KIM, "서울"], "examples: number 1 has no entities, but others have"),
    ],
)
def test_wrong_examples_are_refused(function: Function, tmp_path: Path, examples: list[Any], said: str) -> None:
    with pytest.raises(PublishError, match=said):
        packed(function, write_export(tmp_path / "bert", GRAPH), *examples)


def test_without_examples_nothing_is_published(function: Function, tmp_path: Path) -> None:
    exported = Exported(folder=write_export(tmp_path / "bert", GRAPH), examples=[])
    with pytest.raises(PublishError, match="there are no examples: give held-out texts"):
        package_exported(function, exported, Silent())


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({"labels": LABELS[:3]}, "the graph gives 5 scores, but there are 3 labels"),
        ({"task": "translation"}, "the task is translation, which no class serves: use one of token-classification"),
        ({"max_seq_length": 8}, "max_seq_length is 8"),
    ],
)
def test_an_export_that_cannot_be_served_is_refused(
    function: Function, tmp_path: Path, record: dict[str, Any], said: str
) -> None:
    with pytest.raises(PublishError, match=said):
        packed(function, write_export(tmp_path / "bert", GRAPH, **record))


def test_a_graph_that_relates_texts_to_each_other_is_refused(function: Function, tmp_path: Path) -> None:
    model = onnx.load_from_string(token_graph(scores(LABELS, BEST), ("input_ids",)))
    model.graph.node[-1].CopyFrom(onnx.helper.make_node("Softmax", ["rows"], ["logits"], axis=0))
    folder = write_export(tmp_path / "bert", model.SerializeToString())
    with pytest.raises(ParityError, match="the answer to example 0 depends on the others of its request: write"):
        packed(function, folder, "서울", "김민수")


def test_optimisations_that_change_an_answer_name_the_release() -> None:
    one, other = (Served([{"label": label, "probability": 1.0}], {}, "", 0.0) for label in ("good", "bad"))
    with pytest.raises(ParityError, match=rf"^{ENGINE} changes the answer to example 0 .*: install another release of"):
        check_equal(one, other)


@pytest.mark.parametrize("names", ["[", '["PER"]', '{"PER": 1}', '{"PER": ""}'])
def test_a_label_map_that_is_none_is_refused(function: Function, tmp_path: Path, names: str) -> None:
    folder = write_export(tmp_path / "bert", GRAPH)
    (folder / "label_map.json").write_text(names)
    with pytest.raises(PublishError, match=r"label_map\.json is not"):
        packed(function, folder)


def test_info_and_the_folder_of_the_function_are_checked(
    make_function: Make, function: Function, tmp_path: Path
) -> None:
    folder = write_export(tmp_path / "bert", GRAPH)
    with pytest.raises(PublishError, match="info has task, which publish sets itself: remove it"):
        packed(function, folder, task="mine")
    with pytest.raises(PublishError, match=r"functions/bare has no app\.py: a model of texts is served by a class"):
        packed(make_function(None, name="bare"), folder)
    with pytest.raises(PublishError, match=r"model\.yaml has backend: sklearn: remove backend"):
        packed(make_function(None, files=APP, backend="sklearn"), folder)


def noisy(scale: float) -> bytes:
    """Two labels whose scores differ by little, beside one number that makes int8's steps large."""
    table = scores(LABELS, BEST) * 0.01
    table[0, 0] = scale
    return token_graph(table)


def test_int8_is_measured_and_recorded(make_function: Make, tmp_path: Path) -> None:
    function = make_function(None, files=APP, quantize={"max_loss": 0.01})
    ready = packed(function, write_export(tmp_path / "bert", GRAPH), KIM)
    assert ready.manifest.compiled is not None
    figures = ready.manifest.compiled["quantized"]
    assert figures["labels_differ"] == 0
    assert figures["greatest_difference"] < 0.01
    assert figures["f1"]["int8"] == figures["f1"]["float32"] == ready.manifest.performance["f1"]
    assert figures["bytes"] == len(ready.files["model.onnx"]) < figures["before_bytes"] == len(GRAPH)
    assert (figures["type"], figures["max_loss"]) == ("int8", 0.01)


def test_int8_that_changes_more_labels_than_allowed_is_refused(make_function: Make, tmp_path: Path) -> None:
    folder = write_export(tmp_path / "bert", noisy(100))
    function = make_function(None, files=APP, quantize={"max_loss": 0.1})
    with pytest.raises(ParityError, match=r"int8 loses 0\.\d+ of labels, and quantize\.max_loss allows 0\.1: remove"):
        packed(function, folder, "김민수 서울 갑니다")


def test_int8_that_turns_embeddings_further_than_allowed_is_refused(make_function: Make, tmp_path: Path) -> None:
    table = scores(("x", "y"), {"김민수": "y"}) * 0.01
    table[0, 0] = 100
    folder = write_export(tmp_path / "bert", token_graph(table), "sentence-embedding", ())
    strict = make_function(None, name="strict", files=APP, quantize={"max_loss": 0.01})
    with pytest.raises(ParityError, match=r"int8 loses 0\.\d+ of the cosine similarity, and quantize\.max_loss allows"):
        packed(strict, folder, "김민수 서울")
    loose = make_function(None, name="loose", files=APP, quantize={"max_loss": 1})
    manifest = packed(loose, folder, "김민수 서울").manifest
    assert manifest.compiled is not None
    assert manifest.compiled["quantized"]["greatest_difference"] > 0.1
    assert manifest.compiled["quantized"]["labels_differ"] == 0


@pytest.mark.parametrize("given", [{"max_loss": -0.1}, {"max_loss": 1.5}, {}])
def test_a_loss_is_a_share(make_function: Make, given: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="max_loss"):
        make_function(quantize=given)


def test_quantize_is_for_models_of_texts_only(make_function: Make, tmp_path: Path) -> None:
    function = make_function(quantize={"max_loss": 0.1})
    store = Store((tmp_path / "store").as_uri())
    with pytest.raises(PublishError, match=r"model\.yaml has quantize, which is for models of texts only: remove it"):
        publish(function, store)


def test_a_folder_is_published_with_from(function: Function, tmp_path: Path) -> None:
    store, texts = Store((tmp_path / "store").as_uri()), tmp_path / "texts.txt"
    texts.write_text("서울에 갑니다", encoding="utf-8")
    published = publish(function, store, from_file=write_export(tmp_path / "bert", GRAPH), examples=texts)
    manifest = json.loads(store.read(f"iris/{published.version}/model.json"))
    assert (manifest["metric"], manifest["performance"]) == ("", {})
    assert np.isclose(manifest["compiled"]["served"]["unknown_tokens"], 0)


def test_texts_of_an_int8_version_run_alone_so_that_none_changes_another(make_function: Make, tmp_path: Path) -> None:
    """A product of two tensors, whose int8 scale depends on the largest number of a run."""
    uneven = scores(LABELS, BEST) * np.linspace(0.1, 1, tiny_tokenizer().get_vocab_size(), dtype=np.float32)[:, None]
    model = onnx.load_from_string(token_graph(uneven))
    square = onnx.numpy_helper.from_array(np.eye(len(LABELS), dtype=np.float32) * 0.37 + 0.01, "square")
    model.graph.initializer.append(square)
    model.graph.node[0].output[0] = "found"
    model.graph.node.insert(1, onnx.helper.make_node("Abs", ["found"], ["positive"]))
    model.graph.node.insert(2, onnx.helper.make_node("MatMul", ["positive", "square"], ["rows"]))
    folder = write_export(tmp_path / "bert", model.SerializeToString())
    ready = packed(
        make_function(None, files=APP, quantize={"max_loss": 1}), folder, "김민수 서울", "오늘", "갑니다 a b c"
    )
    assert any(node.op_type == "MatMulInteger" for node in onnx.load_from_string(ready.files["model.onnx"]).graph.node)
