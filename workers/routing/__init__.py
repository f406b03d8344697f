"""Routes a page of messages: load facts, ask the brain, write the outcome."""
