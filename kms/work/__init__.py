"""KMS work at the edge, for the app's jobs only: a stored upload is read by the adapter of its format."""
