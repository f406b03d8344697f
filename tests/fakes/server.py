"""The demo's providers under the names that tests use."""

from __future__ import annotations

from cli.demo.provider import DemoAnswer, DemoRequest, Fault
from cli.demo.provider import Provider as FakeServer

__all__ = ["DemoAnswer", "DemoRequest", "FakeServer", "Fault"]
