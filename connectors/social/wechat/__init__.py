"""WeChat: service accounts and mini programs."""
