"""Who may do what: customers, projects, members, roles and tokens. Decisions are in policy.py, which is pure."""
