"""Picture files, colour spaces and contact sheets."""
