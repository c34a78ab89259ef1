"""The outputs of a batch: items of a prediction table, results and rejected rows in S3."""
