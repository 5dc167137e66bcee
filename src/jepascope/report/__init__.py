"""The report: tables and figures of a run folder -> one HTML file."""

from jepascope.report.build import build_report

__all__ = ["build_report"]
