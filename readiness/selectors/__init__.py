"""What readiness knows: profiles, pools, their facts and evidence, evaluations and the picture. Reads only."""
