"""Photographs to records: sources, shards and their format, batches."""
