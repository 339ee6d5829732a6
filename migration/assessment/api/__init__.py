"""The API of the assessment: the rule catalogue, findings, assessments, and machines with their verdicts."""
