"""The stacks: each reads as a list of constructs, and only infra/app.py makes them."""
