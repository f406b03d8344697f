"""The pages about a customer."""
