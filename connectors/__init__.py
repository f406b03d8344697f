"""THE GATES. They turn foreign bytes into an Envelope, and an Outgoing into foreign bytes."""
