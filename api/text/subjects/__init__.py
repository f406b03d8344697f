"""The words that several pages say, in English and Chinese: one module a subject."""
