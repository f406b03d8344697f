"""Classify a message: by keywords, then by a small model, then by an encoder where the model is unsure; or abstain."""

from __future__ import annotations

from router.classify.classifier import Classification, Classifier, Classifies, build_classifier

__all__ = ["Classification", "Classifier", "Classifies", "build_classifier"]
