"""Routes a batch of messages: load facts, ask the brain, write the outcome."""
