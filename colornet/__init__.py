"""What the scripts at the root use, in rooms that import downwards; see docs/architecture.md."""
