"""The online chat: the page, the frame and the loader for the operator's site, and the visitors' own small API."""
