"""Pure parts of the assessment: the rules, their catalogue, limits and verdicts."""
