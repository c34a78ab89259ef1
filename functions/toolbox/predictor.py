"""Two models behind one endpoint: `?model=iris` or `?model=wine` chooses the one that answers."""

from typing import Any

from modelet import Artifacts, RequestError
from modelet.backends.several import open_models


class Toolbox:
    """Answers one flower or wine, or a list of them. The models are files of one version."""

    def __init__(self, config: dict[str, Any], artifacts: Artifacts) -> None:
        self.most_rows = config["most_rows"]
        self.models = open_models(artifacts)

    def predict(self, payload: Any, query_params: dict[str, str]) -> Any:
        """Return the prediction of the chosen model for a row, or a list of them for a list of rows."""
        name = query_params.get("model")
        if name not in self.models:
            raise RequestError(f"?model=NAME chooses the model: the names are {', '.join(self.models)}.")
        rows = payload if isinstance(payload, list) else [payload]
        if not rows or len(rows) > self.most_rows or not all(isinstance(row, dict) for row in rows):
            raise RequestError(f"Send one object with the model's columns, or a list of 1 to {self.most_rows}.")
        predictions = self.models[name].predict(rows)
        return predictions if isinstance(payload, list) else predictions[0]
