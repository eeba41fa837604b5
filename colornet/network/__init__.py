"""Layers, folding and weights files of the network."""
