"""DMARC (RFC 9989): does a domain that was proven stand for the domain in From?

The organisation is found by walking up the tree of names, as the RFC has it; no list of
public suffixes is needed, nor its monthly change.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from chamado.daemon.names import Resolve

#: How many labels the walk looks at: the domain itself, then from this many down.
_LABELS = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the owner of a domain asks for; `found` says that there is a record."""

    found: bool
    organisation: str
    strict_dkim: bool = False
    strict_spf: bool = False


def policy_of(domain: str, resolve: Resolve) -> Policy:
    """Look up the policy for a domain. Raises `NoAnswer` of the resolver."""
    records = _walk(domain, resolve)
    organisation = _organisation(domain, records)
    registry = next((r for r in records.values() if r.get("psd") == "y"), {})
    record = records.get(domain) or records.get(organisation) or registry
    return Policy(
        found="p" in record,
        organisation=organisation,
        strict_dkim=record.get("adkim", "r") == "s",
        strict_spf=record.get("aspf", "r") == "s",
    )


def aligned(
    domain: str,
    policy: Policy,
    signed_by: Iterable[str],
    sent_by: Iterable[str],
    resolve: Resolve,
) -> bool:
    """Tell whether one of the proven domains stands for `domain` (§4.4)."""
    return any(
        _same(domain, policy, proven, resolve, strict=policy.strict_dkim)
        for proven in signed_by
    ) or any(
        _same(domain, policy, proven, resolve, strict=policy.strict_spf)
        for proven in sent_by
    )


def _same(
    domain: str, policy: Policy, proven: str, resolve: Resolve, *, strict: bool
) -> bool:
    if proven == domain:
        return True
    if strict or not f".{proven}".endswith(f".{policy.organisation}"):
        return False
    return _organisation(proven, _walk(proven, resolve)) == policy.organisation


def _names(domain: str) -> list[str]:
    labels = domain.split(".")
    names = [domain]
    rest = labels[1:] if len(labels) <= _LABELS + 1 else labels[-_LABELS:]
    names += [".".join(rest[at:]) for at in range(len(rest))]
    return names


def _walk(domain: str, resolve: Resolve) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for name in _names(domain):
        record = _record(resolve(f"_dmarc.{name}", "TXT"))
        if record is None:
            continue
        found[name] = record
        if record.get("psd") in ("n", "y"):
            break
    return found


def _record(texts: list[str]) -> dict[str, str] | None:
    """Read the one record there may be; two are none (§4.7)."""
    ours = [text for text in texts if text.replace(" ", "").startswith("v=DMARC1")]
    if len(ours) != 1:
        return None
    pairs = (piece.partition("=") for piece in ours[0].split(";"))
    return {name.strip().lower(): value.strip().lower() for name, _, value in pairs}


def _organisation(domain: str, records: dict[str, dict[str, str]]) -> str:
    """Name the organisation by what the walk found, nearest first (§4.10.2)."""
    for name, record in records.items():
        if record.get("psd") == "n":
            return name
        if record.get("psd") == "y" and name != domain:
            below = domain.removesuffix(f".{name}")
            return f"{below.rpartition('.')[2]}.{name}"
    return min(records, key=lambda name: name.count("."), default=domain)
