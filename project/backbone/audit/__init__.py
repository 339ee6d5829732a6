"""The insert-only log of what people and jobs changed, one hash chain per project. Technical logs do not belong here."""
