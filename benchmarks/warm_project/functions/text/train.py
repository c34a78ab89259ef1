"""A model of one text: TF-IDF of words and a logistic regression, on random sentences."""

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from modelet.publishing import Trained

MOODS = {"good": ("great", "lovely", "works", "recommended"), "bad": ("awful", "broken", "late", "refund")}
NEUTRAL = [f"word{place}" for place in range(2_000)]


def train() -> Trained:
    """Fit on 1,500 sentences of twelve words, two of which show the sentiment; compare on 1,000 others."""
    chance = np.random.default_rng(2026)
    moods = [str(mood) for mood in chance.choice(list(MOODS), 2_500)]
    texts = [" ".join([*chance.choice(NEUTRAL, 10), *chance.choice(MOODS[mood], 2)]) for mood in moods]
    words = TfidfVectorizer(lowercase=False, token_pattern=r"[a-z0-9]+")  # noqa: S106 - of words
    estimator = make_pipeline(words, LogisticRegression()).fit(texts[:1_500], moods[:1_500])
    return Trained(
        estimator=estimator,
        examples=texts[1_500:],
        metrics={"accuracy": estimator.score(texts[1_500:], moods[1_500:])},
        metric="accuracy",
        feature_names=["text"],
    )
