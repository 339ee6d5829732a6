"""The demonstration: walks the main job on world `small` through the HTTP API, as two people, and tells it as a story.

It is a client like any other: it imports no product package, and starts the product by its own commands.
"""
