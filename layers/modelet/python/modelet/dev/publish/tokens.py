"""Token patterns: what Python's `re` means by them, said so that the graph's tokenizer (RE2) means the same."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from modelet.dev.publish.parts import vectorizers
from modelet.errors import ConversionError

if TYPE_CHECKING:
    from collections.abc import Iterator

NOT_SPACE = r"\S+"
NO_SPACE = "[^\\t-\\r\x1c- \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"
r"""Python's \S, each character of str.isspace() named: RE2's own \S knows no space beyond ASCII."""


@contextmanager
def same_tokens(estimator: Any) -> Iterator[None]:
    r"""Let the vectorizers name Python's \S in a way that the graph understands, while they are converted.

    Raises ConversionError for what the graph's tokenizer can only get wrong.
    """
    texts = vectorizers(estimator)
    patterns = [part.token_pattern for part in texts]
    for part in texts:
        if part.lowercase and part.preprocessor is None and part.analyzer in {"word", "char"}:
            raise ConversionError(
                f"{type(part).__name__} lower-cases text, which in a graph needs the en_US.UTF-8 locale that slim "
                "images lack: lower-case in Python, and train with lowercase=False"
            )
    try:
        for part in texts:
            if part.token_pattern == NOT_SPACE:
                part.set_params(token_pattern=f"{NO_SPACE}+")
        yield
    finally:
        for part, pattern in zip(texts, patterns, strict=True):
            part.set_params(token_pattern=pattern)
