"""Writes the scikit-learn model as MLflow's own: save.py MODEL.joblib FOLDER."""

import sys

import joblib
import mlflow.sklearn
import numpy as np

model = joblib.load(sys.argv[1])
mlflow.sklearn.save_model(
    model,
    sys.argv[2],
    serialization_format="cloudpickle",  # the default, skops, would have to be told of every type
    pip_requirements=["scikit-learn"],  # what is installed is not to be looked up
    signature=mlflow.models.infer_signature(np.zeros((1, 4))),
)
