"""Stands in for lxml where PyLogsParser runs as the oracle of the differential test: see ../oracle.py."""
