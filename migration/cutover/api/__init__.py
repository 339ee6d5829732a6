"""The API of cutovers: what is done with waves, and batches."""
