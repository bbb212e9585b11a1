"""Secateur: labelled photos in; pruned, measured, exported classifiers out, with one honest report."""

__version__ = "0.1.0"
