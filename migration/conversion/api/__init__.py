"""The API of conversions, and of how a project runs them."""
