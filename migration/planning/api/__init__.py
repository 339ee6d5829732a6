"""The API of planning: mappings with suggestions and gaps, plans with their waves and the why."""
