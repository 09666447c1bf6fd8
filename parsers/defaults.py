"""The values that stand where a caller says nothing; frozen, so they may be shared."""

from chamado.parsers.types import Own, ParseLimits

LIMITS = ParseLimits()
NOBODY = Own()
