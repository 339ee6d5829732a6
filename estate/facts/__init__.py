"""The frozen vocabulary: what an edge may tell the rest of the house. No behaviour beyond tiny derived properties."""
