"""Which answer of the operator's FAQ fits a question, and whether the machine may send it."""
