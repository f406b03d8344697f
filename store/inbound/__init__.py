"""What was accepted: claim, history, outcome, quarantine, retention."""
