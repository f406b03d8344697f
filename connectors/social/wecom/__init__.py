"""WeCom customer service."""
