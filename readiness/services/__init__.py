"""What changes in readiness: pools, their stored facts, attestations, evaluations. Each change is audited with its actor."""
