"""Why an answer deserves to be asked for again."""

from enum import Enum

from msgspec import Struct


class Fault(Enum):
    UNKNOWN = "a tool that is not offered"
    UNWANTED = "a call of another tool than the one that is wanted"
    FORBIDDEN = "a call where none is allowed"
    INVALID = "arguments that are not as the tool wants them"
    CUT = "a call that broke off"
    QUOTED = "a call inside a code fence that was left open"
    MISSING = "no call where one is required"
    FORM = "a call in another form"
    RESULT = "a result of its own making"


MEANT = (Fault.INVALID, Fault.FORM, Fault.CUT)
"""What is wrong with a call that can be made once it is written as it should be."""


class Trouble(Struct, frozen=True):
    """`tool` is as the model wrote it; `details` are for it to read.

    `others` are the tools of further calls that can be made if they are written again.
    """

    fault: Fault
    tool: str = ""
    details: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
