"""The constructs of the stacks, one per module. A construct knows its stage and its model, but no stack.

Each package imports only those below it: monitoring, gateway, model, release, and then platform and storage.
"""
