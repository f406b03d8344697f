"""The texts of the pages, in two languages."""
