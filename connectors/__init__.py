"""THE GATES. Foreign bytes become an Envelope, an Outgoing becomes foreign bytes."""
