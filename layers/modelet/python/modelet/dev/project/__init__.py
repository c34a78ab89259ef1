"""A project on this machine: its folders, model.yaml, routes and an author's modules; YAML is read here alone."""
