"""The laptop only: specs, publish, bundles, the local runtime, the command line; never in an image or the layer."""
