"""The contracts of the models of texts; an author may write narrower ones."""

from __future__ import annotations

from typing import Annotated

from modelet.typing import Ge, Le, MaxLen, TypedDict

LONGEST = 100_000
"""The most characters (code points) of one text."""

Text = Annotated[str, MaxLen(LONGEST)]
Share = Annotated[float, Ge(0), Le(1)]


class Sentence(TypedDict):
    """A text whose tokens are tagged."""

    sentence: Text


class Token(TypedDict):
    """A token of the tokenizer's vocabulary, with its most likely tag."""

    token: str
    predicted_tag: str
    top_prob: Share


class Entity(TypedDict):
    """A named entity: `text` is sentence[start:end], counted in code points."""

    text: str
    tag: str
    start: int
    end: int
    probability: Share


class Tagged(TypedDict):
    """The tokens of a sentence, and the entities that they form."""

    sentence: str
    result: list[Token]
    entities: list[Entity]


class Document(TypedDict):
    """A text to classify."""

    text: Text


class Pair(TypedDict):
    """Two texts to classify together."""

    first: Text
    second: Text


class Classified(TypedDict):
    """The most likely label, and the probability of each."""

    label: str
    probability: Share
    probabilities: dict[str, Share]


class Question(TypedDict):
    """A question, and the text that has its answer."""

    question: Text
    context: Text


class Answer(TypedDict):
    """The most likely answer: `answer` is context[start:end], counted in code points. Empty for an empty context."""

    answer: str
    start: int
    end: int
    probability: Share


class Embedding(TypedDict):
    """A vector of length 1."""

    embedding: list[float]
