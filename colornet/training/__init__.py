"""One update of the network and what a run leaves behind."""
