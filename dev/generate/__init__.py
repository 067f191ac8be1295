"""Writes what is generated from the models: the CRD, and its reference page."""
