"""What agents write with: drafts, ready texts, signatures."""
