"""The processes that `omniyard up` starts and supervises."""
