"""THE DESK. REST, and the pages that people look at."""
