"""What the batches and jobs of all models share: a function, a state machine, a topic; in the API's stack."""
