"""What is said of a call that will not do: to the model, and in the end to the client."""

from ..turn import Tool
from .marks import Marks
from .offer import Offer
from .parser import Fault, Trouble
from .schemas import signature

QUOTE = 300  # characters of the model's own words
NAMES = 40  # tools that are named


def correction(trouble: Trouble, offer: Offer, marks: Marks) -> str:
    """The message that asks the model once more."""
    again = f'Write the corrected <{marks.call} name="…"> block only.'
    match trouble.fault:
        case Fault.UNKNOWN:
            names = ", ".join(entry.name for entry in offer.entries[:NAMES])
            return (
                f'Your last message called "{trouble.tool[:QUOTE]}", which is not one of the tools '
                f"that can be called now. These can: {names}. {again}"
            )
        case Fault.INVALID:
            return "\n".join(
                (
                    f"The call of {trouble.tool} in your last message was not run:",
                    *(f"- {detail[:QUOTE]}" for detail in trouble.details),
                    *_parameters(trouble.tool, offer),
                    again,
                )
            )
        case Fault.QUOTED:
            return (
                "Your last message had a call inside a code fence that was left open, so it was "
                f'not run. If you meant it, write the <{marks.call} name="…"> block outside of it.'
            )
        case Fault.MISSING:
            wanted = f"a call to {trouble.tool}" if trouble.tool else "at least one call"
            return f"Your last message had no call block, and {wanted} is needed now. {again}"
        case Fault.FORM:
            return (
                f"Your last message had a call of {trouble.tool} in another form than the one "
                f'under "Tools", so it was not run. If you meant it, write it as a <{marks.call} '
                'name="…"> block; if you only showed it, show it again in a code fence.'
            )
        case Fault.FORBIDDEN:
            return "No tool can be called in this reply. Answer in text."


def surrender(trouble: Trouble) -> str:
    """What the client reads where the model was asked again and did no better; empty: nothing."""
    match trouble.fault:
        case Fault.UNKNOWN:
            return f'(The model called "{trouble.tool[:QUOTE]}", a tool that is not offered.)'
        case Fault.INVALID:
            found = "; ".join(detail[:QUOTE] for detail in trouble.details)
            return f"(The model's call of {trouble.tool} did not fit its parameters: {found}.)"
        case Fault.FORM:
            return f"(The model wrote a call of {trouble.tool} in a form that is not taken.)"
        case Fault.QUOTED | Fault.MISSING | Fault.FORBIDDEN:
            return ""


def _parameters(name: str, offer: Offer) -> list[str]:
    entry = offer.find(name)
    if entry is None or not isinstance(entry.tool, Tool):
        return []
    return ["Its parameters:", signature(entry.name, entry.tool.schema)]
