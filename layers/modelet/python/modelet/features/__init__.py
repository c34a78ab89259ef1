"""Features by key: columns of a prediction set join rows; only for models with `features:` or `id:`."""
