"""HA timeout tuning campaigns, decided purely: which step comes next, whether a trial may begin, what was seen during one."""
