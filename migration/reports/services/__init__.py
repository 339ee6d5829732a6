"""What makes reports: asking for one, gathering what it tells, keeping what was rendered."""
