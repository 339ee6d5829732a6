"""Writing KMS: hosts, uploads, readings. Each asks the actor's role, is audited, and touches no KMS host."""
