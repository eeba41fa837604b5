"""Photographs to records: lists, conversion, the format of shards."""
