"""Posts on X that mention us, and answers in public."""
