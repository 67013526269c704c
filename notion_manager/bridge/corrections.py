"""What is said of a call that will not do: to the model, and in the end to the client."""

from collections.abc import Mapping

from ..turn import Tool
from .faults import Fault, Trouble
from .marks import Marks
from .offer import Offer
from .schemas import signature

QUOTE = 300  # characters of the model's own words
NAMES = 40  # tools that are named
_AGAIN = 'Write the corrected <{call} name="…"> block only.'
_TO_THE_MODEL: Mapping[Fault, str] = {
    Fault.UNKNOWN: (
        'Your last message called "{tool}", which is not one of the tools that can be called now. '
        f"These can: {{names}}. {_AGAIN}"
    ),
    Fault.UNWANTED: (
        "Your last message called {tool}, and only this tool can be called now:\n{details}\n"
        + _AGAIN
    ),
    Fault.INVALID: (
        "The call of {tool} in your last message was not run:\n{details}{parameters}\n" + _AGAIN
    ),
    Fault.CUT: (
        "The call of {tool} in your last message broke off before its end, so it was not run. "
        'Write the whole <{call} name="…"> block again.'
    ),
    Fault.QUOTED: (
        "Your last message had a call inside a code fence that was left open, so it was not run. "
        'If you meant it, write the <{call} name="…"> block outside of it.'
    ),
    Fault.MISSING: (f"Your last message had no call block, and {{wanted}} is needed now. {_AGAIN}"),
    Fault.FORM: (
        "Your last message had a call of {tool} in another form than the one under "
        '"Tools", so it was not run. If you meant it, write it as a <{call} name="…"> block; if '
        "you only showed it, show it again in a code fence."
    ),
    Fault.RESULT: (
        "Your last message had a result that you wrote yourself. Results come from the "
        "application, in its next message, after you have written a <{call}> block. Write the "
        "block, or answer in plain text."
    ),
    Fault.FORBIDDEN: "No tool can be called in this reply. Answer in text.",
}
_AND_OTHERS = (
    "\n\nNor was this run, which your last message called as well: {others}. Write those "
    "blocks again too, if you meant them."
)
_TO_THE_CLIENT: Mapping[Fault, str] = {
    Fault.UNKNOWN: '(The model called "{tool}", a tool that is not offered.)',
    Fault.INVALID: "(The model's call of {tool} did not fit its parameters: {details}.)",
    Fault.CUT: "(The model's call of {tool} broke off before its end.)",
    Fault.FORM: "(The model wrote a call of {tool} in a form that is not taken.)",
}


def correction(trouble: Trouble, offer: Offer, marks: Marks) -> str:
    """The message that asks the model once more, for all that was not called."""
    told = _TO_THE_MODEL[trouble.fault] + (_AND_OTHERS if trouble.others else "")
    return told.format(
        call=marks.call,
        tool=trouble.tool[:QUOTE],
        names=", ".join(entry.name for entry in offer.entries[:NAMES]),
        details="\n".join(f"- {detail[:QUOTE]}" for detail in trouble.details),
        others=", ".join(trouble.others)[:QUOTE],
        parameters=_parameters(trouble.tool, offer),
        wanted=f"a call to {trouble.tool}" if trouble.tool else "at least one call",
    )


def surrender(trouble: Trouble) -> str:
    """What the client reads where the model was asked again and did no better; empty: nothing."""
    details = "; ".join(detail[:QUOTE] for detail in trouble.details)
    words = _TO_THE_CLIENT.get(trouble.fault, "")
    return words.format(tool=trouble.tool[:QUOTE], details=details)


def _parameters(name: str, offer: Offer) -> str:
    entry = offer.find(name)
    if entry is None or not isinstance(entry.tool, Tool):
        return ""
    return f"\nIts parameters:\n{signature(entry.name, entry.tool.schema)}"
