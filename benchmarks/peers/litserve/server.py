"""A LitServe API with one API server and one worker, the defaults on a CPU."""

import os
import sys

import joblib
import litserve


class Iris(litserve.LitAPI):
    """Iris flowers by a scikit-learn pipeline."""

    def setup(self, device: str) -> None:  # noqa: ARG002 - LitServe's signature
        """Load the model in the worker."""
        self.model = joblib.load(os.environ["MODEL"])

    def decode_request(self, request: dict) -> list[list[float]]:
        """Return the rows."""
        return request["input"]

    def predict(self, x: list[list[float]]) -> list[str]:
        """Return the species of each row."""
        return self.model.predict(x).tolist()

    def encode_response(self, output: list[str]) -> dict:
        """Return the response."""
        return {"output": output}


if __name__ == "__main__":
    server = litserve.LitServer(Iris(), accelerator="cpu")
    server.run(host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", generate_client_file=False)
