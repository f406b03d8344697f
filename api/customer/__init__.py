"""The customers' pages: contact form, case status, self-service answers, ratings."""
