"""The task of an architecture."""

from __future__ import annotations

import pytest

from modelet.dev.publish.export.tasks import task_of
from modelet.errors import PublishError


@pytest.mark.parametrize(
    ("name", "task"),
    [
        ("BertForTokenClassification", "token-classification"),
        ("XLMRobertaForSequenceClassification", "text-classification"),
        ("ElectraForQuestionAnswering", "question-answering"),
        ("BertModel", "sentence-embedding"),
        ("MPNetModel", "sentence-embedding"),
    ],
)
def test_an_architecture_has_a_task(name: str, task: str) -> None:
    assert task_of([name], has_weights=True) == task


@pytest.mark.parametrize(
    "name", ["BertForMaskedLM", "BertForMultipleChoice", "BertLMHeadModel", "EncoderDecoderModel", "KoBertCRF"]
)
def test_weights_of_another_architecture_are_no_embedding(name: str) -> None:
    with pytest.raises(PublishError, match=rf"^config\.json has the architecture {name}, .*: fine-tune the model as"):
        task_of([name], has_weights=True)


@pytest.mark.parametrize("names", [None, []])
def test_weights_without_an_architecture_are_refused(names: list[str] | None) -> None:
    with pytest.raises(PublishError, match="the architecture of no name, which is for no task"):
        task_of(names, has_weights=True)


def test_a_checkpoint_may_have_the_config_of_the_model_that_it_began_with() -> None:
    assert task_of(["BertForMaskedLM"], has_weights=False) == task_of(None, has_weights=False) == "token-classification"
