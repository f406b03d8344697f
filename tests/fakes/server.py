"""The demo's providers under the names that tests use."""

from __future__ import annotations

from cli.demo.provider import Answer, Asked, Fault
from cli.demo.provider import Provider as FakeServer

__all__ = ["Answer", "Asked", "FakeServer", "Fault"]
