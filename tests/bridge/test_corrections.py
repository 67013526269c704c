"""What is said of a call that will not do."""

import pytest
from toolkit import TOOLS

from notion_manager.bridge.corrections import correction, surrender
from notion_manager.bridge.faults import Fault, Trouble
from notion_manager.bridge.marks import Marks
from notion_manager.bridge.offer import Offer


@pytest.mark.parametrize("fault", list(Fault))
def test_every_fault_has_words_for_the_model(fault: Fault) -> None:
    said = correction(Trouble(fault, "Read", ("value: no",)), Offer(TOOLS), Marks("amber"))
    assert "last message" in said or fault is Fault.FORBIDDEN
    assert isinstance(surrender(Trouble(fault, "Read")), str)


def test_a_correction_asks_for_each_call_that_was_not_made() -> None:
    trouble = Trouble(Fault.FORM, "Read", others=("Bash", "Edit"))
    said = correction(trouble, Offer(TOOLS), Marks("amber"))
    assert "a call of Read in another form" in said
    assert "Nor was this run, which your last message called as well: Bash, Edit." in said
    assert "as well" not in correction(Trouble(Fault.FORM, "Read"), Offer(TOOLS), Marks("amber"))


def test_a_correction_names_what_is_needed() -> None:
    offer, marks = Offer(TOOLS), Marks("amber")
    assert "a call to Read is needed" in correction(Trouble(Fault.MISSING, "Read"), offer, marks)
    assert "at least one call is needed" in correction(Trouble(Fault.MISSING), offer, marks)
    invalid = correction(Trouble(Fault.INVALID, "Read", ("limit: x" * 99,)), offer, marks)
    assert "Read {\n  file_path: string\n  limit?: int\n}" in invalid
    assert len(invalid) < 600
    assert "Its parameters" not in correction(Trouble(Fault.INVALID, "apply_patch"), offer, marks)
