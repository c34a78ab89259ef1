"""Rules without a construct: checks before a deployment, and errors at synth that AWS would report later."""
