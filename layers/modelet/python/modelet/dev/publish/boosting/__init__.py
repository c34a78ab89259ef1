"""The libraries for gradient boosting: their models and files. Each is imported only for a model of its own."""
