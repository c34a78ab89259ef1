"""The AWS emulator of `modelet up`: DynamoDB, S3, queues and workflows for batches and jobs; only `serve` uses it."""
