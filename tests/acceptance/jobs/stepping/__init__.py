"""An app for the kill tests alone: its job takes steps, saves a checkpoint after each, and writes down who took it."""
