"""Grayscale pictures to color with a trained network."""
