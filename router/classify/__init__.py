"""What a message is about: rules, then a small model, then an encoder where that is unsure; or an honest "unsure"."""

from __future__ import annotations

from router.classify.classifier import Classification, Classifier, Classifies, build_classifier

__all__ = ["Classification", "Classifier", "Classifies", "build_classifier"]
