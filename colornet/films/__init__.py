"""Films to color: shots, colors that hold still, and everything else as it was."""
