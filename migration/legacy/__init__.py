"""The legacy room: the lending platform's database read once, consistently, into encrypted snapshots with digests."""

from migration.legacy.memory import MemoryLegacy
from migration.legacy.platform import LegacyPlatform
from migration.legacy.vault import Vault

__all__ = ["LegacyPlatform", "MemoryLegacy", "Vault"]
