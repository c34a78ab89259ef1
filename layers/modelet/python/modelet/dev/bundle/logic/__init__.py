"""Check the rules of model.yaml against the contract and the version, before they are bundled."""
