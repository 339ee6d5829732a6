"""Base classes of every API room: scoping, paging, filters, entity tags, idempotency, problem answers. No domain knowledge."""
