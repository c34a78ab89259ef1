"""Constructs that the stacks are made of, one per module. A construct knows its stage and its model, but no stack."""
