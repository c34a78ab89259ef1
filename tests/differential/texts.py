"""Texts: how they are split into words, and estimators that are fitted on the words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from sklearn import calibration, ensemble, linear_model, naive_bayes, pipeline, svm
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfTransformer, TfidfVectorizer

from differential.estimators import Predictor

PATTERNS = (
    r"(?u)\b\w\w+\b",
    r"\S+",
    r"[^ ]+",
    r"[a-z가-힣0-9]+",
    r"\w+",
    r"[^\W_]+",
    r"\S\S+",
    r"\b[a-z']+\b",
    r"[^\s,.]+",
    r"\d+|[a-zA-Z]+",
    r"(?i)[a-z]+",
    r"[A-Za-z]{2,}",
)
"""Token patterns; the first is scikit-learn's own."""

LEARNERS: tuple[Predictor, ...] = (
    Predictor(lambda: linear_model.LogisticRegression(max_iter=100), "labels"),
    Predictor(naive_bayes.MultinomialNB, "labels"),
    Predictor(naive_bayes.ComplementNB, "labels"),
    Predictor(lambda: linear_model.SGDClassifier(loss="log_loss", random_state=0), "labels"),
    Predictor(lambda: svm.LinearSVC(random_state=0), "labels"),
    Predictor(lambda: ensemble.RandomForestClassifier(n_estimators=5, max_depth=4, random_state=0), "labels"),
    Predictor(lambda: calibration.CalibratedClassifierCV(linear_model.LogisticRegression(), cv=2), "labels"),
    Predictor(linear_model.Ridge, "number"),
    Predictor(lambda: linear_model.SGDRegressor(random_state=0), "number"),
)
"""What learns from words."""


@st.composite
def vectorizers(draw: st.DrawFn) -> Callable[[], Any]:
    """Something that makes numbers of texts, a new one at each call."""
    options: dict[str, Any] = {
        "lowercase": draw(st.sampled_from([False, False, True])),
        "ngram_range": draw(st.sampled_from([(1, 1), (1, 1), (1, 2)])),
        "binary": draw(st.sampled_from([False, False, True])),
    }
    if draw(st.integers(0, 4)) == 0:
        options |= {"analyzer": draw(st.sampled_from(["char", "char_wb"])), "ngram_range": (1, 3)}
    else:
        options["token_pattern"] = draw(st.sampled_from([*PATTERNS, PATTERNS[0]]))
        if draw(st.integers(0, 5)) == 0:
            options["stop_words"] = ["it", "was"]
    kind = draw(st.sampled_from(["tfidf", "tfidf", "count", "count and tfidf", "hashing"]))
    if kind == "hashing":
        return lambda: HashingVectorizer(n_features=64, alternate_sign=False, **options)
    if draw(st.integers(0, 4)) == 0:
        options["min_df"] = 2
    if kind == "count":
        return lambda: CountVectorizer(**options)
    weights: dict[str, Any] = {
        "sublinear_tf": draw(st.sampled_from([False, False, True])),
        "norm": draw(st.sampled_from(["l2", "l2", "l1", None])),
        "use_idf": draw(st.sampled_from([True, True, False])),
    }
    if kind == "tfidf":
        return lambda: TfidfVectorizer(**options, **weights)
    return lambda: pipeline.make_pipeline(CountVectorizer(**options), TfidfTransformer(**weights))
