"""Exports of transformers, by the Python with torch: `make test-export`. Each model is tiny and random.

`modelet.dev.publish.export` runs in the environment of `make export`, because the gate has no torch.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modelet.backends.texts.tagging import TokenClassificationModel
from modelet.dev.progress import Silent
from modelet.dev.project.project import Function
from modelet.dev.project.spec import ModelSpec
from modelet.dev.publish.draft import draft
from modelet.dev.publish.exported import package_exported
from modelet.dev.publish.source.folder import exported
from support.repository import ROOT
from support.texts import LABELS, tiny_tokenizer

PYTHON = ROOT / ".tools" / "export" / "bin" / "python"
MADE = """
import json, sys, torch, transformers
from pathlib import Path
folder, kind, name, labels = Path(sys.argv[1]), sys.argv[2], sys.argv[3], json.loads(sys.argv[4])
torch.manual_seed(3)
settings = dict(vocab_size=int(sys.argv[5]), hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
                intermediate_size=32, max_position_embeddings=40, pad_token_id=0)
if kind == "distilbert":
    settings = dict(vocab_size=int(sys.argv[5]), dim=16, n_layers=2, n_heads=2, hidden_dim=32,
                    max_position_embeddings=40, pad_token_id=0)
if labels:
    settings |= dict(id2label=dict(enumerate(labels)), label2id={label: i for i, label in enumerate(labels)})
config = transformers.AutoConfig.for_model(kind, **settings)
model = getattr(transformers, name)(config)
for parameter in model.parameters():
    parameter.data.mul_(8)
model.save_pretrained(folder)
state = {f"model.{key}": value for key, value in model.state_dict().items()}
callbacks = {"ModelCheckpoint{}": {"best_model_path": "/elsewhere/x.ckpt"}}
torch.save({"state_dict": state, "epoch": 1, "callbacks": callbacks}, folder / "epoch=1-val_loss=0.10.ckpt")
torch.save({"state_dict": {}, "epoch": 0}, folder / "epoch=0-val_loss=0.90.ckpt")
"""
TEXTS = ["김민수는 서울에 갑니다", "오늘 부산 은행", "a b c good bad " * 12, "서울"]


@pytest.fixture
def environment() -> dict[str, str]:
    assert PYTHON.is_file(), "run make export first"
    return {**os.environ, "PYTHONPATH": str(ROOT / "layers" / "modelet" / "python"), "HF_HUB_OFFLINE": "1"}


def make(
    folder: Path,
    kind: str = "bert",
    name: str = "BertForTokenClassification",
    labels: Any = LABELS,
    *,
    checkpoints: bool = False,
) -> Path:
    vocabulary = str(tiny_tokenizer().get_vocab_size())
    command = [str(PYTHON), "-W", "ignore", "-c", MADE, str(folder), kind, name, json.dumps(list(labels)), vocabulary]
    subprocess.run(command, check=True, capture_output=True)
    for path in () if checkpoints else folder.glob("*.ckpt"):
        path.unlink()
    tiny_tokenizer().save(str(folder / "tokenizer.json"))
    return folder


def export(source: Path, target: Path, environment: dict[str, str], *words: str) -> str:
    """The reason why an export is refused; empty for a good one."""
    module = "modelet.dev.publish.export"
    command = [str(PYTHON), "-W", "ignore", "-m", module, str(source), "--to", str(target), *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return done.stderr.strip().splitlines()[-1] if done.returncode else ""


CASES = [
    ("bert", "BertForTokenClassification", LABELS, "token-classification"),
    ("distilbert", "DistilBertForTokenClassification", LABELS, "token-classification"),
    ("bert", "BertForSequenceClassification", ("bad", "good"), "text-classification"),
    ("bert", "BertForQuestionAnswering", (), "question-answering"),
    ("bert", "BertModel", (), "sentence-embedding"),
]


@pytest.mark.parametrize(("kind", "name", "labels", "task"), CASES)
def test_a_folder_is_exported_with_its_task_and_equals_torch(
    tmp_path: Path, environment: dict[str, str], kind: str, name: str, labels: Any, task: str
) -> None:
    assert export(make(tmp_path / "model", kind, name, labels), tmp_path / "out", environment) == ""
    record = json.loads((tmp_path / "out" / "export.json").read_text())
    assert record["task"] == task
    assert record["labels"] == list(labels)
    assert record["parity"]["greatest_difference"] <= 1e-5
    assert record["max_seq_length"] == 40
    graph = (tmp_path / "out" / "model.onnx").read_bytes()
    assert str(ROOT).encode() not in graph
    assert b"site-packages" not in graph


def test_a_checkpoint_answers_like_the_folder_of_the_same_weights(tmp_path: Path, environment: dict[str, str]) -> None:
    assert export(make(tmp_path / "model"), tmp_path / "folder", environment) == ""
    source = make(tmp_path / "trained", checkpoints=True)
    said = "has both the weights model.safetensors and the checkpoint epoch=0-val_loss=0.90.ckpt: give the path"
    assert said in export(source, tmp_path / "best", environment)
    (source / "model.safetensors").unlink()
    (source / "labels.json").write_text(json.dumps({label: place for place, label in enumerate(LABELS)}))
    assert export(source, tmp_path / "best", environment) == ""
    record = json.loads((tmp_path / "best" / "export.json").read_text())
    assert (record["source"], record["checkpoint"], record["val_loss"]) == (
        "checkpoint", "epoch=1-val_loss=0.10.ckpt", 0.1,
    )  # fmt: skip
    function = Function(tmp_path / "functions" / "ner", ModelSpec())
    function.folder.mkdir(parents=True)
    (function.folder / "app.py").write_text("")
    (tmp_path / "texts.json").write_text(json.dumps(TEXTS))
    answers = []
    for name in ("folder", "best"):
        with exported(tmp_path / name, tmp_path / "texts.json", Silent(), tmp_path) as found:
            ready = package_exported(function, found, Silent())
        model = TokenClassificationModel[Any, Any]()
        with draft(ready.manifest, ready.files) as artifacts:
            model.load(artifacts)
        instances = [{"sentence": text} for text in TEXTS]
        answers.append(model.postprocess(model.infer(model.preprocess(instances)), instances))
    assert answers[0] == answers[1]
    assert len({token["predicted_tag"] for answer in answers[0] for token in answer["result"]}) > 1


def test_vectors_have_the_pooling_and_the_length_of_sentence_transformers(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    source, target = make(tmp_path / "model", "bert", "BertModel", ()), tmp_path / "out"
    (source / "sentence_bert_config.json").write_text('{"max_seq_length": 24, "do_lower_case": false}')
    assert export(source, target, environment) == ""
    assert json.loads((target / "export.json").read_text())["max_seq_length"] == 24
    assert "--max-length is 41: give at most 40, the model's positions" in export(
        source, target, environment, "--max-length", "41"
    )
    (source / "1_Pooling").mkdir()
    (source / "1_Pooling" / "config.json").write_text('{"pooling_mode_cls_token": true}')
    assert "has the pooling cls_token, but a function takes the mean" in export(source, target, environment)


def test_what_is_missing_or_wrong_is_said_in_one_line(tmp_path: Path, environment: dict[str, str]) -> None:
    source, trained, target = make(tmp_path / "model"), make(tmp_path / "trained", checkpoints=True), tmp_path / "out"
    config = (source / "config.json").read_text()

    def refused(*words: str, of: Path = source) -> str:
        return export(of, target, environment, *words)

    (source / "labels.json").write_text(json.dumps(LABELS[:3]))
    assert "labels.json has 3 labels, but the model has 5 scores" in refused()
    (source / "labels.json").unlink()
    assert "the task is translation: use one of token-classification" in refused("--task", "translation")
    assert "lacks 2 weights for question-answering" in refused("--task", "question-answering")
    for folder in (source, trained):
        (folder / "config.json").write_text(config.replace('"num_hidden_layers": 2', '"num_hidden_layers": 3'))
    assert "weights for token-classification, such as bert.encoder.layer.2" in refused()
    checkpoint = trained / "epoch=1-val_loss=0.10.ckpt"
    assert "lacks 16 weights of the model, such as model.bert.encoder.layer.2" in refused(of=checkpoint)
    (trained / "config.json").write_text(config.replace('"num_hidden_layers": 2', '"num_hidden_layers": 1'))
    assert "has 16 weights that the model does not have, such as model.bert.encoder.layer.1" in refused(of=checkpoint)
    (trained / "config.json").write_text(config)
    assert "has no weights whose names begin with model." in refused(of=trained / "epoch=0-val_loss=0.90.ckpt")
    np.save(trained / "code.ckpt", np.zeros(2))
    (trained / "code.ckpt.npy").rename(trained / "code.ckpt")
    said = refused(of=trained / "code.ckpt")
    assert "code.ckpt cannot be read without running code in it" in said
    assert said.endswith("save the checkpoint with save_weights_only=True, or the model with save_pretrained")
    (source / "config.json").write_text(config.replace("BertForTokenClassification", "BertForMaskedLM"))
    assert "config.json has the architecture BertForMaskedLM, which is for no task that is served" in refused()
    (source / "config.json").write_text(config)
    (source / "tokenizer.json").unlink()
    assert "has neither tokenizer.json nor vocab.txt: save the tokenizer there" in refused()
    (source / "config.json").unlink()
    assert "has no config.json: save the model's configuration there" in refused()
    assert not target.exists()
