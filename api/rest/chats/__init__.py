"""The chats of the desk as programs see them."""
