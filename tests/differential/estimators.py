"""Estimators: each that a table can feed, how it is made, what it takes and what it learns; and those that none can.

A new estimator is one line of PREDICTORS or of STEPS.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from sklearn import (
    calibration,
    cluster,
    compose,
    covariance,
    cross_decomposition,
    decomposition,
    discriminant_analysis,
    dummy,
    ensemble,
    feature_selection,
    frozen,
    gaussian_process,
    isotonic,
    kernel_approximation,
    kernel_ridge,
    linear_model,
    manifold,
    mixture,
    model_selection,
    multiclass,
    multioutput,
    naive_bayes,
    neighbors,
    neural_network,
    pipeline,
    preprocessing,
    random_projection,
    semi_supervised,
    svm,
    tree,
)
from sklearn import impute as imputation

Takes = Literal["any", "gaps", "positive", "count", "one", "categories"]
"""Numbers of any sign, the same and missing ones, positive numbers, small whole numbers, any in one column alone, or
numbers, flags and pandas' categories in a frame.
"""

Learns = Literal["labels", "two", "number", "positive", "numbers", "sets", "nothing"]
"""Two or three labels, two alone, a number, a positive one, several numbers, several labels, or nothing at all."""


@dataclass(frozen=True)
class Predictor:
    """An estimator with `predict`, made small so that it is quickly published."""

    made: Callable[[], Any]
    learns: Learns
    takes: Takes = "any"

    @cached_property
    def name(self) -> str:
        """Its class's name."""
        return _name(self.made)

    @property
    def is_open(self) -> bool:
        """Whether it takes whatever numbers the steps before it make."""
        return self.takes in {"any", "gaps"}


@dataclass(frozen=True)
class Step:
    """A transformer of numbers before a predictor."""

    made: Callable[[], Any]
    takes: Takes = "any"

    @cached_property
    def name(self) -> str:
        """Its class's name."""
        return _name(self.made)


def _name(made: Callable[[], Any]) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of classes that scikit-learn will remove
        return type(made()).__name__


def _logistic() -> Any:
    return linear_model.LogisticRegression(max_iter=100)


def _ridge() -> Any:
    return linear_model.Ridge()


PREDICTORS: tuple[Predictor, ...] = (
    # Classifiers.
    Predictor(lambda: ensemble.AdaBoostClassifier(n_estimators=4, random_state=0), "labels"),
    Predictor(lambda: ensemble.BaggingClassifier(n_estimators=3, random_state=0), "labels", "gaps"),
    Predictor(naive_bayes.BernoulliNB, "labels"),
    Predictor(lambda: calibration.CalibratedClassifierCV(_logistic(), cv=2), "labels"),
    Predictor(naive_bayes.CategoricalNB, "labels", "count"),
    Predictor(lambda: multioutput.ClassifierChain(_logistic()), "sets"),
    Predictor(naive_bayes.ComplementNB, "labels", "positive"),
    Predictor(lambda: tree.DecisionTreeClassifier(max_depth=4, random_state=0), "labels", "gaps"),
    Predictor(lambda: dummy.DummyClassifier(strategy="prior"), "labels"),
    Predictor(lambda: tree.ExtraTreeClassifier(max_depth=4, random_state=0), "labels"),
    Predictor(lambda: ensemble.ExtraTreesClassifier(n_estimators=5, max_depth=4, random_state=0), "labels", "gaps"),
    Predictor(lambda: model_selection.FixedThresholdClassifier(_logistic(), threshold=0.3), "two"),
    Predictor(naive_bayes.GaussianNB, "labels"),
    Predictor(lambda: gaussian_process.GaussianProcessClassifier(optimizer=None), "labels"),
    Predictor(lambda: ensemble.GradientBoostingClassifier(n_estimators=4, random_state=0), "labels"),
    Predictor(lambda: model_selection.GridSearchCV(_logistic(), {"C": [0.1, 1.0]}, cv=2), "labels"),
    Predictor(
        lambda: ensemble.HistGradientBoostingClassifier(max_iter=4, min_samples_leaf=5, random_state=0),
        "labels",
        "gaps",
    ),
    Predictor(lambda: neighbors.KNeighborsClassifier(3), "labels"),
    Predictor(lambda: semi_supervised.LabelPropagation(gamma=0.5), "labels"),
    Predictor(lambda: semi_supervised.LabelSpreading(gamma=0.5), "labels"),
    Predictor(discriminant_analysis.LinearDiscriminantAnalysis, "labels"),
    Predictor(lambda: svm.LinearSVC(random_state=0), "labels"),
    Predictor(_logistic, "labels"),
    Predictor(lambda: linear_model.LogisticRegressionCV(Cs=2, cv=2, max_iter=50), "labels"),
    Predictor(lambda: neural_network.MLPClassifier(hidden_layer_sizes=(4,), max_iter=20, random_state=0), "labels"),
    Predictor(lambda: multioutput.MultiOutputClassifier(_logistic()), "sets"),
    Predictor(naive_bayes.MultinomialNB, "labels", "positive"),
    Predictor(neighbors.NearestCentroid, "labels"),
    Predictor(lambda: svm.NuSVC(nu=0.1), "labels"),
    Predictor(lambda: multiclass.OneVsOneClassifier(_logistic()), "labels"),
    Predictor(lambda: multiclass.OneVsRestClassifier(_logistic()), "labels"),
    Predictor(lambda: multiclass.OutputCodeClassifier(_logistic(), random_state=0), "labels"),
    Predictor(lambda: linear_model.PassiveAggressiveClassifier(random_state=0), "labels"),
    Predictor(lambda: linear_model.Perceptron(random_state=0), "labels"),
    Predictor(lambda: discriminant_analysis.QuadraticDiscriminantAnalysis(reg_param=0.1), "labels"),
    Predictor(lambda: neighbors.RadiusNeighborsClassifier(5.0, outlier_label="most_frequent"), "labels"),
    Predictor(lambda: ensemble.RandomForestClassifier(n_estimators=5, max_depth=4, random_state=0), "labels", "gaps"),
    Predictor(
        lambda: model_selection.RandomizedSearchCV(_logistic(), {"C": [0.1, 1.0]}, n_iter=1, cv=2, random_state=0),
        "labels",
    ),
    Predictor(linear_model.RidgeClassifier, "labels"),
    Predictor(linear_model.RidgeClassifierCV, "labels"),
    Predictor(lambda: linear_model.SGDClassifier(loss="log_loss", random_state=0), "labels"),
    Predictor(svm.SVC, "labels"),
    Predictor(lambda: semi_supervised.SelfTrainingClassifier(_logistic()), "labels"),
    Predictor(
        lambda: ensemble.StackingClassifier([("a", _logistic()), ("b", naive_bayes.GaussianNB())], cv=2), "labels"
    ),
    Predictor(lambda: model_selection.TunedThresholdClassifierCV(_logistic(), cv=2), "two"),
    Predictor(
        lambda: ensemble.VotingClassifier([("a", _logistic()), ("b", naive_bayes.GaussianNB())], voting="soft"),
        "labels",
    ),
    # Regressors.
    Predictor(lambda: linear_model.ARDRegression(max_iter=20), "number"),
    Predictor(lambda: ensemble.AdaBoostRegressor(n_estimators=3, random_state=0), "number"),
    Predictor(lambda: ensemble.BaggingRegressor(n_estimators=3, random_state=0), "number", "gaps"),
    Predictor(linear_model.BayesianRidge, "number"),
    Predictor(lambda: cross_decomposition.CCA(1), "numbers"),
    Predictor(lambda: tree.DecisionTreeRegressor(max_depth=4, random_state=0), "number", "gaps"),
    Predictor(dummy.DummyRegressor, "number"),
    Predictor(lambda: linear_model.ElasticNet(0.1), "number"),
    Predictor(lambda: linear_model.ElasticNetCV(cv=2, alphas=3), "number"),
    Predictor(lambda: tree.ExtraTreeRegressor(max_depth=4, random_state=0), "number"),
    Predictor(lambda: ensemble.ExtraTreesRegressor(n_estimators=5, max_depth=4, random_state=0), "number", "gaps"),
    Predictor(lambda: linear_model.GammaRegressor(max_iter=50), "positive"),
    Predictor(lambda: gaussian_process.GaussianProcessRegressor(alpha=0.1, optimizer=None), "number"),
    Predictor(lambda: ensemble.GradientBoostingRegressor(n_estimators=4, random_state=0), "number"),
    Predictor(
        lambda: ensemble.HistGradientBoostingRegressor(max_iter=4, min_samples_leaf=5, random_state=0), "number", "gaps"
    ),
    Predictor(lambda: linear_model.HuberRegressor(max_iter=50), "number"),
    Predictor(lambda: isotonic.IsotonicRegression(out_of_bounds="clip"), "number", "one"),
    Predictor(lambda: neighbors.KNeighborsRegressor(3), "number"),
    Predictor(lambda: kernel_ridge.KernelRidge(alpha=0.1), "number"),
    Predictor(linear_model.Lars, "number"),
    Predictor(lambda: linear_model.LarsCV(cv=2), "number"),
    Predictor(lambda: linear_model.Lasso(0.1), "number"),
    Predictor(lambda: linear_model.LassoCV(cv=2, alphas=3), "number"),
    Predictor(lambda: linear_model.LassoLars(0.01), "number"),
    Predictor(lambda: linear_model.LassoLarsCV(cv=2), "number"),
    Predictor(linear_model.LassoLarsIC, "number"),
    Predictor(linear_model.LinearRegression, "number"),
    Predictor(lambda: svm.LinearSVR(random_state=0), "number"),
    Predictor(lambda: neural_network.MLPRegressor(hidden_layer_sizes=(4,), max_iter=20, random_state=0), "number"),
    Predictor(lambda: multioutput.MultiOutputRegressor(_ridge()), "numbers"),
    Predictor(lambda: linear_model.MultiTaskElasticNet(0.1), "numbers"),
    Predictor(lambda: linear_model.MultiTaskElasticNetCV(cv=2, alphas=3), "numbers"),
    Predictor(lambda: linear_model.MultiTaskLasso(0.1), "numbers"),
    Predictor(lambda: linear_model.MultiTaskLassoCV(cv=2, alphas=3), "numbers"),
    Predictor(svm.NuSVR, "number"),
    Predictor(linear_model.OrthogonalMatchingPursuit, "number"),
    Predictor(lambda: linear_model.OrthogonalMatchingPursuitCV(cv=2), "number"),
    Predictor(lambda: cross_decomposition.PLSCanonical(1), "numbers"),
    Predictor(lambda: cross_decomposition.PLSRegression(1), "number"),
    Predictor(lambda: linear_model.PassiveAggressiveRegressor(random_state=0), "number"),
    Predictor(lambda: linear_model.PoissonRegressor(max_iter=50), "positive"),
    Predictor(lambda: linear_model.QuantileRegressor(alpha=0.01), "number"),
    Predictor(lambda: linear_model.RANSACRegressor(random_state=0), "number"),
    Predictor(lambda: neighbors.RadiusNeighborsRegressor(50.0), "number"),
    Predictor(lambda: ensemble.RandomForestRegressor(n_estimators=5, max_depth=4, random_state=0), "number", "gaps"),
    Predictor(lambda: multioutput.RegressorChain(_ridge()), "numbers"),
    Predictor(_ridge, "number"),
    Predictor(linear_model.RidgeCV, "number"),
    Predictor(lambda: linear_model.SGDRegressor(random_state=0), "number"),
    Predictor(svm.SVR, "number"),
    Predictor(
        lambda: ensemble.StackingRegressor([("a", _ridge()), ("b", tree.DecisionTreeRegressor(max_depth=3))], cv=2),
        "number",
    ),
    Predictor(lambda: linear_model.TheilSenRegressor(max_subpopulation=50, max_iter=20, random_state=0), "number"),
    Predictor(
        lambda: compose.TransformedTargetRegressor(_ridge(), transformer=preprocessing.StandardScaler()), "number"
    ),
    Predictor(lambda: linear_model.TweedieRegressor(power=1.5, max_iter=50), "positive"),
    Predictor(
        lambda: ensemble.VotingRegressor([("a", _ridge()), ("b", tree.DecisionTreeRegressor(max_depth=3))]), "number"
    ),
    # Estimators that learn without an answer.
    Predictor(lambda: mixture.BayesianGaussianMixture(n_components=2, max_iter=20, random_state=0), "nothing"),
    Predictor(lambda: cluster.Birch(n_clusters=2), "nothing"),
    Predictor(lambda: cluster.BisectingKMeans(2, random_state=0), "nothing"),
    Predictor(lambda: covariance.EllipticEnvelope(random_state=0), "nothing"),
    Predictor(lambda: mixture.GaussianMixture(n_components=2, max_iter=20, random_state=0), "nothing"),
    Predictor(lambda: ensemble.IsolationForest(n_estimators=4, random_state=0), "nothing"),
    Predictor(lambda: cluster.KMeans(2, n_init=1, random_state=0), "nothing"),
    Predictor(lambda: neighbors.LocalOutlierFactor(novelty=True), "nothing"),
    Predictor(cluster.MeanShift, "nothing"),
    Predictor(lambda: cluster.MiniBatchKMeans(2, n_init=1, random_state=0), "nothing"),
    Predictor(svm.OneClassSVM, "nothing"),
    Predictor(lambda: linear_model.SGDOneClassSVM(random_state=0), "nothing"),
    Predictor(lambda: cluster.AffinityPropagation(random_state=0), "nothing"),
)
"""Every estimator that predicts."""


STEPS: tuple[Step, ...] = (
    Step(kernel_approximation.AdditiveChi2Sampler, "positive"),
    Step(lambda: neural_network.BernoulliRBM(2, n_iter=2, random_state=0)),
    Step(lambda: preprocessing.Binarizer(threshold=0.5)),
    Step(lambda: decomposition.DictionaryLearning(2, max_iter=5, random_state=0)),
    Step(lambda: decomposition.FactorAnalysis(1)),
    Step(lambda: decomposition.FastICA(2, random_state=0)),
    Step(lambda: cluster.FeatureAgglomeration(2)),
    Step(
        lambda: pipeline.FeatureUnion(
            [("scaled", preprocessing.StandardScaler()), ("squares", preprocessing.PolynomialFeatures(2))]
        )
    ),
    Step(lambda: frozen.FrozenEstimator(preprocessing.Normalizer())),
    Step(preprocessing.FunctionTransformer),
    Step(lambda: random_projection.GaussianRandomProjection(2, random_state=0)),
    Step(lambda: feature_selection.GenericUnivariateSelect(mode="k_best", param=1)),
    Step(lambda: decomposition.IncrementalPCA(2)),
    Step(lambda: manifold.Isomap(n_neighbors=5, n_components=2)),
    Step(lambda: preprocessing.KBinsDiscretizer(3, encode="onehot-dense", quantile_method="averaged_inverted_cdf")),
    Step(lambda: imputation.KNNImputer(n_neighbors=2), "gaps"),
    Step(lambda: neighbors.KNeighborsTransformer(n_neighbors=3)),
    Step(lambda: decomposition.KernelPCA(2, kernel="rbf")),
    Step(lambda: decomposition.LatentDirichletAllocation(2, max_iter=2, random_state=0), "positive"),
    Step(lambda: manifold.LocallyLinearEmbedding(n_neighbors=5, random_state=0)),
    Step(preprocessing.MaxAbsScaler),
    Step(preprocessing.MinMaxScaler),
    Step(lambda: decomposition.MiniBatchDictionaryLearning(2, max_iter=2, random_state=0)),
    Step(lambda: decomposition.MiniBatchNMF(2, max_iter=5, random_state=0), "positive"),
    Step(lambda: decomposition.MiniBatchSparsePCA(2, max_iter=2, random_state=0)),
    Step(
        lambda: pipeline.make_union(imputation.SimpleImputer(), imputation.MissingIndicator(features="all")),
        "gaps",
    ),
    Step(lambda: decomposition.NMF(2, max_iter=20, random_state=0), "positive"),
    Step(lambda: neighbors.NeighborhoodComponentsAnalysis(2, max_iter=5, random_state=0)),
    Step(preprocessing.Normalizer),
    Step(lambda: kernel_approximation.Nystroem(n_components=5, random_state=0)),
    Step(lambda: preprocessing.OneHotEncoder(handle_unknown="ignore"), "count"),
    Step(lambda: preprocessing.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), "count"),
    Step(lambda: decomposition.PCA(2)),
    Step(lambda: kernel_approximation.PolynomialCountSketch(n_components=8, random_state=0)),
    Step(lambda: preprocessing.PolynomialFeatures(2)),
    Step(preprocessing.PowerTransformer),
    Step(lambda: preprocessing.QuantileTransformer(n_quantiles=10)),
    Step(lambda: kernel_approximation.RBFSampler(n_components=5, random_state=0)),
    Step(lambda: feature_selection.RFE(tree.DecisionTreeRegressor(random_state=0), n_features_to_select=1)),
    Step(lambda: feature_selection.RFECV(tree.DecisionTreeRegressor(random_state=0), cv=2)),
    Step(lambda: neighbors.RadiusNeighborsTransformer(radius=2.0)),
    Step(lambda: ensemble.RandomTreesEmbedding(n_estimators=2, max_depth=2, random_state=0)),
    Step(preprocessing.RobustScaler),
    Step(lambda: feature_selection.SelectFdr(alpha=0.9)),
    Step(lambda: feature_selection.SelectFpr(alpha=0.9)),
    Step(lambda: feature_selection.SelectFromModel(tree.DecisionTreeRegressor(random_state=0))),
    Step(lambda: feature_selection.SelectFwe(alpha=0.9)),
    Step(lambda: feature_selection.SelectKBest(k=1)),
    Step(lambda: feature_selection.SelectPercentile(percentile=60)),
    Step(
        lambda: feature_selection.SequentialFeatureSelector(
            tree.DecisionTreeRegressor(max_depth=2, random_state=0), n_features_to_select=1, cv=2
        )
    ),
    Step(imputation.SimpleImputer, "gaps"),
    Step(lambda: kernel_approximation.SkewedChi2Sampler(n_components=5, random_state=0), "positive"),
    Step(lambda: decomposition.SparsePCA(2, max_iter=5, random_state=0)),
    Step(lambda: random_projection.SparseRandomProjection(2, random_state=0)),
    Step(lambda: preprocessing.SplineTransformer(n_knots=3, degree=2)),
    Step(preprocessing.StandardScaler),
    Step(lambda: preprocessing.TargetEncoder(cv=2, random_state=0), "count"),
    Step(lambda: decomposition.TruncatedSVD(1, random_state=0)),
    Step(feature_selection.VarianceThreshold),
)
"""Every transformer of numbers."""

ELSEWHERE = {
    "ColumnTransformer": "prepares the columns of mixed frames (preparing.py)",
    "CountVectorizer": "splits texts (texts.py)",
    "HashingVectorizer": "splits texts (texts.py)",
    "MissingIndicator": "stands in a union beside SimpleImputer (STEPS)",
    "Pipeline": "joins the steps of every case that has some (case.py)",
    "TfidfTransformer": "weighs the words of texts (texts.py)",
    "TfidfVectorizer": "splits texts (texts.py)",
}
"""What is generated under another line."""

NO_TABLE = {
    "AgglomerativeClustering": "predicts only the rows it was fitted on",
    "ClassicalMDS": "transforms only the rows it was fitted on",
    "DBSCAN": "predicts only the rows it was fitted on",
    "DictVectorizer": "takes dicts of any keys, not columns",
    "EmpiricalCovariance": "has no predict and no transform",
    "FeatureHasher": "takes dicts or tokens of any keys, not columns",
    "GraphicalLasso": "has no predict and no transform",
    "GraphicalLassoCV": "has no predict and no transform",
    "HDBSCAN": "predicts only the rows it was fitted on",
    "KernelCenterer": "takes a kernel between rows, not columns",
    "KernelDensity": "has no predict and no transform",
    "LabelBinarizer": "transforms labels, not columns",
    "LabelEncoder": "transforms labels, not columns",
    "LedoitWolf": "has no predict and no transform",
    "MDS": "transforms only the rows it was fitted on",
    "MinCovDet": "has no predict and no transform",
    "MultiLabelBinarizer": "transforms sets of labels, not columns",
    "NearestNeighbors": "has no predict and no transform",
    "OAS": "has no predict and no transform",
    "OPTICS": "predicts only the rows it was fitted on",
    "PLSSVD": "its transform gives a pair in a pipeline with an answer, and it has no predict",
    "PatchExtractor": "takes images",
    "ShrunkCovariance": "has no predict and no transform",
    "SparseCoder": "codes by a dictionary as wide as its rows, given beforehand: no width fits every table",
    "SpectralBiclustering": "predicts only the rows it was fitted on",
    "SpectralClustering": "predicts only the rows it was fitted on",
    "SpectralCoclustering": "predicts only the rows it was fitted on",
    "SpectralEmbedding": "transforms only the rows it was fitted on",
    "TSNE": "transforms only the rows it was fitted on",
}
"""Why a table cannot feed an estimator, or cannot ask it."""


def generated() -> set[str]:
    """The names of all estimators that some case holds."""
    return {each.name for each in PREDICTORS} | {each.name for each in STEPS} | ELSEWHERE.keys()
