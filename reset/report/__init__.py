"""The report: tables, plots and one page, made from the metrics and scores of earlier stages."""
