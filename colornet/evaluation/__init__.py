"""Colored pictures to figures."""
