"""The functions that serve no model and their layer, and the log groups of all functions; any stack may use them."""
