"""What RVTools would export of the lab's vCenter: the workbook a consultant has before there is any access.

The sheets read the same objects that the vCenter serves, as RVTools does. Serving them is lab.vcenter_sim's work.
"""

from lab.rvtools.book import write_workbook

__all__ = ["write_workbook"]
