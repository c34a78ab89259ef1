"""The parts that stacks are made of, one noun a module; a construct knows its stage and its model, and no stack."""
