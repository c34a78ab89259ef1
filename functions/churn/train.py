"""Train the churn model on generated customers: `modelet publish churn` calls `train`.

The data are generated here, from a formula: no real customer is in them, and the figures only show that the model finds
the formula again. The customers are those of a telephone company: numbers, some of them missing, categories and flags.
Whether each leaves within a month is 0 or 1, because XGBoost needs labels that count from 0.

LIBRARY chooses which of three libraries is trained; each becomes an exact graph. For CatBoost the categories are
one-hot encoded before, because those that it encodes itself have no exact graph. `modelet new NAME --backend catboost`
makes a model that keeps them, with an image of its own.
"""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.compose import make_column_transformer
from sklearn.model_selection import StratifiedKFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from modelet.publishing import Trained
from modelet.store.manifest import Column

LIBRARY = "lightgbm"
"""lightgbm, xgboost or catboost. tests/functions/test_churn.py publishes with each."""

SEED = 2026
CUSTOMERS = 6_000
HELD_OUT = 2_000
TREES = 60

CONTRACTS = ("monthly", "one year", "two years")
PAYMENTS = ("card", "transfer", "invoice", "check")

COLUMNS = (
    Column("months", "integer", minimum=0, maximum=120),  # since the first contract
    Column("charge", "number", nullable=True, minimum=0, maximum=500),  # the last monthly bill
    Column("gigabytes", "number", nullable=True, minimum=0, maximum=2_000),  # of data in the last month
    Column("calls", "integer", minimum=0, maximum=50),  # to the support in the last year
    Column("contract", "string", categories=CONTRACTS),
    Column("payment", "string", categories=PAYMENTS),
    Column("paperless", "boolean"),
    Column("family", "boolean"),
)
"""The columns in their order, with bounds around the generated values: the model rejects what is unlike them."""


def train() -> Trained:
    """Fit on the customers that are not held out; the figures are means of a five-fold cross-validation."""
    customers, leaves = generated()
    return Trained(
        estimator=new_model().fit(customers[HELD_OUT:], leaves[HELD_OUT:]),
        examples=customers[:HELD_OUT],
        metrics=cross_validated(customers[HELD_OUT:], leaves[HELD_OUT:]),
        metric="roc_auc",
        columns=COLUMNS,
        info={"customers": CUSTOMERS, "data": "generated from a formula"},
    )


def new_model() -> Any:
    """Return the unfitted model of LIBRARY, with one thread, so that training again gives the same trees."""
    if LIBRARY == "xgboost":
        import xgboost  # noqa: PLC0415 - only the chosen library must be installed

        return xgboost.XGBClassifier(
            n_estimators=TREES, max_depth=4, learning_rate=0.1, enable_categorical=True, n_jobs=1, random_state=SEED
        )
    if LIBRARY == "catboost":
        import catboost  # noqa: PLC0415 - only the chosen library must be installed

        encoder = make_column_transformer((OneHotEncoder(), ["contract", "payment"]), remainder="passthrough")
        model = catboost.CatBoostClassifier(
            iterations=TREES, depth=4, thread_count=1, random_seed=SEED, verbose=0, allow_writing_files=False
        )
        return make_pipeline(encoder, model)
    import lightgbm  # noqa: PLC0415 - only the chosen library must be installed

    return lightgbm.LGBMClassifier(
        n_estimators=TREES,
        num_leaves=15,
        learning_rate=0.1,
        n_jobs=1,
        random_state=SEED,
        deterministic=True,
        force_row_wise=True,
        verbose=-1,
    )


def generated() -> tuple[pd.DataFrame, NDArray[np.int64]]:
    """Return customers, and 1 for each that leaves. The same on every run."""
    chance = np.random.default_rng(SEED)
    months = chance.integers(0, 73, CUSTOMERS)
    contract = chance.choice(CONTRACTS, CUSTOMERS, p=[0.55, 0.25, 0.2])
    payment = chance.choice(PAYMENTS, CUSTOMERS, p=[0.3, 0.3, 0.25, 0.15])
    charge = chance.gamma(6, 12, CUSTOMERS).round(2).clip(10, 400)
    gigabytes = chance.gamma(2, 30, CUSTOMERS).round(1).clip(0, 1_500)
    calls = chance.poisson(1.5, CUSTOMERS)
    paperless, family = chance.random(CUSTOMERS) < 0.6, chance.random(CUSTOMERS) < 0.3
    score = (
        -1.2
        + 1.6 * (contract == "monthly")
        - 1.1 * (contract == "two years")
        - 0.035 * months
        + 0.012 * (charge - 70)
        + 0.35 * calls * (contract == "monthly")
        + 0.5 * (payment == "check")
        + 0.3 * paperless
        - 0.4 * family
        - 0.004 * (gigabytes - 60)
    )
    leaves = (chance.random(CUSTOMERS) < 1 / (1 + np.exp(-score))).astype(np.int64)
    charge[chance.random(CUSTOMERS) < 0.06] = np.nan
    gigabytes[chance.random(CUSTOMERS) < 0.1] = np.nan
    customers = pd.DataFrame(
        {
            "months": months,
            "charge": charge,
            "gigabytes": gigabytes,
            "calls": calls,
            "contract": pd.Categorical(contract, categories=CONTRACTS),
            "payment": pd.Categorical(payment, categories=PAYMENTS),
            "paperless": paperless,
            "family": family,
        }
    )
    return customers, leaves


def cross_validated(customers: pd.DataFrame, leaves: NDArray[np.int64]) -> dict[str, float]:
    """Return the area under the ROC curve, the accuracy, and the log loss."""
    folds = StratifiedKFold(n_splits=5, shuffle=True, random_state=SEED)
    # In scikit-learn, greater scores are better, so its losses are negative.
    scoring = {"roc_auc": "roc_auc", "accuracy": "accuracy", "log_loss": "neg_log_loss"}
    found = cross_validate(new_model(), customers, leaves, cv=folds, scoring=scoring)
    means = {name: float(found[f"test_{name}"].mean()) for name in scoring}
    return {**means, "log_loss": -means["log_loss"]}
