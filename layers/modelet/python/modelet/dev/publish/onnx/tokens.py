"""Translation of a text vectorizer's splitting to the graph's tokenizer, or the reason why a graph cannot do it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from modelet.dev.publish.onnx.patterns import Expression, PatternError, translated
from modelet.errors import ConversionError

if TYPE_CHECKING:
    from collections.abc import Callable

SKLEARN = "or set backend: sklearn in model.yaml"

SPACE = " "
"""The separator between the words of an n-gram in a vocabulary."""

UNGRAPHED: tuple[tuple[Callable[[Any], bool], str], ...] = (
    (
        lambda part: part.lowercase and part.preprocessor is None and not callable(part.analyzer),
        (
            "lower-cases text, which in a graph needs the en_US.UTF-8 locale, which slim images lack: "
            "lower-case in Python, and train with lowercase=False"
        ),
    ),
    (
        lambda part: part.input != "content",
        f"reads files, which requests cannot contain: train with input='content', {SKLEARN}",
    ),
    (
        lambda part: callable(part.analyzer),
        f"has a custom analyzer, which is code: train with analyzer='word' or 'char', {SKLEARN}",
    ),
    (
        lambda part: part.preprocessor is not None,
        f"has a custom preprocessor, which is code: prepare texts before training and in preprocess, {SKLEARN}",
    ),
    (
        lambda part: part.strip_accents is not None,
        f"strips accents, which a graph cannot do: strip them in Python, and train with strip_accents=None, {SKLEARN}",
    ),
    (
        lambda part: part.analyzer == "char_wb",
        f"makes n-grams within words, which a graph cannot do: train with analyzer='char', {SKLEARN}",
    ),
    (
        lambda part: part.analyzer == "word" and part.tokenizer is not None,
        f"has a custom tokenizer, which is code: train with a token_pattern, {SKLEARN}",
    ),
    (
        lambda part: part.analyzer == "word" and part.ngram_range[1] > 1 and bool(part.get_stop_words()),
        (
            "removes stop words between the words of an n-gram, which a graph cannot do: train with stop_words=None, "
            f"or with single words, {SKLEARN}"
        ),
    ),
)
"""What a graph has no operators for, and the error message for each."""


class Splitting(NamedTuple):
    """How the graph's tokenizer splits texts: by an RE2 pattern, or into single characters if it is None.

    terms: the vocabulary as tokens, with the column of each term.
    """

    pattern: str | None
    terms: dict[tuple[str, ...], int]


def splitting(vectorizer: Any) -> Splitting:
    """Return how a fitted CountVectorizer or TfidfVectorizer splits texts. Raises ConversionError if a graph cannot."""
    kind = type(vectorizer).__name__
    for is_so, what in UNGRAPHED:
        if is_so(vectorizer):
            raise ConversionError(f"{kind} {what}")
    vocabulary = {term: int(place) for term, place in vectorizer.vocabulary_.items()}
    # Only for words: characters are never stop words.
    left_out = sorted(set(vocabulary) & set(vectorizer.get_stop_words() or ())) if vectorizer.analyzer == "word" else []
    if left_out:
        raise ConversionError(
            f"{kind} has {left_out[0]!r} in its vocabulary and among its stop words, which it never counts but a graph "
            "would: remove it from one of the two"
        )
    if vectorizer.analyzer == "char":
        return _checked(kind, Splitting(None, {tuple(term): place for term, place in vocabulary.items()}), vectorizer)
    try:
        expression = translated(vectorizer.token_pattern)
        why = _unfit(expression, vectorizer)
    except PatternError as error:
        why = str(error)
    if why:
        raise ConversionError(
            f"{kind} splits by token_pattern={vectorizer.token_pattern!r}, which a graph cannot reproduce ({why}): "
            rf"train with token_pattern=r'\w+', r'\S+' or '[a-z가-힣0-9]+', {SKLEARN}"
        )
    single = vectorizer.ngram_range[1] == 1
    terms = {(term,) if single else tuple(term.split(SPACE)): place for term, place in vocabulary.items()}
    return _checked(kind, Splitting(expression.text, terms), vectorizer)


def _unfit(expression: Expression, vectorizer: Any) -> str:
    """Return why an equivalent pattern does not fit these n-grams and this vocabulary; empty if it fits."""
    if vectorizer.ngram_range[1] > 1:
        if expression.is_whole:
            return r"between \b it matches only some of the words that an n-gram may have"
        if any(each.holds(ord(SPACE)) for each in expression.sets):
            return "its tokens may contain the spaces that join n-grams"
    elif expression.is_whole and not all(map(re.compile(vectorizer.token_pattern).fullmatch, vectorizer.vocabulary_)):
        return "the vocabulary has words that it does not match"
    return ""


def _checked(kind: str, split: Splitting, vectorizer: Any) -> Splitting:
    """Raise ConversionError if a custom vocabulary has terms that are not n-grams, which a graph cannot list."""
    least, most = vectorizer.ngram_range
    if any(not least <= len(term) <= most for term in split.terms):
        raise ConversionError(
            f"{kind} has terms in its vocabulary that are not n-grams of ngram_range={vectorizer.ngram_range}: "
            "remove them"
        )
    return split
