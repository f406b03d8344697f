"""What open pages get at once: changed rows, counts, channels that fail."""
