"""Other functions to compare Modelet with: the same model in a bare handler and in common tools."""
