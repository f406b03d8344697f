"""THE HANDS. Load facts, ask the brain, write the outcome in one transaction."""
