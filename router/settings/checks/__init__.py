"""What no single table can tell: names that must exist elsewhere, hours that overlap, routes that never fire."""
