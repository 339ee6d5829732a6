"""Readiness over HTTP: pools, evidence, verdicts and the catalogue of checks. Thin views: one service each."""
