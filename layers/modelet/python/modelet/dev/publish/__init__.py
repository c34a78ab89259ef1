"""Publish, push and pin: train, convert, compare, write. Authors import `modelet.publishing` instead."""
