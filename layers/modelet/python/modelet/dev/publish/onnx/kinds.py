"""scikit-learn's classifiers, regressors and transformers by support: an exact graph, an error, or only a pickle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelet.dev.publish.source.parts import is_fitted, parts
from modelet.dev.publish.source.rows import is_missing
from modelet.errors import ConversionError

if TYPE_CHECKING:
    from collections.abc import Callable

SKLEARN = "or set backend: sklearn in model.yaml"

_EXACT = (
    # classifiers
    "AdaBoostClassifier BaggingClassifier BernoulliNB CalibratedClassifierCV CategoricalNB ComplementNB "
    "DecisionTreeClassifier ExtraTreeClassifier ExtraTreesClassifier GaussianNB GradientBoostingClassifier "
    "HistGradientBoostingClassifier KNeighborsClassifier LinearDiscriminantAnalysis LinearSVC LogisticRegression "
    "LogisticRegressionCV MLPClassifier MultinomialNB NuSVC OneVsOneClassifier OneVsRestClassifier "
    "PassiveAggressiveClassifier Perceptron QuadraticDiscriminantAnalysis RandomForestClassifier RidgeClassifier "
    "RidgeClassifierCV SGDClassifier SVC StackingClassifier VotingClassifier "
    # regressors
    "ARDRegression AdaBoostRegressor BaggingRegressor BayesianRidge DecisionTreeRegressor ElasticNet ElasticNetCV "
    "ExtraTreeRegressor ExtraTreesRegressor GammaRegressor GaussianProcessRegressor GradientBoostingRegressor "
    "HistGradientBoostingRegressor HuberRegressor KNeighborsRegressor Lars LarsCV Lasso LassoCV LassoLars LassoLarsCV "
    "LassoLarsIC LinearRegression LinearSVR MLPRegressor MultiOutputRegressor MultiTaskElasticNet "
    "MultiTaskElasticNetCV MultiTaskLasso MultiTaskLassoCV NuSVR OrthogonalMatchingPursuit "
    "OrthogonalMatchingPursuitCV PLSRegression PassiveAggressiveRegressor PoissonRegressor QuantileRegressor "
    "RANSACRegressor RandomForestRegressor Ridge RidgeCV SGDRegressor SVR StackingRegressor TheilSenRegressor "
    "TweedieRegressor VotingRegressor "
    # transformers
    "Binarizer ColumnTransformer CountVectorizer FeatureUnion FunctionTransformer GenericUnivariateSelect "
    "IncrementalPCA KBinsDiscretizer KNNImputer KernelPCA MaxAbsScaler MinMaxScaler NeighborhoodComponentsAnalysis "
    "Normalizer OneHotEncoder OrdinalEncoder PCA PolynomialFeatures PowerTransformer QuantileTransformer RFE RFECV "
    "RobustScaler SelectFdr SelectFpr SelectFromModel SelectFwe SelectKBest SelectPercentile SimpleImputer "
    "StandardScaler TargetEncoder TfidfTransformer TfidfVectorizer TruncatedSVD VarianceThreshold"
)
EXACT = frozenset(_EXACT.split())
"""Estimators whose graphs predict the same; tests publish each. Some of their options are rejected: see OPTIONS."""

_SERVED = (
    # classifiers
    "ClassifierChain DummyClassifier FixedThresholdClassifier GaussianProcessClassifier LabelPropagation "
    "LabelSpreading MultiOutputClassifier NearestCentroid OutputCodeClassifier RadiusNeighborsClassifier "
    "SelfTrainingClassifier "
    # regressors
    "CCA DummyRegressor IsotonicRegression KernelRidge PLSCanonical RadiusNeighborsRegressor RegressorChain "
    "TransformedTargetRegressor "
    # transformers
    "AdditiveChi2Sampler BernoulliRBM Birch BisectingKMeans DictVectorizer DictionaryLearning FactorAnalysis FastICA "
    "FeatureAgglomeration FeatureHasher GaussianRandomProjection HashingVectorizer Isomap KMeans KNeighborsTransformer "
    "KernelCenterer LatentDirichletAllocation LocallyLinearEmbedding MiniBatchDictionaryLearning MiniBatchKMeans "
    "MiniBatchNMF MiniBatchSparsePCA MissingIndicator NMF Nystroem PLSSVD PatchExtractor PolynomialCountSketch "
    "RBFSampler RadiusNeighborsTransformer RandomTreesEmbedding SequentialFeatureSelector SkewedChi2Sampler "
    "SparseCoder SparsePCA SparseRandomProjection SplineTransformer TSNE "
    # for labels, which are not columns
    "LabelBinarizer LabelEncoder MultiLabelBinarizer"
)
SERVED = frozenset(_SERVED.split())
"""Estimators that skl2onnx has no converter for, or none that onnxruntime runs: `backend: sklearn` serves them."""

REFUSED = {
    "TunedThresholdClassifierCV": (
        "loses its threshold in a graph: train its estimator alone and compare the probability with best_threshold_ in "
        f"postprocess, {SKLEARN}"
    ),
}
"""Estimators whose converter drops a part, which examples may not show, and what to do instead."""

_BOOSTING = frozenset({"HistGradientBoostingClassifier", "HistGradientBoostingRegressor"})

OPTIONS: tuple[tuple[frozenset[str], Callable[[Any], bool], str], ...] = (
    (
        frozenset({"SVC", "NuSVC"}),
        lambda part: part.break_ties and part.decision_function_shape == "ovr" and len(part.classes_) > 2,
        f"breaks ties between labels differently in a graph: train with break_ties=False, {SKLEARN}",
    ),
    (
        frozenset({"SimpleImputer", "KNNImputer"}),
        lambda part: part.indicator_ is not None and len(part.indicator_.features_) > 0,
        f"loses the columns of its indicator in a graph: train with add_indicator=False, {SKLEARN}",
    ),
    (
        frozenset({"KNNImputer"}),
        lambda part: not is_missing(part.missing_values),
        f"fills only NaN in a graph: use None for missing values, train with missing_values=np.nan, {SKLEARN}",
    ),
    (
        _BOOSTING,
        lambda part: part.is_categorical_ is not None,
        f"loses its categories in a graph: encode them before it and leave categorical_features out, {SKLEARN}",
    ),
    (
        frozenset({"LinearDiscriminantAnalysis"}),
        lambda part: len(part.classes_) == 2,
        f"gives other probabilities for two labels in a graph: train LogisticRegression, {SKLEARN}",
    ),
)
"""What converters drop from exact estimators: the estimators, a test of a fitted one, and what to do instead."""


def without_graph(estimator: Any) -> str | None:
    """Return the name of the estimator or step that only scikit-learn itself can serve; None if there is none."""
    steps = [estimator, *(step for _, step in getattr(estimator, "steps", ()))]
    return next((name for name in (type(step).__name__ for step in steps) if name in SERVED), None)


def check_kinds(estimator: Any) -> None:
    """Raise ConversionError if the converter of a part of the estimator is known to drop something."""
    for part in parts(estimator):
        if not type(part).__module__.startswith("sklearn."):
            continue
        name = type(part).__name__
        if name in REFUSED:
            raise ConversionError(f"{name} {REFUSED[name]}")
        for names, drops, remedy in OPTIONS:
            # An unfitted part only configures training, and does not predict.
            if name in names and is_fitted(part) and drops(part):
                raise ConversionError(f"{name} {remedy}")
