"""A custody bank to rehearse with: behaves as bank-interface.md says and keeps its own books.

A program of its own that shares no code with the product, so that a misreading of the interface shows. See
docs/sandbox-bank.md.
"""

from __future__ import annotations

from migration.sandbox.bank.daily import cut_day
from migration.sandbox.bank.desk import Profile
from migration.sandbox.bank.faults import PlanError
from migration.sandbox.bank.ledger import Ledger, dump
from migration.sandbox.bank.server import SandboxBank
from migration.sandbox.bank.service import BankBusy, run

__all__ = ["BankBusy", "Ledger", "PlanError", "Profile", "SandboxBank", "cut_day", "dump", "run"]
