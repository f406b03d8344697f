"""Ask a model for a text: the endpoint with its limits, and what each purpose sends and takes back."""
