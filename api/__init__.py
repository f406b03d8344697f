"""THE DESK. The REST API and the web pages."""
