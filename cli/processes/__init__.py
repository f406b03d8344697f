"""What `omniyard up` starts and supervises."""
