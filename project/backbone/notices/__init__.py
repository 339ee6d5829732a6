"""Notices: what a project's people want to be told of, where to, and each delivery with its fate. Any app may tell something."""
