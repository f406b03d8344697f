"""What goes with the messages of a case that is merged or split."""
