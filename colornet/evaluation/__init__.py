"""Coloured pictures to figures."""
