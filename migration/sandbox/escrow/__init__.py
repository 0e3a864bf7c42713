"""The sandbox escrow: a process of its own that pays withdrawals out of its own books, and misbehaves as told."""

from migration.sandbox.escrow.ledger import Books
from migration.sandbox.escrow.server import Faults, application, serve

__all__ = ["Books", "Faults", "application", "serve"]
