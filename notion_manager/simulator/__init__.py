"""A local Notion that speaks the real wire format over real HTTP, faults included."""

from .accounts import SimAccount, SimSpace, demo_accounts
from .server import Received, Simulator

__all__ = ["Received", "SimAccount", "SimSpace", "Simulator", "demo_accounts"]
