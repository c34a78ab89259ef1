"""A model's worker, which does its batches and jobs: its function, role, queue and schedule; in the model's stack."""
