"""The words of single pages, in English and Chinese: one module a page or a part of it; see `api.text.subjects` too."""
