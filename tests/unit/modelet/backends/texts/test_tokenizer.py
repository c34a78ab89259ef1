"""Windows of a text: they cover every token once, with its place in the original text."""

from __future__ import annotations

import os
import subprocess
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import processors

from modelet.backends.texts.tokenizer import LEAST_LENGTH, Tokenizer, Window
from modelet.errors import ArtifactError
from support.texts import tiny_tokenizer, tokenizer_bytes

WHOLE = tiny_tokenizer()
WHOLE.encode_special_tokens = True
PIECES = [*"김민수서울가나 ab?.\n\0\u200d\u0301ᄀ\u202eא👩🇰", "서울 ", "[SEP]"]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=200).map("".join) | st.text()


def covered(windows: list[Window]) -> tuple[list[str], list[tuple[int, int]], list[int]]:
    """What the windows of a text give together: tokens, offsets and ids."""
    tokens, offsets, ids = [], [], []
    for window in windows:
        tokens += window.tokens[window.begin : window.end]
        offsets += window.offsets[window.begin : window.end]
        ids += window.ids[window.first + window.begin : window.first + window.end]
    return tokens, offsets, ids


@given(TEXTS, st.integers(LEAST_LENGTH, 64))
def test_windows_cover_every_token_once(text: str, length: int) -> None:
    whole = WHOLE.encode(text, add_special_tokens=False)
    windows = Tokenizer(tokenizer_bytes(), length).windows(text)
    assert covered(windows) == (whole.tokens, whole.offsets, whole.ids)
    assert all(len(window.ids) == len(window.type_ids) <= length for window in windows)


@given(TEXTS, TEXTS, st.integers(LEAST_LENGTH, 64))
def test_windows_of_a_pair_cover_the_second_text_once_or_are_refused(first: str, second: str, length: int) -> None:
    alone, whole = (WHOLE.encode(text, add_special_tokens=False) for text in (first, second))
    windows = Tokenizer(tokenizer_bytes(), length).pair_windows(first, second)
    fits = len(alone) + len(whole) + 3 <= length or len(alone) <= length // 2
    assert (windows is not None) is fits
    for window in windows or ():
        assert window.ids[1 : 1 + len(alone)] == alone.ids
    assert windows is None or covered(windows) == (whole.tokens, whole.offsets, whole.ids)


def with_special(count: int) -> bytes:
    """A tokenizer with `count` special tokens around a pair, and one less around a text."""
    made = tiny_tokenizer()
    cls, sep = ((name, made.token_to_id(name)) for name in ("[CLS]", "[SEP]"))
    between = " ".join([sep[0]] * (count - 2))
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair=f"[CLS] $A {between} $B [SEP]", special_tokens=[cls, sep]
    )
    return made.to_str().encode()


@given(TEXTS, st.integers(LEAST_LENGTH, 24), st.integers(3, 7))
def test_more_special_tokens_leave_less_overlap(text: str, length: int, count: int) -> None:
    """RoBERTa has four around a pair: in 16 tokens, an overlap of a quarter would fill the room of the second text."""
    tokenizer = Tokenizer(with_special(count), length)
    first = "서울 " * (length // 2)
    windows = tokenizer.pair_windows(first, text)
    assert windows is not None
    whole = WHOLE.encode(text, add_special_tokens=False)
    assert covered(windows) == covered(tokenizer.windows(text)) == (whole.tokens, whole.offsets, whole.ids)
    assert all(len(window.ids) <= length for window in windows)


def test_special_tokens_that_leave_no_room_are_refused() -> None:
    with pytest.raises(
        ArtifactError, match="max_seq_length is 16, and the tokenizer's special tokens leave no room for"
    ):
        Tokenizer(with_special(8), 16)


@given(TEXTS)
def test_offsets_are_places_in_the_original_text(text: str) -> None:
    for token, (start, end) in zip(*covered(Tokenizer(tokenizer_bytes(), 16).windows(text))[:2], strict=True):
        assert 0 <= start < end <= len(text)
        kept = "".join(each for each in text[start:end] if unicodedata.category(each)[0] != "C")
        assert token == "[UNK]" or kept == token.removeprefix("##")


def test_a_token_is_taken_from_the_window_where_it_has_the_most_context() -> None:
    windows = Tokenizer(tokenizer_bytes(), 18).windows(" ".join("abcdefghijklmnopqrstuvwxyz"))
    places = [(window.tokens[0], window.tokens[window.begin], window.tokens[window.end - 1]) for window in windows]
    assert places == [("a", "a", "n"), ("m", "o", "z")]


def test_a_text_that_names_special_tokens_is_a_text() -> None:
    [window] = Tokenizer(tokenizer_bytes(), 32).windows("a [SEP] b")
    assert window.ids.count(WHOLE.get_vocab()["[SEP]"]) == 1
    assert window.tokens[0] == "a"
    assert window.tokens[-1] == "b"


@pytest.mark.parametrize("text", ["", " ", "\0", "\n\t"])
def test_a_text_without_tokens_has_one_empty_window(text: str) -> None:
    [window] = Tokenizer(tokenizer_bytes(), 32).windows(text)
    assert window.tokens == []


def test_settings_of_a_pair_do_not_stay() -> None:
    tokenizer, text = Tokenizer(tokenizer_bytes(), 16), "a " * 100
    before = tokenizer.windows(text)
    assert tokenizer.pair_windows("b " * 100, text) is None
    assert tokenizer.windows(text) == before


@pytest.mark.parametrize(("texts", "share"), [(["서울 부산"], 0), (["漢", "서울"], 0.5), ([], 0), ([""], 0)])
def test_the_share_of_unknown_tokens_is_counted(texts: list[str], share: float) -> None:
    assert Tokenizer(tokenizer_bytes(), 16).unknown_share(texts) == share


def test_data_that_is_no_tokenizer_and_a_length_that_is_too_short_are_refused() -> None:
    with pytest.raises(ArtifactError, match=r"tokenizer\.json cannot be read by tokenizers"):
        Tokenizer(b"{}", 32)
    with pytest.raises(ArtifactError, match="max_seq_length is 15: publish a model with at least 16"):
        Tokenizer(tokenizer_bytes(), 15)


def test_it_uses_one_thread_and_imports_no_client_of_a_hub() -> None:
    code = (
        "import sys, os; import modelet.backends.texts.tokenizer; "
        "print(os.environ['TOKENIZERS_PARALLELISM'], 'huggingface_hub' in sys.modules, 'numpy' in sys.modules)"
    )
    environ = {name: value for name, value in os.environ.items() if name != "TOKENIZERS_PARALLELISM"}
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["false", "False", "False"]
