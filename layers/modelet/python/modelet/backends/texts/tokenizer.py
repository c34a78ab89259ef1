"""The tokenizer of a model of texts. Only this module imports the library `tokenizers`."""

from __future__ import annotations

from typing import Any, NamedTuple

from modelet.errors import ArtifactError
from modelet.settings import get_variable, set_variable

# Its threads would compete for the environment's one processor, and it warns after a fork.
if get_variable("TOKENIZERS_PARALLELISM") is None:
    set_variable("TOKENIZERS_PARALLELISM", "false")
import tokenizers

LEAST_LENGTH = 16
"""The least `max_length`: less does not hold a question, a part of its text, and the overlap."""


class Window(NamedTuple):
    """A part of a text that is as long as the graph takes, with the tokenizer's special tokens around it.

    ids, type_ids: the graph's inputs. first: the place of the text's first token among them. tokens, offsets: the
    text's own tokens, and their start and end in the text in code points. begin, end: which of these tokens are taken
    from this window, because no other window has more context for them.
    """

    ids: list[int]
    type_ids: list[int]
    first: int
    tokens: list[str]
    offsets: list[tuple[int, int]]
    begin: int
    end: int


class Tokenizer:
    """Cut texts into windows of at most `max_length` tokens, which overlap by a quarter.

    They overlap by less if the special tokens leave less room. Texts that name a special token, such as [SEP], are
    texts. Raises ArtifactError if the data is not a tokenizer.json, or if it leaves no room.
    """

    def __init__(self, data: bytes, max_length: int) -> None:
        if max_length < LEAST_LENGTH:
            raise ArtifactError(f"max_seq_length is {max_length}: publish a model with at least {LEAST_LENGTH}")
        try:
            self._tokenizer: Any = tokenizers.Tokenizer.from_buffer(data)
        except Exception as error:  # the library raises this class itself
            raise ArtifactError(
                f"tokenizer.json cannot be read by tokenizers {tokenizers.__version__}: {error}"
            ) from error
        self._tokenizer.no_padding()
        self._tokenizer.encode_special_tokens = True
        self._max_length = max_length
        # The room of a pair's second text beside the longest first one. The library panics if an overlap fills it.
        room = max_length - max_length // 2 - self._tokenizer.num_special_tokens_to_add(True)
        if room < 1:
            raise ArtifactError(
                f"max_seq_length is {max_length}, and the tokenizer's special tokens leave no room for two texts: "
                "publish the model with a greater one"
            )
        self._overlap = min(max_length // 4, room - 1)

    def windows(self, text: str) -> list[Window]:
        """Return the windows of a text, in its order; together they take each of its tokens once."""
        self._truncate("only_first")
        return self._cut(self._tokenizer.encode(text), 0)

    def pair_windows(self, first: str, second: str) -> list[Window] | None:
        """Return the windows of the second text, each with the whole first text before it.

        Return None if the two are too long together and the first has more tokens than half a window.
        """
        self._tokenizer.no_truncation()
        found = self._tokenizer.encode(first, second)
        if len(found) > self._max_length:
            if found.sequence_ids.count(0) > self._max_length // 2:
                return None
            self._truncate("only_second")
            found = self._tokenizer.encode(first, second)
        return self._cut(found, 1)

    def special_tokens(self) -> frozenset[str]:
        """Return the tokens that are no part of a text, such as [CLS]."""
        added = self._tokenizer.get_added_tokens_decoder().values()
        return frozenset(token.content for token in added if token.special)

    def unknown_share(self, texts: list[str]) -> float:
        """Return the share of the texts' tokens that are the tokenizer's unknown token."""
        unknown = getattr(self._tokenizer.model, "unk_token", None)
        tokens = [token for text in texts for window in self.windows(text) for token in window.tokens]
        return tokens.count(unknown) / len(tokens) if tokens and unknown else 0.0

    def _truncate(self, strategy: str) -> None:
        self._tokenizer.enable_truncation(self._max_length, stride=self._overlap, strategy=strategy)

    def _cut(self, encoding: Any, sequence: int) -> list[Window]:
        """Return the windows of an encoding. Each but the first begins with the overlap; half of it belongs to it."""
        parts = [encoding, *encoding.overflowing]
        last = len(parts) - 1
        before = self._overlap - self._overlap // 2
        return [
            _window(part, sequence, before if place else 0, self._overlap // 2 if place < last else 0)
            for place, part in enumerate(parts)
        ]


def _window(encoding: Any, sequence: int, skipped: int, dropped: int) -> Window:
    """Return a part of an encoding. skipped, dropped: how many tokens at its beginning and end other windows give."""
    of = encoding.sequence_ids
    first = of.index(sequence) if sequence in of else len(of)
    end = first + of.count(sequence)
    return Window(
        encoding.ids,
        encoding.type_ids,
        first,
        encoding.tokens[first:end],
        encoding.offsets[first:end],
        skipped,
        end - first - dropped,
    )
