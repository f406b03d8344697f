"""The supervisor's comparison: charts with axes, tables, CSV, and a URL that stays."""
