"""Writing an answer: drafts, ready texts and macros, files, signatures, and a first mail."""
