"""A made-up lending platform in any database, with the hazards of real migrations planted by name."""

from .hazards import ALL, ONLY_BY_NAME
from .platform import BUSINESS_DATE, generate

__all__ = ["ALL", "BUSINESS_DATE", "ONLY_BY_NAME", "generate"]
