"""Write the scikit-learn model in MLflow's format: save.py MODEL.joblib FOLDER."""

import sys

import joblib
import mlflow.sklearn
import numpy as np

model = joblib.load(sys.argv[1])
mlflow.sklearn.save_model(
    model,
    sys.argv[2],
    serialization_format="cloudpickle",  # the default, skops, needs a list of every type
    pip_requirements=["scikit-learn"],  # do not detect the installed packages
    signature=mlflow.models.infer_signature(np.zeros((1, 4))),
)
