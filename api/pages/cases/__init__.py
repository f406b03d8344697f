"""What agents do with several cases, or with the case as a whole: bulk, merge, split, spam, next."""
