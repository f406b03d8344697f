"""Systems of the operator's own, by signed HTTP."""
