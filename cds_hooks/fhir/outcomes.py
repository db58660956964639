"""OperationOutcomes: whether one tells of an error, or only comments on results."""

from typing import Any


def is_error(resource: Any) -> bool:
    """Tell whether a resource is an OperationOutcome that says more than warnings (HK-52: inspect them).

    One without issues, or whose severities are of no known kind, is taken for an error.
    """
    if not isinstance(resource, dict) or resource.get("resourceType") != "OperationOutcome":
        return False
    issues = resource.get("issue")
    severities = (
        [issue.get("severity") for issue in issues if isinstance(issue, dict)] if isinstance(issues, list) else []
    )
    return not severities or any(severity not in ("warning", "information") for severity in severities)
