"""What pages say, in two languages."""
