"""Films to colour: shots, colours that hold still, and everything else as it was."""
