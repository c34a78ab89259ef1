"""The deployment to AWS: a CDK app, `python -m infra.app`.

It reads the project through modelet's spec and bundle. Only its tests import it.
"""
