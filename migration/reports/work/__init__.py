"""Work of reports: rendering one from the database, and one straight from a workbook without any."""
