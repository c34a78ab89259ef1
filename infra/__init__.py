"""The deployment to AWS, a CDK app: `python -m infra.app`. It reads the project through modelet's spec and bundle, and
nothing imports it but its tests.
"""
