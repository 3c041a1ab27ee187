"""The report: tables, plots and one page made of other stages' figures; it scores nothing and loads no model."""
