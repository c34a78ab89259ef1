"""The stacks: each is a list of constructs, and only infra/app.py creates them."""
